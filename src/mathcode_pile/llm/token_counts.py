"""Count tokens as the model does, so that each whole dialogue fits the model's context."""

from functools import cache
from typing import Any, Protocol

from mathcode_pile.core.errors import ParamsError, first_line
from mathcode_pile.llm.pieces import split_pieces
from mathcode_pile.llm.prompts import Prompt, ask_plainly
from mathcode_pile.llm.settings import ModelParams, Task
from mathcode_pile.llm.thoughts import opens_thought

# A piece may have a few more tokens within a prompt than alone: words at its ends may join their neighbours.
SEAM_TOKENS = 16


class Counter(Protocol):
    """Counts tokens."""

    opens_thought: bool
    """Whether the chat template itself begins a thought, so that a reply without an end tag has no answer."""

    def count(self, text: str) -> int:
        """Return the tokens of a text within a prompt."""

    def count_prompt(self, prompt: Prompt) -> int:
        """Return the tokens of a dialogue in the chat template, as the model gets it."""


class ByteCounter:
    """Counts bytes where there is no tokenizer: no tokenizer in use makes more tokens than bytes."""

    opens_thought = False

    def count(self, text: str) -> int:
        """Return the bytes of a text."""
        return len(text.encode())

    def count_prompt(self, prompt: Prompt) -> int:
        """Return the bytes of a dialogue, plus 16 for the marks of each turn and 48 for what a template adds."""
        return sum(len(turn.content.encode()) + 16 for turn in prompt.turns) + 48


class ModelCounter:
    """Counts with a model's tokenizer and its chat template."""

    def __init__(self, tokenizer: Any, model: ModelParams) -> None:
        self.tokenizer, self.model = tokenizer, model
        self.opens_thought = opens_thought(apply_chat_template(tokenizer, ask_plainly("Say yes."), model))

    def count(self, text: str) -> int:
        """Return the tokens of a text within a prompt."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def count_prompt(self, prompt: Prompt) -> int:
        """Return the tokens of a dialogue in the chat template; raises ParamsError where the template refuses it."""
        return self.count(apply_chat_template(self.tokenizer, prompt, self.model))


def apply_chat_template(tokenizer: Any, prompt: Prompt, model: ModelParams) -> str:
    """Return a dialogue as the model reads it; raises ParamsError where the chat template refuses the dialogue."""
    from jinja2 import TemplateError

    switches = model.chat_template_kwargs | {"tokenize": False, "add_generation_prompt": True}
    try:
        rendered: str = tokenizer.apply_chat_template(prompt.messages, **switches)
    except TemplateError as error:
        advice = ""
        if prompt.turns[0].role == "system":
            advice = "; if it takes no system turn, set system_turn: false for this model"
        raise ParamsError(
            f"params: llm.models: the chat template of {model.id} refuses a prompt: {first_line(error)}{advice}"
        ) from error
    return rendered


def load_counter(model: ModelParams) -> Counter:
    """Return the counter of a model's tokenizer; raises ParamsError where it cannot be loaded."""
    name = model.tokenizer or model.id
    return ByteCounter() if name == "bytes" else ModelCounter(_load_tokenizer(name, model.commit_of(name)), model)


@cache
def _load_tokenizer(name: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
    except (OSError, ValueError) as error:
        raise ParamsError(f"params: llm.models: tokenizer {name!r} cannot be loaded: {first_line(error)}") from error
    if not getattr(tokenizer, "chat_template", None):
        raise ParamsError(f"params: llm.models: tokenizer {name!r} has no chat template; take an instruct model")
    return tokenizer


class Fitter:
    """Splits texts into pieces that fit a task's context together with the rest of the dialogue and the answer."""

    def __init__(self, task: Task, empty_prompt: Prompt, max_characters: int) -> None:
        """empty_prompt: the dialogue with an empty slot. Raises ParamsError where it leaves no room for text."""
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
