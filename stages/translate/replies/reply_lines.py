"""Tell headers, fences and text apart in the lines of a reply."""

import re
import textwrap
from typing import Literal

# How many closing fences are tried for one opening fence; deeper nesting is not read.
MAX_CLOSINGS = 6
# Longer code is no snippet.
MAX_CODE_CHARACTERS = 20_000

Field = Literal["title", "conditions", "expression", "result", "code"]
_NAMES: dict[Field, str] = {
    "title": r"computation(?:\s(?:title|name))?|calculation|title",
    "conditions": r"conditions?(?:\s(?:needed|required|necessary|used))?|given(?:\sconditions?)?|assumptions?",
    "expression": r"(?:computation(?:al)?\s|calculation\s|latex\s|math(?:ematical)?\s)?(?:expression|formula|equation)"
    r"|latex",
    "result": r"(?:computation(?:al)?\s|calculation\s|expected\s|final\s|stated\s)?(?:results?|answer)",
    "code": r"(?:python\s?3?\s|corresponding\s|equivalent\s){0,2}(?:code|snippet|program|implementation|script)"
    r"(?:\s(?:snippet|block))?(?:\sin\spython)?|python",
}
_ANY = "|".join(f"(?P<{name}>{names})" for name, names in _NAMES.items())
# Marks before a header: list marks, hashes, stars, and a number or letter.
_MARKS = r"[\s#>*_\-•`]{0,12}(?:\(?(?:\d{1,3}|[a-hA-H]|[ivxIVX]{1,4})[.):]\s{0,3})?[*_`\s]{0,6}"
_ONLY_MARKS = re.compile(_MARKS)
_HEADER = re.compile(
    rf"(?P<marks>{_MARKS})(?:{_ANY})(?P<number>\s?#?\s?\d{{1,3}})?(?:\s?\([^()]{{0,40}}\))?"
    r"(?P<end>[*_`\s]{0,6}[:：][*_`]{0,4}|[*_`]{1,4}\s{0,3}$|\s{0,3}$|\s[-–—]\s)",
    re.IGNORECASE,
)
# Headers within a line of prose: only names that an ordinary sentence does not have before a colon.
_INLINE = re.compile(
    r"(?:(?<=[.;!?,)\]$*])\s{1,4}|(?<=\s)(?=\*\*)|(?<=[.;!?])(?=\*\*))(?=[*_]{0,3}(?:\(?\d{1,2}[.)]\s?)?[*_]{0,3}"
    r"(?:conditions?(?:\s(?:needed|required))?|(?:computation\s|latex\s|mathematical\s)?expression"
    r"|(?:computation\s|final\s|expected\s)?result|(?:python\s)?code(?:\ssnippet)?|python\ssnippet)[*_]{0,3}\s?[:：])",
    re.IGNORECASE,
)
FENCE = re.compile(r"(?P<indent>[\s>]{0,40})(?P<mark>`{3,20}|~{3,20})[ \t]{0,4}(?P<name>[\w+.#-]{0,20})[^`~]{0,40}$")
_STRING = re.compile(r"#[^\n]*|\"\"\"|'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_WHOLE = {"", "markdown", "md", "text", "txt", "plaintext"}
# Patterns look at no more characters of a line than this; no header or fence is longer.
LOOK = 240


def match_header(line: str) -> tuple[Field, str] | None:
    """Return the name of the part that a line begins, and the rest of the line."""
    match = _HEADER.match(line[:LOOK])
    if not match:
        return None
    rest = line[match.end() :].strip()
    if rest.count("**") % 2 and ("**" in match["marks"] or "**" in match["end"]):
        rest = rest.replace("**", "", 1) if rest.startswith("**") else rest.removesuffix("**")
    return _name_of(match), rest.strip()


def _name_of(match: re.Match[str]) -> Field:
    return next(name for name in _NAMES if match[name])


def split_inline(line: str) -> list[str]:
    """Return a line cut before each header within it; marks before the first header belong to that header."""
    ends = [match.end() for match in _INLINE.finditer(line)]
    cuts = [end for end in ends if end > LOOK or not _ONLY_MARKS.fullmatch(line[:end])]
    return [line[a:b] for a, b in zip([0, *cuts], [*cuts, len(line)], strict=True)]


def split_glued_fence(line: str) -> tuple[str, re.Match[str] | None]:
    """Return a line without the fence at its end, and that fence: `Code: ```python`."""
    at = line.rfind("```")
    if at <= 0 or "`" in line[:at]:
        return line, None
    fence = FENCE.match(line[at : at + LOOK])
    return (line[:at], fence) if fence and fence.end() == len(line) - at else (line, None)


def is_bare_fence(line: str) -> bool:
    match = FENCE.match(line) if len(line) <= LOOK else None
    return match is not None and not match["name"]


def read_fence(lines: list[str], start: int, fence: re.Match[str]) -> tuple[str, bool, int]:
    """Return a fence's content, whether something ended it, and the index of the line after it."""
    closings: list[int] = []
    named = 0
    comment_at: int | None = None
    end: int | None = None
    for index in range(start, len(lines)):
        line = lines[index]
        if len(line) > LOOK:
            continue
        mark = FENCE.match(line)
        if mark and mark["mark"][0] == fence["mark"][0]:
            if mark["name"]:
                named += 1
                if comment_at is not None and not closings:
                    end = comment_at
                    break
            elif len(mark["mark"]) >= len(fence["mark"]):
                closings.append(index)
            if len(closings) >= MAX_CLOSINGS or named >= MAX_CLOSINGS:
                break
        header = _HEADER.match(line)
        if header and ("**" in header["marks"] or "##" in header["marks"]):
            if closings or "**" in header["marks"]:
                end = index if comment_at is None else comment_at
                break
            # This is a comment of the program, unless the next fence is an opening one.
            comment_at = comment_at if comment_at is not None else index
    if closings:
        closed_at = next((c for c in closings if not _ends_in_string(lines[start:c])), closings[0])
        return _dedent(lines[start:closed_at], fence), True, closed_at + 1
    if end is None:
        return _dedent(lines[start:], fence), False, len(lines)
    return _dedent(lines[start:end], fence).rstrip("\n"), True, end


def _ends_in_string(lines: list[str]) -> bool:
    """Tell whether a program ends inside a triple-quoted string: a fence there is part of the string."""
    opened = ""
    for match in _STRING.finditer("\n".join(lines)[: MAX_CODE_CHARACTERS + 1]):
        token = match[0]
        if token in ('"""', "'''"):
            opened = "" if opened == token else opened or token
    return bool(opened)


def _dedent(lines: list[str], fence: re.Match[str]) -> str:
    """Return the lines without the indentation or the quotation marks that the fence itself has."""
    indent = fence["indent"]
    if ">" in indent:
        lines = [re.sub(r"^\s{0,3}>\s?", "", line) for line in lines]
    return textwrap.dedent("\n".join(lines)) if indent.strip(">") or ">" in indent else "\n".join(lines)


def unwrap(lines: list[str]) -> list[str]:
    """Take off quotation marks and a fence around the whole reply.

    A fence in the first line is around the whole if a header comes before the next fence.
    """
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if filled and all(lines[i].startswith(">") for i in filled):
        lines = [line.removeprefix(">").removeprefix(" ") for line in lines]
        filled = [i for i in filled if lines[i].strip()]
    opening = FENCE.match(lines[filled[0]][:LOOK]) if len(filled) > 2 else None
    if not opening or opening["name"].lower() not in _WHOLE:
        return lines
    first, last = filled[0], filled[-1]
    fences = [i for i in filled[1:] if FENCE.match(lines[i][:LOOK])]
    before = lines[first + 1 : fences[0] if fences else len(lines)]
    if not any(match_header(line) for line in before):
        return lines
    # The last line closes the outer fence if the fences inside form pairs without it.
    wraps = bool(fences) and fences[-1] == last and len(fences) % 2 == 1
    return lines[first + 1 : last if wraps else len(lines)]
