"""Parse a model's reply into computations: title, conditions, expression, result, code.

Models do not keep to a format. Headers come bold, plain, numbered, in any case, in mid-sentence; fences
come with any name, with tildes, nested or never closed. Every reply gives computations or a named
reason. All is done line by line, each line looked at a bounded number of times.
"""

import re
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# Longer code is no snippet, and not worth parsing.
MAX_CODE_CHARACTERS = 20_000
# How many closing fences are tried for one opening: nested fences, none deeper than this.
MAX_CLOSINGS = 6

Field = Literal["title", "conditions", "expression", "result", "code"]


class Computation(NamedTuple):  # one computation of one document
    title: str
    conditions: str
    expression: str
    result: str
    code: str


class Parsed(NamedTuple):
    computations: list[Computation]
    reasons: Counter[str]
    """Why blocks, or the whole reply, came to nothing."""


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
# What may stand before a header: list marks, hashes, stars, and a number or letter.
_MARKS = r"[\s#>*_\-•`]{0,12}(?:\(?(?:\d{1,3}|[a-hA-H]|[ivxIVX]{1,4})[.):]\s{0,3})?[*_`\s]{0,6}"
_ONLY_MARKS = re.compile(_MARKS)
_HEADER = re.compile(
    rf"(?P<marks>{_MARKS})(?:{_ANY})(?P<number>\s?#?\s?\d{{1,3}})?(?:\s?\([^()]{{0,40}}\))?"
    r"(?P<end>[*_`\s]{0,6}[:：][*_`]{0,4}|[*_`]{1,4}\s{0,3}$|\s{0,3}$|\s[-–—]\s)",
    re.IGNORECASE,
)
# Headers in the middle of prose: only the names that no sentence holds by chance, and a colon.
_INLINE = re.compile(
    r"(?:(?<=[.;!?,)\]$*])\s{1,4}|(?<=\s)(?=\*\*)|(?<=[.;!?])(?=\*\*))(?=[*_]{0,3}(?:\(?\d{1,2}[.)]\s?)?[*_]{0,3}"
    r"(?:conditions?(?:\s(?:needed|required))?|(?:computation\s|latex\s|mathematical\s)?expression"
    r"|(?:computation\s|final\s|expected\s)?result|(?:python\s)?code(?:\ssnippet)?|python\ssnippet)[*_]{0,3}\s?[:：])",
    re.IGNORECASE,
)
_FENCE = re.compile(r"(?P<indent>[\s>]{0,40})(?P<mark>`{3,20}|~{3,20})[ \t]{0,4}(?P<name>[\w+.#-]{0,20})[^`~]{0,40}$")
_HEADING = re.compile(r"\s{0,8}(?:#{1,6}\s(?P<hashed>[^#]+)#*|(?:\d{1,3}[.)]\s?)?\*\*(?P<bold>[^*]{3,120})\*\*:?\s*)$")
_NUMBERING = re.compile(
    r"(?:(?:computation|calculation|step|example|part)\s?#?\d{1,3}|\d{1,3}[.):])\s?[.:)–—-]?\s?", re.I
)
_RULE = re.compile(r"\s{0,8}[-*_=]{3,}\s*$")
_NONE = re.compile(r"\bno\s(?:\w+\s){0,3}(?:computations?|calculations?)\b|^\W{0,20}none\W{0,20}$", re.IGNORECASE)
_STRING = re.compile(r"#[^\n]*|\"\"\"|'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_WRAPPERS = [("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)"), ("**", "**"), ("`", "`")]
_PYTHON = {"", "python", "python3", "py", "py3", "ipython", "sympy", "pycon", "code"}
_WHOLE = {"", "markdown", "md", "text", "txt", "plaintext"}
# No header or fence is longer, so that no pattern looks at more of a line than this.
_LOOK = 240


def parse_reply(reply: str, is_cut: bool = False) -> Parsed:
    """Return the computations of a reply, and why blocks in it, or all of it, came to nothing.

    is_cut: the reply ended at the token limit, so a last block that is not whole is dropped as `cut_off`.
    """
    reader = _Reader()
    reader.read(_unwrap(reply.replace("\r\n", "\n").replace("\r", "\n").split("\n")))
    found: list[Computation] = []
    reasons: Counter[str] = Counter()
    for index, block in enumerate(reader.blocks):
        reason = block.why_not(is_cut and index == len(reader.blocks) - 1)
        if reason:
            reasons[reason] += 1
        else:
            found.append(block.to_computation())
    if not reader.blocks:
        if not reply.strip():
            reasons["empty_reply"] += 1
        elif _NONE.search(reply[:2000]):
            reasons["no_computation"] += 1
        else:
            reasons["cut_off" if is_cut else "unparsed_reply"] += 1
    return Parsed(found, reasons)


