"""Choose the programs of a paragraph, and write one as Markdown with what it printed."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

Snippet = dict[str, Any]  # a row of a VERIFIED shard

SYMBOLIC = "symbolic"
_UNIT = re.compile(r"(?<=[\d)])\s+[A-Za-z][A-Za-z /^\d]{0,40}\Z")
_FENCES = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)


class Paragraph(NamedTuple):
    """A block of a page that programs belong to."""

    block: int
    """Its index in the layout."""
    snippets: list[Snippet]
    """Those that are written, in the order of the text."""


class Translated(NamedTuple):
    """One document of translated code: a page, or a part of it."""

    text: str
    snippets: list[Snippet]
    """Those whose programs are in it, in the order of the text."""


def choose_programs(snippets: Iterable[Snippet]) -> list[Snippet]:
    """Return the snippets of one paragraph that are written, in the order of the text.

    Where several translators verified the same result, one of them is chosen, a model before the symbolic translator.
    The same program is written once.
    """
    owners: dict[str, str] = {}
    chosen: dict[str, Snippet] = {}
    for snippet in sorted(snippets, key=lambda row: (row["translator"] == SYMBOLIC, row["position"])):
        owner = owners.setdefault(_result_of(snippet), snippet["translator"])
        if owner == snippet["translator"]:
            chosen.setdefault(snippet["code"].strip(), snippet)
    return sorted(chosen.values(), key=place_of)


def place_of(snippet: Snippet) -> tuple[int, int]:
    """Return the key that sorts the snippets of a page in the order of its text."""
    return snippet["anchor"], snippet["position"]


def _result_of(snippet: Snippet) -> str:
    """Return the result as verify understood it, without unit: 0.75 and 3/4, or 13 and `13 rounds`, are the same."""
    stated = (snippet["stated"] or snippet["result"]).rpartition("=")[2]
    value = "".join(_UNIT.sub("", stated.strip()).split())
    if value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    try:
        return str(Fraction(value))
    except (ValueError, ZeroDivisionError):
        return value


def render_program(snippet: Snippet) -> str:
    """Return a snippet's code and what it printed, each in a fence that is longer than any fence inside it."""
    code, output = snippet["code"].strip("\r\n"), snippet["stdout"].rstrip()
    inside = [len(fence) for fence in _FENCES.findall(f"{code}\n{output}")]
    fence = "`" * max([3, *(length + 1 for length in inside)])
    return f"{fence}python\n{code}\n{fence}\n\n{fence}output\n{output}\n{fence}"
