"""Count tokens as the model does, so that a prompt fits its context whole."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Protocol

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.llm.pieces import split_pieces
from mathcode_pile.llm.prompts import Template
from mathcode_pile.llm.settings import ModelParams, Task

# A piece's tokens within a prompt may be a few more than alone: words join differently at its ends.
SEAM_TOKENS = 16

Text = tuple[int, str]  # the number of a document's row in its shard, and its text


class Counter(Protocol):
    """Counts tokens."""

    def count(self, text: str) -> int:
        """Return the tokens of a text within a prompt."""

    def count_prompt(self, prompt: str) -> int:
        """Return the tokens of a prompt in the chat template, as the model is given it."""


class ByteCounter:
    """Counts bytes, where there is no tokenizer: no tokenizer in use makes more tokens than bytes."""

    def count(self, text: str) -> int:
        """Return the bytes of a text."""
        return len(text.encode())

    def count_prompt(self, prompt: str) -> int:
        """Return the bytes of a prompt, and room for a chat template."""
        return len(prompt.encode()) + 64


class ModelCounter:
    """Counts with a model's tokenizer and its chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def count(self, text: str) -> int:
        """Return the tokens of a text within a prompt."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def count_prompt(self, prompt: str) -> int:
        """Return the tokens of a prompt in the chat template."""
        messages = [{"role": "user", "content": prompt}]
        rendered = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.count(rendered)


@cache
def load_counter(model: ModelParams) -> Counter:
    """Return the counter of a model's tokenizer; raises ParamsError where it cannot be loaded."""
    name = model.tokenizer or model.id
    if name == "bytes":
        return ByteCounter()
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=model.commit_of(name))
    except (OSError, ValueError) as error:
        line = str(error).strip().splitlines()[0]
        raise ParamsError(f"params: llm.models: tokenizer {name!r} cannot be loaded: {line}") from error
    if not getattr(tokenizer, "chat_template", None):
        raise ParamsError(f"params: llm.models: tokenizer {name!r} has no chat template; take an instruct model")
    return ModelCounter(tokenizer)


class Fitter:
    """Splits texts into pieces that fit a task's context with the instruction and the answer."""

    def __init__(self, task: Task, empty_prompt: str, max_characters: int) -> None:
        """empty_prompt: the prompt with its slot empty. Raises ParamsError where it alone leaves no room."""
        self.counter = load_counter(task.model)
        self.max_characters = max_characters
        taken = self.counter.count_prompt(empty_prompt) + task.max_completion_tokens + SEAM_TOKENS
        self.room = task.model.context_tokens - taken
        if self.room < 64:
            raise ParamsError(
                f"params: {task.stage}: instruction and answer take {taken} of {task.model.context_tokens} tokens of "
                "context, which leaves no room for text"
            )

    def split(self, text: str) -> list[str]:
        """Return a text's pieces, none over the limit in characters or the room in tokens."""
        pieces = []
        for piece in split_pieces(text, self.max_characters):
            # Few tokenizers make more tokens than bytes, so most pieces need no counting.
            fits = len(piece.encode()) <= self.room
            pieces.extend([piece] if fits else split_pieces(piece, self.room, self.counter.count))
        return pieces


def write_prompts(
    task: Task, template: Template, max_characters: int, texts: Iterable[Text]
) -> Iterator[tuple[int, str]]:
    """Yield each text's row and the prompt for each of its pieces.

    template: its slot is `text`. max_characters: of a piece. Raises ParamsError where it leaves a text no room.
    """
    fitter = Fitter(task, template.render(text=""), max_characters)
    for row, text in texts:
        for piece in fitter.split(text):
            yield row, template.render(text=piece.strip("\n"))
