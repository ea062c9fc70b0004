"""Count tokens as the model does, so that each whole prompt fits the model's context."""

from functools import cache
from typing import Any, Protocol

from mathcode_pile.core.errors import ParamsError, first_line
from mathcode_pile.llm.pieces import split_pieces
from mathcode_pile.llm.settings import ModelParams, Task

# A piece may have a few more tokens within a prompt than alone: words at its ends may join their neighbours.
SEAM_TOKENS = 16


class Counter(Protocol):
    """Counts tokens."""

    def count(self, text: str) -> int:
        """Return the tokens of a text within a prompt."""

    def count_prompt(self, prompt: str) -> int:
        """Return the tokens of a prompt in the chat template, as the model gets it."""


class ByteCounter:
    """Counts bytes where there is no tokenizer: no tokenizer in use makes more tokens than bytes."""

    def count(self, text: str) -> int:
        """Return the bytes of a text."""
        return len(text.encode())

    def count_prompt(self, prompt: str) -> int:
        """Return the bytes of a prompt plus 64 for a chat template."""
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
        raise ParamsError(f"params: llm.models: tokenizer {name!r} cannot be loaded: {first_line(error)}") from error
    if not getattr(tokenizer, "chat_template", None):
        raise ParamsError(f"params: llm.models: tokenizer {name!r} has no chat template; take an instruct model")
    return ModelCounter(tokenizer)


class Fitter:
    """Splits texts into pieces that fit a task's context together with the instruction and the answer."""

    def __init__(self, task: Task, empty_prompt: str, max_characters: int) -> None:
        """empty_prompt: the prompt with an empty slot. Raises ParamsError where it leaves no room for text."""
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
        """Return a text's pieces, each within the limit in characters and the room in tokens."""
        pieces = []
        for piece in split_pieces(text, self.max_characters):
            # A text has no more tokens than bytes, so most pieces need no counting.
            fits = len(piece.encode()) <= self.room
            pieces.extend([piece] if fits else split_pieces(piece, self.room, self.counter.count))
        return pieces
