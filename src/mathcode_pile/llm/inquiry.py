"""What a stage asks a model: one prompt about each piece of each text."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from mathcode_pile.core.funnel import DropReason, Failed, attempt
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.llm.asker import Reply, open_asker
from mathcode_pile.llm.prompts import Prompt, Template
from mathcode_pile.llm.settings import Task
from mathcode_pile.llm.thoughts import cut_thought
from mathcode_pile.llm.token_counts import Fitter, load_counter

A = TypeVar("A")

Text = tuple[int, str]  # the number of a document's row in its shard, and its text


@dataclass(frozen=True)
class Inquiry:
    """A question about texts, and the model that answers it."""

    task: Task
    template: Template
    """The prompt; its slot is `text`."""
    max_characters: int
    """Of a piece."""
    samples: int = field(default=1, kw_only=True)
    """How many answers are asked for each prompt."""

    @property
    def key(self) -> list[Any]:
        """What the prompts and their replies depend on, for the key of a stage's shards."""
        model = self.task.model
        fit = [model.context_tokens, model.tokenizer, model.system_turn, self.max_characters, self.samples]
        # Where nobody is asked, what there is depends on what was recorded.
        recorded = hash_folder(model.recorded) if self.task.backend == "recorded" and model.recorded else ""
        return [self.task.identity(), self.template.version, *fit, recorded]

    def write_prompts(self, texts: Iterable[Text]) -> Iterator[tuple[int, Prompt | Failed]]:
        """Yield each text's row and the prompt for each of its pieces; one Failed where our code raises on the text.

        Raises ParamsError where the model takes no system turn, or where the instruction and the worked examples leave
        no room for text in its context.
        """
        fitter = Fitter(self.task, self._write(""), self.max_characters)
        for row, text in texts:
            prompts = attempt(self._write_all, fitter, text)
            if isinstance(prompts, Failed):
                yield row, prompts
            else:
                for prompt in prompts:
                    yield row, prompt

    def _write_all(self, fitter: Fitter, text: str) -> list[Prompt]:
        prompts = (self._write(piece.strip("\n")) for piece in fitter.split(text))
        return [prompt._replace(sample=sample) for prompt in prompts for sample in range(self.samples)]

    def _write(self, text: str) -> Prompt:
        prompt = self.template.render(text=text)
        return prompt if self.task.model.system_turn else prompt.fold_system_turn()

    def ask(
        self,
        texts: Iterable[Text],
        total: int,
        read: Callable[[Reply], A],
        why_unread: Callable[[A], DropReason | None],
    ) -> Iterator[tuple[int, list[A] | Failed]]:
        """Yield each text's row and what was read about its pieces, in order; Failed where our code raises on the text.

        total: how many texts there are, for the progress bar.
        read: reads a reply, which has no thought any more.
        why_unread: why what was read is no answer, None where it is one.
        Raises PipelineError as Asker.ask does; a reply that is no answer counts as a failed prompt.
        """
        asker = open_asker(self.task)
        opens_thought = load_counter(self.task.model).opens_thought

        def read_one(reply: Reply | Failed) -> A | Failed:
            if isinstance(reply, Failed):
                return reply
            answer = attempt(read, reply._replace(text=cut_thought(reply.text, opens_thought and reply.is_cut)))
            reason = None if reply.failure or isinstance(answer, Failed) else why_unread(answer)
            if reason:
                asker.count_unread(reason, reply)
            return answer

        with closing(asker.ask(self.write_prompts(texts), total, "document")) as replies:
            for row, group in groupby(replies, key=itemgetter(0)):
                read_or_failed = [read_one(reply) for _, reply in group]
                answers = [answer for answer in read_or_failed if not isinstance(answer, Failed)]
                yield row, next((answer for answer in read_or_failed if isinstance(answer, Failed)), answers)
