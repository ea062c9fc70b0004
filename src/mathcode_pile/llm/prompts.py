"""Prompts: dialogues in text files, with worked examples as turns and a slot for the text that is asked about.

A file names each turn in a line of its own:

    === system
    You sort texts.
    === user
    Text: 1 + 1 = 2
    === assistant
    Type: 1
    === user
    Text: {{text}}

The system turn may be left out. The others alternate, and the slot is in the last one.
"""

import re
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.scratch import hash_values

Role = Literal["system", "user", "assistant"]

_MARK = re.compile(rf"^=== ({'|'.join(get_args(Role))})[ \t]*$", re.MULTILINE)
_SLOT = re.compile(r"\{\{(\w+)\}\}")
# The marks by which chat templates begin and end turns. A document with such a mark must not end its own turn.
_CONTROL = re.compile(
    r"""
    <(?=[|｜]) | [|｜](?=>)  # Qwen, Llama 3, Phi, Gemma 4; DeepSeek's bars are full-width
    | <(?=/?s> | [be]os> | (?:start|end)_of_turn> | </?SYS>>)  # Llama 2, Mistral, Gemma
    | \[(?=/?(?:INST | SYSTEM_PROMPT | AVAILABLE_TOOLS | TOOL_RESULTS | TOOL_CALLS)\])  # Llama 2, Mistral
    """,
    re.VERBOSE,
)


class Turn(NamedTuple):
    """One part of a dialogue."""

    role: Role
    content: str


class Prompt(NamedTuple):
    """A dialogue that a model is to continue; its last turn is the user's."""

    turns: tuple[Turn, ...]
    sample: int = 0
    """0 for the first answer, 1 for a second one to the same dialogue, and so on; it moves the seed."""
    image: str = ""
    """A picture that the last turn is about, as a data URL; empty: none."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns as OpenAI's protocol and chat templates take them."""
        *before, last = (turn._asdict() for turn in self.turns)
        if self.image:
            picture = {"type": "image_url", "image_url": {"url": self.image}}
            said = [{"type": "text", "text": last["content"]}] if last["content"] else []
            last["content"] = [picture, *said]
        return [*before, last]

    @property
    def question(self) -> str:
        """The last turn's content, which differs between the prompts of a stage."""
        return self.turns[-1].content

    def fold_system_turn(self) -> "Prompt":
        """Return the dialogue with the system turn's content at the start of the first user turn."""
        first, *others = self.turns
        if first.role != "system":
            return self
        opening = Turn("user", f"{first.content}\n\n{others[0].content}")
        return self._replace(turns=(opening, *others[1:]))


def ask_plainly(question: str) -> Prompt:
    """Return the dialogue of one user turn."""
    return Prompt((Turn("user", question),))


class Template(NamedTuple):
    """A dialogue with slots, `{{name}}`, in its last turn."""

    name: str
    prompt: Prompt

    @property
    def version(self) -> str:
        """A hash of the dialogue."""
        return hash_values(self.prompt.turns)

    @property
    def worked_answers(self) -> list[str]:
        """The assistant's turns: what the worked examples answer."""
        return [turn.content for turn in self.prompt.turns if turn.role == "assistant"]

    def render(self, **slots: str) -> Prompt:
        """Return the dialogue with every slot filled; raises KeyError where a slot is not given.

        The model must read what fills a slot as text only. So marks of chat templates in it are broken up by a space,
        and slots in it are not filled.
        """
        safe = {name: _CONTROL.sub(lambda match: match[0] + " ", value) for name, value in slots.items()}
        *before, last = self.prompt.turns
        return Prompt((*before, Turn("user", _SLOT.sub(lambda match: safe[match[1]], last.content))))


@cache
def load_template(path: Path) -> Template:
    """Return the dialogue in a file; raises InputError where there is none, or where its turns are not in order."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such prompt") from None
    before, *marked = _MARK.split(text)
    if before.strip() or not marked:
        raise InputError(f"{path}: must begin with a line `=== system` or `=== user`")
    turns = [Turn(role, content.strip()) for role, content in zip(marked[::2], marked[1::2], strict=True)]  # type: ignore[arg-type]  # the pattern names the roles alone
    spoken = turns[1:] if turns[0].role == "system" else turns
    for turn, role in zip(spoken, cycle(("user", "assistant")), strict=False):
        if turn.role != role:
            raise InputError(f"{path}: a turn `=== {turn.role}` is where `=== {role}` must be")
    if not spoken or spoken[-1].role != "user" or not _SLOT.search(spoken[-1].content):
        raise InputError(f"{path}: the last turn must be `=== user`, with a slot such as {{{{text}}}}")
    if any(_SLOT.search(turn.content) for turn in turns[:-1]):
        raise InputError(f"{path}: a slot may be in the last turn only")
    return Template(path.stem, Prompt(tuple(turns)))
