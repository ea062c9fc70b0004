"""Prompts: text files with named slots; a prompt's version is the hash of its content."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.scratch import hash_values

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


class Template(NamedTuple):
    """A prompt with slots, `{{name}}`."""

    name: str
    text: str

    @property
    def version(self) -> str:
        """A hash of the prompt's content."""
        return hash_values(self.text)

    def render(self, **slots: str) -> str:
        """Return the prompt with every slot filled; raises KeyError where a slot is not given.

        The model must read what fills a slot as text only. So marks of chat templates in it are broken up by a space,
        and slots in it are not filled.
        """
        safe = {name: _CONTROL.sub(lambda match: match[0] + " ", value) for name, value in slots.items()}
        return _SLOT.sub(lambda match: safe[match[1]], self.text)


@cache
def load_template(path: Path) -> Template:
    """Return the prompt in a file; raises InputError where there is none or it has no slot."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such prompt") from None
    if not _SLOT.search(text):
        raise InputError(f"{path}: has no slot such as {{{{text}}}}")
    return Template(path.stem, text)
