"""Parse a model's reply into computations: title, conditions, expression, result, code.

Models do not keep to a format. Headers are bold, plain or numbered, in any case, even within a sentence; fences have
any name, are made of tildes, are nested, or are never closed. Every reply gives computations or a named reason. The
reader works line by line and looks at each line a bounded number of times.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from mathcode_pile.core.funnel import DropReason
from stages.translate.anchors import value_of
from stages.translate.computation import Computation, Found
from stages.translate.reasons import Reason
from stages.translate.replies.relation import read_relation
from stages.translate.replies.reply_lines import (
    FENCE,
    LOOK,
    MAX_CODE_CHARACTERS,
    Field,
    is_bare_fence,
    match_header,
    read_fence,
    split_glued_fence,
    split_inline,
    unwrap,
)

_HEADING = re.compile(r"\s{0,8}(?:#{1,6}\s(?P<hashed>[^#]+)#*|(?:\d{1,3}[.)]\s?)?\*\*(?P<bold>[^*]{3,120})\*\*:?\s*)$")
_NUMBERING = re.compile(
    r"(?:(?:computation|calculation|step|example|part)\s?#?\d{1,3}|\d{1,3}[.):])\s?[.:)–—-]?\s?", re.I
)
_RULE = re.compile(r"\s{0,8}[-*_=]{3,}\s*$")
_NONE = re.compile(r"\bno\s(?:\w+\s){0,3}(?:computations?|calculations?)\b|^\W{0,20}none\W{0,20}$", re.IGNORECASE)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_WRAPPERS = [("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)"), ("**", "**"), ("`", "`")]
_FORMULA = re.compile(r"\$\$[^$]{1,2000}\$\$|\$[^$]{1,2000}\$")
_NUMBER = re.compile(r"[-−]?(?:\d[\d,.]{0,30}|\\[dt]?frac\{-?\d{1,9}\}\{\d{1,9}\})")
_OPERATION = re.compile(r"[+*·×]|\\(?:pm|mp|cdot|times)|[^\s(,]\s*[-−]\s")
_SIGN = re.compile(r"\\[{}]|(?P<open>\{)|(?P<close>\})|(?P<sign>(?<![<>!:])=|\\approx|≈)")
_PYTHON = {"", "python", "python3", "py", "py3", "ipython", "sympy", "pycon", "code"}


def parse_reply(reply: str, is_cut: bool = False) -> Found:
    """Return the computations of a reply, and why blocks in it, or all of it, gave none.

    is_cut: the reply ended at the token limit, so an incomplete last block is left out as `cut_off`.
    """
    reader = _Reader()
    reader.read(unwrap(reply.replace("\r\n", "\n").replace("\r", "\n").split("\n")))
    found: list[Computation] = []
    reasons: Counter[DropReason] = Counter()
    for index, block in enumerate(reader.blocks):
        reason = block.why_not(is_cut and index == len(reader.blocks) - 1)
        if reason:
            reasons[reason] += 1
        else:
            found.append(block.to_computation())
    if not reader.blocks:
        if not reply.strip():
            reasons[Reason.CUT_OFF if is_cut else Reason.EMPTY_REPLY] += 1
        elif _NONE.search(reply[:2000]):
            reasons[Reason.NO_COMPUTATION] += 1
        else:
            reasons[Reason.CUT_OFF if is_cut else Reason.UNPARSED_REPLY] += 1
    return Found(found, reasons)


@dataclass
class _Block:
    """A computation that is being read."""

    parts: dict[str, list[str]] = field(default_factory=dict)
    code: str | None = None
    closed: bool = True
    """Whether something ended the code: its fence, or the next header."""

    def text(self, name: Field) -> str:
        return "\n".join(self.parts.get(name, [])).strip()

    def is_begun(self) -> bool:
        """Whether so much of it was read that its loss must be counted."""
        return self.code is not None or len(self.parts.keys() - {"title"}) >= 2

    def why_not(self, is_cut: bool) -> Reason | None:
        """Return why it is no computation; None where it is one."""
        if is_cut and (self.code is None or not self.closed):
            return Reason.CUT_OFF
        if not _COMMENT.sub("", self.code or "").strip():
            return Reason.NO_CODE
        expression, result = self.parts_of_formula()
        if not result:
            return Reason.NO_RESULT
        if not expression:
            return Reason.NO_EXPRESSION
        return Reason.CODE_TOO_LONG if len(self.code or "") > MAX_CODE_CHARACTERS else None

    def parts_of_formula(self) -> tuple[str, str]:
        """Return the expression and the result, without the marks around them.

        A result that has no part of its own is the last side of the expression, or a number in its place. An expression
        that has none is the last formula of the conditions that states the result, or else the last one that states
        nothing.
        """
        expression, result = _strip_wrappers(self.text("expression")), _strip_wrappers(self.text("result"))
        if not result:
            before, sign, after = _split_at_last_sign(expression)
            if sign and not _OPERATION.search(after):
                expression, result = before, f"{sign} {after}"
            elif _NUMBER.fullmatch(expression):
                expression, result = "", expression
        if not expression:
            formulas = [
                _split_at_last_sign(match[0].strip("$.")) for match in _FORMULA.finditer(self.text("conditions"))
            ]
            value = value_of(result)
            stating = [before for before, sign, after in formulas if sign and value_of(after) == value]
            expression = (stating or [before for before, sign, _ in formulas if not sign] or [""])[-1]
        return expression, result

    def to_computation(self) -> Computation:
        """Return the complete block, without the marks around its parts."""
        title, conditions = _strip_title(self.text("title")), self.text("conditions")
        expression, result = self.parts_of_formula()
        expression, result, relation = read_relation(expression, result, conditions)
        return Computation(title, conditions, expression, result, self.code or "", relation=relation)


class _Reader:
    """Reads lines into blocks."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.block = _Block()
        self.current: Field | None = None

    def read(self, lines: list[str]) -> None:
        """Read all lines into `blocks`, which then also has the blocks that lack a part."""
        index = 0
        while index < len(lines):
            line = lines[index]
            fence = FENCE.match(line) if len(line) <= LOOK else None
            if fence:
                index = self._take_fence(lines, index, fence)
                continue
            before, glued = split_glued_fence(line)
            for part in split_inline(before):
                self._take_line(part)
            index = self._take_fence(lines, index, glued) if glued else index + 1
        self._end_block()

    def _end_block(self) -> None:
        if self.current == "code" and self.block.code is None:
            # Code below its header, without a fence.
            self.block.code = self.block.text("code") or None
            self.block.closed = False
        if self.block.is_begun():
            self.blocks.append(self.block)
        self.block, self.current = _Block(), None

    def _take_line(self, line: str) -> None:
        header = match_header(line)
        if header:
            self._take_header(*header)
            return
        heading = _HEADING.match(line) if len(line) <= LOOK and self.current != "code" else None
        if heading and (self.block.code is not None or not self.block.parts.keys() - {"title"}):
            if self.block.code is not None:
                self._end_block()
            self.block.parts["title"] = [(heading["hashed"] or heading["bold"]).strip()]
            self.current = None
        elif _RULE.match(line[:LOOK]) and self.current != "code":
            self.current = None
        elif self.current is not None and self.block.code is None:
            self._take_text(line)

    def _take_text(self, line: str) -> None:
        """Add a line to the current part; an expression or a result ends at an empty line."""
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
            # Some models state the result after the code.
            return not (name == "result" and block.text("expression") and not block.text("result"))
        if name == "title":
            return bool(block.parts.keys() - {"title"})
        return bool(block.text(name)) or (name == "conditions" and "expression" in block.parts)

    def _take_fence(self, lines: list[str], index: int, fence: re.Match[str]) -> int:
        """Add a fence's content to its part; return the index of the line after the fence."""
        following = index + 1
        inner = FENCE.match(lines[following]) if following < len(lines) and len(lines[following]) <= LOOK else None
        doubled = inner is not None and not fence["name"] and bool(inner["name"])
        if inner and doubled:
            fence, following = inner, following + 1
        content, closed, following = read_fence(lines, following, fence)
        if doubled and following < len(lines) and is_bare_fence(lines[following]):
            following += 1
        name = fence["name"].lower()
        text_part = self.current in ("conditions", "expression", "result") and self.block.code is None
        if text_part and self.current and (name not in _PYTHON or (not name and not self.block.text(self.current))):
            self.block.parts[self.current].append(content.strip())
        elif name in _PYTHON and self.block.code is None:
            if not name and self.current != "code" and not self.block.is_begun():
                return following  # no header announced this fence
            self.block.code, self.block.closed = content, closed
            self.current = None
        return following


def _split_at_last_sign(formula: str) -> tuple[str, str, str]:
    """Return what is before the last sign of equality of a formula, the sign, and what follows.

    A sign within braces does not count. The whole formula and two empty texts where there is no sign, or nothing on one
    of its sides.
    """
    depth, last = 0, None
    for match in _SIGN.finditer(formula):
        depth += bool(match["open"]) - bool(match["close"])
        if match["sign"] and depth == 0:
            last = match
    before, after = (formula[: last.start()].strip(), formula[last.end() :].strip(" .")) if last else ("", "")
    return (before, last[0], after) if last and before and after else (formula.strip(), "", "")


def _strip_title(title: str) -> str:
    match = _NUMBERING.match(title[:LOOK])
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
