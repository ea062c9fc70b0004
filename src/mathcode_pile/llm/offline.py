"""Ask a model through vLLM on this machine, without a server.

Each engine runs in a process of its own, on its share of the GPUs. It accepts prompts while it generates, and each
reply is kept as soon as it is complete. So no batch waits for its longest answer, and a crash loses only the answers
that were not complete.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from mathcode_pile.core.errors import PipelineError, first_line
from mathcode_pile.core.funnel import Failed, attempt
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.llm.cache import Completion, Failure
from mathcode_pile.llm.prompts import Prompt
from mathcode_pile.llm.reasons import NoReply
from mathcode_pile.llm.settings import Task
from mathcode_pile.llm.token_counts import apply_chat_template

Keep = Callable[[Completion], None]
CLOSE_S = 30
NOT_INSTALLED = "backend vllm is not installed: pip install vllm==0.32.0"
READY = 0  # what an engine sends in place of a prompt's number once its model is loaded


class OfflineModel:
    """Sends prompts to engines."""

    def __init__(self, task: Task) -> None:
        params = task.model.vllm
        assert params
        self.task = task
        self.window = params.engines * params.batch_prompts
        self._engines: list[_Engine] = []

    def open(self) -> None:
        """Load the model into every engine; raises PipelineError where one fails."""
        self._engines = [_Engine(self.task, gpus) for gpus in share_gpus(self.task)]
        for engine in self._engines:
            engine.wait()

    def submit(self, prompt: Prompt, keep: Keep) -> "Future[Completion | Failure]":
        """Ask a prompt; `keep` is called with the answer as soon as it comes.

        The future raises PipelineError where its engine failed or died.
        """
        return min(self._engines, key=lambda engine: engine.busy).submit(prompt, keep)

    def close(self) -> None:
        """End the engines; answers that are not complete are dropped."""
        for engine in self._engines:
            engine.close()


def share_gpus(task: Task) -> list[str]:
    """Return the CUDA_VISIBLE_DEVICES of each engine; empty: all GPUs that this process sees."""
    assert task.model.vllm
    engines, width = task.model.vllm.engines, task.model.vllm.tensor_parallel
    if engines == 1:
        return [""]
    needed, stated = engines * width, os.environ.get("CUDA_VISIBLE_DEVICES")
    ids = stated.split(",") if stated else [str(i) for i in range(needed)]
    if len(ids) < needed:
        raise PipelineError(f"llm: vllm.engines x tensor_parallel needs {needed} GPUs, and CUDA shows {len(ids)}")
    return [",".join(ids[i * width : (i + 1) * width]) for i in range(engines)]


class _Engine:
    """This process's side of an engine: it sends prompts, and a thread receives the answers."""

    def __init__(self, task: Task, gpus: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._stage = task.stage
        self._pipe, theirs = context.Pipe()
        # Not a daemon: vLLM starts processes of its own, which a daemon may not do.
        self._process = context.Process(target=_run_engine, args=(theirs, task, gpus), daemon=False)
        self._process.start()
        theirs.close()
        self._lock = threading.Lock()
        self._asked: dict[int, tuple[Keep, Future[Any]]] = {}
        self._count = 0
        self._failure: PipelineError | None = None
        self._is_ready = threading.Event()
        self._reader = threading.Thread(target=self._take_answers, daemon=True)
        self._reader.start()

    @property
    def busy(self) -> int:
        """The number of its prompts that have no answer yet."""
        return len(self._asked)

    def wait(self) -> None:
        """Return when the model is loaded; raises PipelineError where it cannot be."""
        self._is_ready.wait()
        if self._failure:
            raise self._failure

    def submit(self, prompt: Prompt, keep: Keep) -> "Future[Any]":
        """Ask a prompt; raises PipelineError where the engine has failed."""
        future: Future[Any] = Future()
        with self._lock:
            if self._failure:
                raise self._failure
            self._count += 1
            number = self._count
            self._asked[number] = keep, future
        try:
            self._pipe.send((number, prompt))
        except OSError:  # the engine died; the reader thread sets the future's exception
            self._reader.join()
        return future

    def _take_answers(self) -> None:
        reason = "a vLLM engine died"
        try:
            while True:
                number, answer = self._pipe.recv()
                if number is None:
                    reason = answer
                    break
                if number == READY:
                    self._is_ready.set()
                    continue
                with self._lock:
                    keep, future = self._asked.pop(number)
                _hand_over(answer, keep, future)
        except (EOFError, OSError):
            pass
        way_on = "every reply so far is kept: when this is mended, run the same command again"
        with self._lock:
            self._failure = PipelineError(f"{self._stage}: {reason}; {way_on}")
            for _, future in self._asked.values():
                if future.set_running_or_notify_cancel():
                    future.set_exception(self._failure)
            self._asked.clear()
        self._is_ready.set()

    def close(self) -> None:
        """End the engine's process; answers that are not complete are dropped."""
        with suppress(OSError):  # it has ended already
            self._pipe.send(None)
        self._process.join(CLOSE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._reader.join(CLOSE_S)
        self._pipe.close()


def _hand_over(answer: Completion | Failure | Failed, keep: Keep, future: "Future[Any]") -> None:
    is_awaited = future.set_running_or_notify_cancel()
    try:
        if isinstance(answer, Completion):
            keep(answer)  # even if the stage has given up: the answer is paid for
    except Exception as error:  # raised where the stage reads the future; here it would end the reader thread
        if is_awaited:
            future.set_exception(error)
    else:
        if is_awaited:
            future.set_result(answer)


def _run_engine(pipe: Any, task: Task, gpus: str) -> None:
    """Answer the prompts that come through a pipe, each with its number, until None comes. Runs in its own process."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the stage, and the stage closes the pipe
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    # vLLM's core runs in this process, which dies with the stage. A separate one would survive and hold the GPU.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    try:
        generator = Generator(task)
        pipe.send((READY, None))
        while True:
            while pipe.poll(0) or not generator.is_busy:
                message = pipe.recv()
                if message is None:
                    return
                number, prompt = message
                refusal = generator.add(number, prompt)
                if refusal:
                    pipe.send((number, refusal))
            for answer in generator.step():
                pipe.send(answer)
    except EOFError:
        return
    except PipelineError as error:
        pipe.send((None, str(error)))
    except Exception as error:  # whatever vLLM raises must reach the stage, as one line
        pipe.send((None, f"vLLM failed: {first_line(error)}"))


class Generator:
    """vLLM's engine with one task's model and sampling."""

    def __init__(self, task: Task) -> None:
        """Load the model. Raises PipelineError where vLLM is not installed."""
        try:
            from vllm import EngineArgs, LLMEngine, SamplingParams
            from vllm.exceptions import VLLMClientError
        except ImportError:
            raise PipelineError(NOT_INSTALLED) from None
        model, params = task.model, task.model.vllm
        assert params
        tokenizer = model.tokenizer if model.tokenizer not in (None, "bytes") else model.id
        self._engine = LLMEngine.from_engine_args(
            EngineArgs(
                model=model.id,
                revision=model.commit_of(model.id),
                tokenizer=tokenizer,
                tokenizer_revision=model.commit_of(tokenizer),
                tensor_parallel_size=params.tensor_parallel,
                gpu_memory_utilization=params.gpu_memory_share,
                max_model_len=model.context_tokens,
                dtype=params.dtype,
                enforce_eager=params.enforce_eager,
                seed=model.seed,
                disable_log_stats=True,
            )
        )
        self._refusal = VLLMClientError
        self._model = model
        self._tokenizer = self._engine.get_tokenizer()
        self._sampling = partial(
            SamplingParams,
            temperature=model.temperature,
            top_p=model.top_p,
            max_tokens=task.max_completion_tokens,
        )

    @property
    def is_busy(self) -> bool:
        """Whether any prompt has no answer yet."""
        return bool(self._engine.has_unfinished_requests())

    def add(self, number: int, prompt: Prompt) -> Failure | Failed | None:
        """Add a prompt; return why not where vLLM refuses it (it may be too long), or the tokenizer raises on it."""
        ids = attempt(self._encode, prompt)
        if isinstance(ids, Failed):
            return ids
        try:
            sampling = self._sampling(seed=self._model.seed + prompt.sample)
            self._engine.add_request(str(number), {"prompt_token_ids": ids}, sampling)
        except self._refusal as error:
            return Failure(NoReply.REFUSED_BY_VLLM, first_line(error))
        return None

    def _encode(self, prompt: Prompt) -> list[int]:
        text = apply_chat_template(self._tokenizer, prompt, self._model)
        return self._tokenizer.encode(text, add_special_tokens=False)

    def step(self) -> Iterator[tuple[int, Completion]]:
        """Generate one more token for each prompt; yield the number and the answer of each prompt that is complete."""
        for output in self._engine.step():
            if output.finished:
                (answer,) = output.outputs
                tokens = len(output.prompt_token_ids), len(answer.token_ids)
                yield int(output.request_id), Completion(answer.text, answer.finish_reason == "length", *tokens)