@dataclass
class _Block:
    """A computation while it is read."""

    parts: dict[str, list[str]] = field(default_factory=dict)
    code: str | None = None
    closed: bool = True
    """Whether something ended the code: its fence, or the next header."""

    def text(self, name: Field) -> str:
        return "\n".join(self.parts.get(name, [])).strip()

    def is_begun(self) -> bool:
        """Whether there is enough of it to be missed."""
        return self.code is not None or len(self.parts.keys() - {"title"}) >= 2

    def why_not(self, is_cut: bool) -> str:
        """Return why it is no computation, empty where it is one."""
        if is_cut and (self.code is None or not self.closed):
            return "cut_off"
        if not (self.code or "").strip():
            return "no_code"
        for name in ("expression", "result"):
            if not self.text(name):  # type: ignore[arg-type]
                return f"no_{name}"
        return "code_too_long" if len(self.code or "") > MAX_CODE_CHARACTERS else ""

    def to_computation(self) -> Computation:
        """Return the block, whole, without the marks around its parts."""
        expression, result = _strip_wrappers(self.text("expression")), _strip_wrappers(self.text("result"))
        return Computation(
            _strip_title(self.text("title")), self.text("conditions"), expression, result, self.code or ""
        )


class _Reader:
    """Reads lines into blocks."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.block = _Block()
        self.current: Field | None = None

    def read(self, lines: list[str]) -> None:
        """Read all lines; then `blocks` holds the blocks, those that lack a part as well."""
        index = 0
        while index < len(lines):
            line = lines[index]
            fence = _FENCE.match(line) if len(line) <= _LOOK else None
            if fence:
                index = self._take_fence(lines, index, fence)
                continue
            before, glued = _split_glued_fence(line)
            for part in _split_inline(before):
                self._take_line(part)
            index = self._take_fence(lines, index, glued) if glued else index + 1
        self._end_block()

    def _end_block(self) -> None:
        if self.current == "code" and self.block.code is None:
            # Code under its header without any fence.
            self.block.code = self.block.text("code") or None
            self.block.closed = False
        if self.block.is_begun():
            self.blocks.append(self.block)
        self.block, self.current = _Block(), None

    def _take_line(self, line: str) -> None:
        header = _match_header(line)
        if header:
            self._take_header(*header)
            return
        heading = _HEADING.match(line) if len(line) <= _LOOK and self.current != "code" else None
        if heading and (self.block.code is not None or not self.block.parts.keys() - {"title"}):
            if self.block.code is not None:
                self._end_block()
            self.block.parts["title"] = [(heading["hashed"] or heading["bold"]).strip()]
            self.current = None
        elif _RULE.match(line[:_LOOK]) and self.current != "code":
            self.current = None
        elif self.current is not None and self.block.code is None:
            self._take_text(line)

    def _take_text(self, line: str) -> None:
        """Add a line to the part it belongs to; an expression or a result ends at an empty line."""
        assert self.current
        part = self.block.parts.setdefault(self.current, [])
        if line.strip() or self.current in ("conditions", "code"):
            part.append(line.rstrip() if self.current == "code" else line.strip())
        elif any(part):
            self.current = None

    def _take_header(self, name: Field, rest: str) -> None:
        if self._starts_a_block(name):
            self._end_block()
        self.current = name
        part = self.block.parts.setdefault(name, [])
        if name == "title":
            part.clear()
        if name == "code" and rest.startswith("`"):
            self.block.code = re.sub(r"^`+(?:python3? |py )?|`+$", "", rest).strip()
        elif rest:
            part.append(rest)
        if name == "title":
            self.current = None

    def _starts_a_block(self, name: Field) -> bool:
        block = self.block
        if block.code is not None or (self.current == "code" and block.text("code")):
            # Some state the result after the code.
            return not (name == "result" and block.text("expression") and not block.text("result"))
        if name == "title":
            return bool(block.parts.keys() - {"title"})
        return bool(block.text(name)) or (name == "conditions" and "expression" in block.parts)

    def _take_fence(self, lines: list[str], index: int, fence: re.Match[str]) -> int:
        """Read a fence's content to where it belongs; return the index of the line after it."""
        following = index + 1
        inner = _FENCE.match(lines[following]) if following < len(lines) and len(lines[following]) <= _LOOK else None
        doubled = inner is not None and not fence["name"] and bool(inner["name"])
        if inner and doubled:
            fence, following = inner, following + 1
        content, closed, following = _read_fence(lines, following, fence)
        if doubled and following < len(lines) and _is_bare_fence(lines[following]):
            following += 1
        name = fence["name"].lower()
        text_part = self.current in ("conditions", "expression", "result") and self.block.code is None
        if text_part and self.current and (name not in _PYTHON or (not name and not self.block.text(self.current))):
            self.block.parts[self.current].append(content.strip())
        elif name in _PYTHON and self.block.code is None:
            if not name and self.current != "code" and not self.block.is_begun():
                return following  # a fence about nothing that was announced
            self.block.code, self.block.closed = content, closed
            self.current = None
        return following


