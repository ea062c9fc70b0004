"""Ask prompts in order: take kept replies from the cache, and ask a model for the others, once each."""

import atexit
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol, TypeVar

from tqdm import tqdm

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.funnel import DropReason, Failed, attempt
from mathcode_pile.core.scratch import hash_values, scratch_folder
from mathcode_pile.llm.cache import Completion, Failure, ReplyCache, reply_key
from mathcode_pile.llm.prompts import Prompt
from mathcode_pile.llm.reasons import NoReply
from mathcode_pile.llm.settings import Task

T = TypeVar("T")


class Reply(NamedTuple):  # to one prompt
    text: str
    is_cut: bool
    """It ended at the token limit."""
    failure: NoReply | None = None
    """Why there is no reply; None where there is one."""
    detail: str = ""
    """What a person needs to understand the failure: a status, a message."""


class Backend(Protocol):
    """What answers prompts."""

    window: int
    """Prompts that it takes before the first of them is answered."""

    def open(self) -> None:
        """Get ready to answer, which may take minutes; called before the first prompt is asked."""

    def submit(self, prompt: Prompt, keep: Callable[[Completion], None]) -> "Future[Any]":
        """Ask a prompt; an answer goes to `keep` at once, and the future gets the answer or the Failure."""

    def close(self) -> None:
        """Free processes, threads and connections."""


class Asker:
    """Asks the prompts of one task and keeps the replies."""

    def __init__(self, task: Task, backend: Backend, replies: ReplyCache) -> None:
        self.task = task
        self.backend = backend
        self.replies = replies
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.unread: Counter[str] = Counter()
        self.is_stopped = False
        """The model could not be asked; this asker will not ask it again."""
        self._first_failure = ""
        self._is_open = False
        self._before: Counter[str] = Counter()
        self._start = 0.0
        self._seconds = 0.0
        self._counting = threading.Lock()
        self._identity = task.identity()
        self._flying: dict[bytes, Future[Any]] = {}
        self._failed: dict[bytes, Failure] = {}

    def ask(
        self, items: Iterable[tuple[T, Prompt | Failed]], total: int | None, unit: str
    ) -> Generator[tuple[T, Reply | Failed], None, None]:
        """Yield each item's tag and the reply to its prompt, in order; an item that is Failed comes out as it is.

        total: how many units (documents) the items make, for the bar; None: unknown. Consecutive items with one tag are
            one unit.
        Raises PipelineError where the model cannot be reached, or where more than one prompt and more than the
        task's share of prompts failed or got a reply that `count_unread` was told of.
        """
        queue: deque[tuple[T, bytes, Any]] = deque()
        self._before, self._start = Counter(self.counts), time.monotonic()
        with tqdm(total=total, unit=unit, desc=self.task.stage, smoothing=0.05) as bar:
            try:
                last: Any = None
                for tag, prompt in items:
                    key, answer = (b"", prompt) if isinstance(prompt, Failed) else self._look_up(prompt)
                    queue.append((tag, key, answer))
                    while len(queue) >= self.backend.window:
                        last = self._advance(bar, queue[0][0], last)
                        yield self._take(queue)
                while queue:
                    last = self._advance(bar, queue[0][0], last)
                    yield self._take(queue)
                self._advance(bar, None, last)
                self._check_share(1)
            except PipelineError:
                self.is_stopped = True
                raise
            finally:
                for _, _, answer in queue:
                    if isinstance(answer, Future):
                        answer.cancel()
                self._flying.clear()
                self._note_run()

    def _look_up(self, prompt: Prompt) -> tuple[bytes, Any]:
        """Return a prompt's key and its answer, or the future of an answer."""
        key = reply_key(self._identity, prompt)
        self.counts["prompts"] += 1
        kept = self.replies.get(key) or self._failed.get(key) or self._flying.get(key)
        if kept is not None:
            self.counts["hits"] += 1
            return key, kept
        self.counts["misses"] += 1

        def keep(completion: Completion) -> None:
            self.replies.put(key, self.task.model.id, completion)
            with self._counting:
                self.counts["prompt_tokens"] += completion.prompt_tokens
                self.counts["completion_tokens"] += completion.completion_tokens

        if not self._is_open:
            # Only now, because kept replies need no model. The time to load it does not count as time to answer.
            opening = time.monotonic()
            self.backend.open()
            self._is_open = True
            self._start += time.monotonic() - opening
        self._flying[key] = self.backend.submit(prompt, keep)
        return key, self._flying[key]

    def _take(self, queue: "deque[tuple[T, bytes, Any]]") -> tuple[T, Reply | Failed]:
        tag, key, answer = queue.popleft()
        if isinstance(answer, Future):
            answer = attempt(answer.result)
            self._flying.pop(key, None)
        if isinstance(answer, Failed):
            return tag, answer
        if isinstance(answer, Completion):
            return tag, Reply(answer.text, answer.is_cut)
        self._failed[key] = answer
        if answer.reason is not NoReply.NOT_RECORDED:  # nobody was asked, so nothing went wrong
            self.failures[answer.reason] += 1
            self._first_failure = self._first_failure or answer.detail
            self._check_share(100)
        return tag, Reply("", False, answer.reason, answer.detail)

    def count_unread(self, reason: DropReason, reply: Reply) -> None:
        """Count a reply that gives no answer, as a failed prompt is counted; raises PipelineError as `ask` does."""
        self.unread[reason] += 1
        excerpt = " ".join(reply.text[:200].split())
        self._first_failure = self._first_failure or f"{reason}: the model answered {excerpt!r}"
        self._check_share(100)

    def _check_share(self, least: int) -> None:
        """Stop where too many of the prompts so far have no answer; least: fewer prompts than this prove nothing."""
        lost = self.failures + self.unread
        asked = self.counts["prompts"]
        if asked >= least and lost.total() > max(1, self.task.max_failed_share * asked):
            self.is_stopped = True
            why = ", ".join(f"{name} {count}" for name, count in sorted(lost.items()))
            what = "failed or got a reply that cannot be read" if self.unread else "failed"
            raise PipelineError(
                f"{self.task.stage}: {lost.total()} of {asked} prompts {what} ({why}), over max_failed_share "
                f"{self.task.max_failed_share:g}; the first: {self._first_failure}; every reply so far is kept: mend "
                "this and run the same command again"
            )

    def _advance(self, bar: Any, tag: object, last: object) -> object:
        if last is not None and tag != last:
            bar.set_postfix_str(_describe(self.counts - self._before, self._elapsed()), refresh=False)
            bar.update()
        return tag

    def _elapsed(self) -> float:
        return max(time.monotonic() - self._start, 1e-9)

    def _note_run(self) -> None:
        new, seconds = self.counts - self._before, self._elapsed()
        self._seconds += seconds
        if new["completion_tokens"]:
            tokens = (new["prompt_tokens"], new["completion_tokens"])
            self.replies.note_run(self.task.model.id, self.task.stage, seconds, new["misses"], tokens)

    def close(self) -> None:
        """Close the model and the cache; say what was asked."""
        self.backend.close()
        self.replies.close()
        if self.counts["prompts"]:
            failed = f"{self.failures.total()} failed, {self.counts['prompts']} prompts in all"
            say(f"{self.task.stage}: {_describe(self.counts, self._seconds)}, {failed}")


