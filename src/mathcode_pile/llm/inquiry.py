"""What a stage asks a model: one prompt about each piece of each text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from mathcode_pile.core.funnel import Failed, attempt
from mathcode_pile.llm.asker import Reply, open_asker
from mathcode_pile.llm.prompts import Template
from mathcode_pile.llm.settings import Task
from mathcode_pile.llm.token_counts import Fitter

Text = tuple[int, str]  # the number of a document's row in its shard, and its text


@dataclass(frozen=True)
class Inquiry:
    """A question about texts, and the model that answers it."""

    task: Task
    template: Template
    """The prompt; its slot is `text`."""
    max_characters: int
    """Of a piece."""

    @property
    def key(self) -> list[Any]:
        """What the prompts and their replies depend on, for the key of a stage's shards."""
        model = self.task.model
        return [self.task.identity(), self.template.version, model.context_tokens, model.tokenizer, self.max_characters]

    def write_prompts(self, texts: Iterable[Text]) -> Iterator[tuple[int, str | Failed]]:
        """Yield each text's row and the prompt for each of its pieces; one Failed where our code raises on the text.

        Raises ParamsError where the instruction leaves no room for text in the model's context.
        """
        fitter = Fitter(self.task, self.template.render(text=""), self.max_characters)
        for row, text in texts:
            prompts = attempt(self._write_all, fitter, text)
            if isinstance(prompts, Failed):
                yield row, prompts
            else:
                for prompt in prompts:
                    yield row, prompt

    def _write_all(self, fitter: Fitter, text: str) -> list[str]:
        return [self.template.render(text=piece.strip("\n")) for piece in fitter.split(text)]

    def ask(self, texts: Iterable[Text], total: int) -> Iterator[tuple[int, list[Reply] | Failed]]:
        """Yield each text's row and the replies about its pieces, in order; Failed where our code raises on the text.

        total: how many texts there are, for the progress bar. Raises PipelineError as Asker.ask does.
        """
        answers = open_asker(self.task).ask(self.write_prompts(texts), total, "document")
        for row, group in groupby(answers, key=itemgetter(0)):
            replies: list[Reply] = []
            failed: Failed | None = None
            for _, answer in group:
                if isinstance(answer, Failed):
                    failed = failed or answer
                else:
                    replies.append(answer)
            yield row, failed or replies