def _match_header(line: str) -> tuple[Field, str] | None:
    """Return the name of the part that a line begins, and the rest of the line."""
    match = _HEADER.match(line[:_LOOK])
    if not match:
        return None
    rest = line[match.end() :].strip()
    if rest.count("**") % 2 and ("**" in match["marks"] or "**" in match["end"]):
        rest = rest.replace("**", "", 1) if rest.startswith("**") else rest.removesuffix("**")
    return _name_of(match), rest.strip()


def _name_of(match: re.Match[str]) -> Field:
    return next(name for name in _NAMES if match[name])


def _split_inline(line: str) -> list[str]:
    """Return a line cut before each header in its midst; marks before the first one are part of it."""
    cuts = [match.end() for match in _INLINE.finditer(line) if not _ONLY_MARKS.fullmatch(line[: match.end()][:_LOOK])]
    return [line[a:b] for a, b in zip([0, *cuts], [*cuts, len(line)], strict=True)]


def _split_glued_fence(line: str) -> tuple[str, re.Match[str] | None]:
    """Return a line without the fence at its end, and that fence: `Code: ```python`."""
    at = line.rfind("```")
    if at <= 0 or "`" in line[:at]:
        return line, None
    fence = _FENCE.match(line[at : at + _LOOK])
    return (line[:at], fence) if fence and fence.end() == len(line) - at else (line, None)


def _is_bare_fence(line: str) -> bool:
    match = _FENCE.match(line) if len(line) <= _LOOK else None
    return match is not None and not match["name"]


def _read_fence(lines: list[str], start: int, fence: re.Match[str]) -> tuple[str, bool, int]:
    """Return what stands in a fence, whether something ended it, and the index of the line after it."""
    closings: list[int] = []
    named = 0
    comment_at: int | None = None
    end: int | None = None
    for index in range(start, len(lines)):
        line = lines[index]
        if len(line) > _LOOK:
            continue
        mark = _FENCE.match(line)
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
            # A comment of the program, unless the next fence turns out to be an opening one.
            comment_at = comment_at if comment_at is not None else index
    if closings:
        closed_at = next((c for c in closings if not _ends_in_string(lines[start:c])), closings[0])
        return _dedent(lines[start:closed_at], fence), True, closed_at + 1
    if end is None:
        return _dedent(lines[start:], fence), False, len(lines)
    return _dedent(lines[start:end], fence).rstrip("\n"), True, end


def _ends_in_string(lines: list[str]) -> bool:
    """Tell whether a program ends inside a string of three quotes: what closes there is part of it."""
    opened = ""
    for match in _STRING.finditer("\n".join(lines)[: MAX_CODE_CHARACTERS + 1]):
        token = match[0]
        if token in ('"""', "'''"):
            opened = "" if opened == token else opened or token
    return bool(opened)


def _dedent(lines: list[str], fence: re.Match[str]) -> str:
    """Return a fence's lines without the indentation or the quotation marks of the fence itself."""
    indent = fence["indent"]
    if ">" in indent:
        lines = [re.sub(r"^\s{0,3}>\s?", "", line) for line in lines]
    return textwrap.dedent("\n".join(lines)) if indent.strip(">") or ">" in indent else "\n".join(lines)


def _unwrap(lines: list[str]) -> list[str]:
    """Take off quotation marks and a fence around the whole reply.

    It is one if the first line is a fence, and a header comes before the next.
    """
    filled = [i for i, line in enumerate(lines) if line.strip()]
    if filled and all(lines[i].startswith(">") for i in filled):
        lines = [line.removeprefix(">").removeprefix(" ") for line in lines]
        filled = [i for i in filled if lines[i].strip()]
    opening = _FENCE.match(lines[filled[0]][:_LOOK]) if len(filled) > 2 else None
    if not opening or opening["name"].lower() not in _WHOLE:
        return lines
    first, last = filled[0], filled[-1]
    fences = [i for i in filled[1:] if _FENCE.match(lines[i][:_LOOK])]
    before = lines[first + 1 : fences[0] if fences else len(lines)]
    if not any(_match_header(line) for line in before):
        return lines
    # The last line closes the whole where the fences inside pair up without it.
    wraps = bool(fences) and fences[-1] == last and len(fences) % 2 == 1
    return lines[first + 1 : last if wraps else len(lines)]


def _strip_title(title: str) -> str:
    match = _NUMBERING.match(title[:_LOOK])
    return (title[match.end() :] if match else title).strip(" *_#:").strip()


def _strip_wrappers(text: str) -> str:
    """Return an expression or a result without delimiters, bold marks or quotes around all of it."""
    text = text.strip()
    if text.endswith(".") and not text.endswith(".."):
        text = text[:-1].rstrip()
    for opening, closing in _WRAPPERS:
        inner = text[len(opening) : len(text) - len(closing)]
        wraps = text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing)
        if wraps and closing not in inner and opening not in inner:
            return _strip_wrappers(inner)
    return text