def _describe(counts: Counter[str], seconds: float) -> str:
    tokens = counts["prompt_tokens"] + counts["completion_tokens"]
    return f"hits {counts['hits']}, misses {counts['misses']}, {tokens} tokens, {tokens / seconds:.0f} tokens/s"


_OPEN: dict[str, Asker] = {}


def open_asker(task: Task) -> Asker:
    """Return this process's asker of a task, opened once and kept: its model may take minutes to load."""
    folder = scratch_folder("replies")
    key = hash_values(
        str(folder), task.stage, task.backend, task.model.model_dump(mode="json"), task.max_completion_tokens
    )
    if key in _OPEN and _OPEN[key].is_stopped:
        _OPEN.pop(key).close()
    if key not in _OPEN:
        replies = ReplyCache(folder, task.model.recorded, in_memory=task.backend == "recorded")
        _OPEN[key] = Asker(task, open_backend(task), replies)
    return _OPEN[key]


@atexit.register
def close_askers() -> None:
    """Close all models and caches that are open."""
    while _OPEN:
        _OPEN.popitem()[1].close()


class NobodyAsked:
    """The backend of recorded replies: a prompt without one gets none."""

    window = 1

    def open(self) -> None:
        """Do nothing."""

    def submit(self, prompt: Prompt, keep: Callable[[Completion], None]) -> "Future[Any]":
        """Return the failure of a prompt that has no recorded reply."""
        answer: Future[Any] = Future()
        answer.set_result(Failure(NoReply.NOT_RECORDED, ""))
        return answer

    def close(self) -> None:
        """Do nothing."""


def open_backend(task: Task) -> Backend:
    """Return the backend that a task names."""
    if task.backend == "recorded":
        return NobodyAsked()
    if task.backend == "openai":
        from mathcode_pile.llm.served import ServedModel

        assert task.model.openai
        return ServedModel(task, task.model.openai)
    from mathcode_pile.llm.vllm_servers import VllmModel

    return VllmModel(task)
