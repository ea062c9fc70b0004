"""Read the value that a text states: in its last box, at the end of a sentence, or in a line of an output."""

import re
from functools import lru_cache

from mathcode_pile.answers.lexer import clean, join_thousands, tokenize
from mathcode_pile.answers.value_parser import ValueParser
from mathcode_pile.answers.values import MAX_CHARACTERS, Labelled, Node, Quantity, Text, UnreadableError

# Words and signs before a value in a sentence.
_CUE = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|equal to|gives?|get|gets|yields?|obtain|has|have|costs?|answer|result|total"
    r"|there)\b|[:=≈]|-->?)",
    re.IGNORECASE,
)
_APPROXIMATE = re.compile(
    r"\b(?:approximately|about|roughly|around|approx\.?|nearly|close to|circa|ca\.)\s*", re.IGNORECASE
)
# After these words a number is only a bound, or is denied.
_HEDGE = re.compile(
    r"\b(?:not|less|more|least|most|than|over|under|below|above|between|fewer|greater|never|cannot|can't|isn't|unless|if|except"
    r"|up to|within|maybe|perhaps|unknown|error|traceback|exception|warning|depends)\b",
    re.IGNORECASE,
)
# f^{-1}(x) is the inverse function, not a reciprocal.
_INVERSE = re.compile(r"(?<![A-Za-z\\])[fgh]\s*\^\s*\{?\s*-1\s*\}?\s*\(")
# A date, or the number of a theorem, a page and the like.
_REFERENCE = re.compile(
    r"\b(?:theorem|lemma|corollary|proposition|definition|equation|eq\.|base|step|page|figure|fig|section|chapter|exercise|table"
    r"|problem|example|question|line|case|part|see|no|answer (?:to|for)(?: part| question)?|sum of|product of)"
    r"\.?\s*\(?\d[\d.]*\)?(?!\s*[:=\d])"
    r"|#\s?\d|\b\d+(?:st|nd|rd|th) \w|\b\d{4}-\d\d-\d\d\b|\b\d\d?/\d\d?/\d{4}\b",
    re.IGNORECASE,
)
# 2.500.000, as many languages group digits.
_DOTTED = re.compile(r"(?<![\w.,])\d{1,3}(?:\.\d{3}){2,}(?![\w.,]*\d)")
# 7:45 pm: another day's half hour has the same numbers.
_HALF_DAY = re.compile(r"\d:\d\d ?(?:[ap]m|[ap]\.\s?m\.)", re.IGNORECASE)
_TORN = re.compile(r"\d\.\d+\.\d|\d\.\.+\d|\d:\s*\Z|\d\s*\?\s*\Z")
_REMAINDER = re.compile(
    r'\A\s*(-?\d+)"?\s*(?:,|with|and)?\s*(?:a )?"?\s*(?:remainder|rem\.?|[Rr])\b\s*(?:of|is|=)?\s*"?\s*(\d+)\s*\Z'
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")
_NUMPY = re.compile(r"\[[\s\[\]\d.eE+\-jinfTrueFals]+\]")
_NUMBERS = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/\d+)?(?:[ \t]+[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/\d+)?)+")
_GAP = re.compile(r"(?<=[\d.\]a-z])\s+(?=[\[\d.+\-TFin])")
_BRACES = re.compile(
    r"\\(?:boxed|fbox)(?![a-zA-Z])\s*(?:(?P<box>\{)|(?P<word>[-+.]*[\d\\][^\s$]*))"
    r"|\\[\\{}](?!boxed|fbox)|(?P<brace>[{}])"
)
# The reading of a text that failed for these reasons fails for its parts too.
_FINAL = (
    *("too_long", "too_large", "too_deep", "unbalanced", "ratio"),
    *("several_relations", "several_values", "torn_number", "time_of_day", "inverse"),
)


def last_box(text: str) -> str | None:
    """Return the content of the last complete \\boxed{} or \\fbox{} in a text, None if there is none.

    TeX allows `\\boxed 5` too: a box around the number or command behind it.
    """
    if "\\boxed" not in text and "\\fbox" not in text:
        return None
    last, content = -1, None
    opened: list[int] = []  # where the content of each open box begins; -1 for other braces
    for match in _BRACES.finditer(text):
        start = -1
        if match["box"]:
            opened.append(match.end())
        elif match["brace"] == "{":
            opened.append(-1)
        elif match["word"]:
            start, end = match.span("word")
        elif match["brace"] and opened:
            start, end = opened.pop(), match.start()
        if start > last:
            last, content = start, text[start:end].strip()
    return content


@lru_cache(maxsize=256)
def read_stated(text: str) -> Node:
    """Return the value of a result as a document states it. Raises UnreadableError."""
    return _read_sentence(_boxed_part(_without_stop(_checked(text))), ValueParser(printed=False))


def read_printed(text: str) -> Node:
    """Return the value of one line, or one literal, that a program printed. Raises UnreadableError."""
    text = _boxed_part(_checked(text))
    if "," not in text and _NUMPY.fullmatch(text):
        text = _GAP.sub(", ", text)
    text = text.replace("'", " ") if not re.search(r"\w'\w", text) else text
    text = text.replace('"', " ")
    if re.search(r"[A-Za-z]{2}", text):
        text = _without_stop(text)
    if _NUMBERS.fullmatch(text) and not re.fullmatch(r"-?\d+ \d+/\d+", text):
        # print(a, b)
        return ValueParser(printed=True).read(tokenize(re.sub(r"[ \t]+", ", ", text)))
    return _read_sentence(text, ValueParser(printed=True))


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise UnreadableError("nothing")
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError("too_long")
    return text


def _boxed_part(text: str) -> str:
    box = last_box(text)
    return text if box is None else box


def _without_stop(text: str) -> str:
    """Remove the full stop at the end of a sentence, which would read as the point of a decimal."""
    return re.sub(r"(?<!\.)\.(\s*\$*\s*)$", r"\1", text)


def _read_sentence(text: str, parser: ValueParser) -> Node:
    plain = _join_outside_brackets(re.sub(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*(?=$|[\s.])", r" \1", clean(text)).strip())
    if _REFERENCE.search(plain):
        raise UnreadableError("reference")
    plain = _REMAINDER.sub(r"(\1, \2)", _DOTTED.sub(lambda match: match[0].replace(".", ""), plain))
    if _INVERSE.search(plain):
        raise UnreadableError("inverse")
    if _HALF_DAY.search(plain):
        raise UnreadableError("time_of_day")
    if _TORN.search(plain):
        raise UnreadableError("torn_number")
    approximate = _APPROXIMATE.match(plain)
    if approximate:
        plain = plain[approximate.end() :]
    try:
        node = _plausible(parser.read(tokenize(plain)))
    except UnreadableError as reason:
        node = _read_end(plain, parser, reason)
    return _approximated(node) if approximate else node


def _plausible(node: Node) -> Node:
    """Refuse a node that reads as a value only because words were skipped."""
    words = node.label if isinstance(node, Labelled) else node.unit if isinstance(node, Quantity) else ""
    if words and _HEDGE.search(words):
        raise UnreadableError("hedged")
    return node


def _read_end(text: str, parser: ValueParser, reason: UnreadableError) -> Node:
    """Read the value at the end of a sentence: after its last verb, or its only number.

    reason: why the whole is unreadable, raised again if its end is too.
    """
    if _HEDGE.search(text):
        raise UnreadableError("hedged" if str(reason) == "not_an_expression" else str(reason))
    if str(reason) in _FINAL:
        raise reason
    cues = list(_CUE.finditer(text))
    for cue in reversed(cues[-3:]):
        node = _read_after(cue, text, parser)
        if node is not None:
            return node
    numbers = _NUMBER.findall(text)
    if len(numbers) == 1 and not re.search(r"[\\^*/=<>(){}\[\]_|+]", text):
        node = parser.read(tokenize(numbers[0].rstrip(",")))
        return _approximated(node) if _APPROXIMATE.search(text) else node
    raise reason


def _read_after(cue: re.Match[str], text: str, parser: ValueParser) -> Node | None:
    """Return the value of a sentence after a verb or a sign, None if there is none."""
    tail, word = text[cue.end() :].strip(), cue[0].lower()
    approximate = _APPROXIMATE.match(tail)
    if approximate:
        tail = tail[approximate.end() :]
    if word in ("there", "has", "have", "cost", "costs") and not _NUMBER.search(tail):
        return None
    try:
        node = _plausible(parser.read(tokenize(tail)))
    except UnreadableError:
        return None
    if isinstance(node, Text) and word not in ("is", "are", ":", "=") and _NUMBER.search(text[: cue.start()]):
        return None
    return _approximated(node) if approximate else node


def _approximated(node: Node) -> Node:
    if isinstance(node, Quantity):
        return Quantity(node.value, node.unit, True)
    if isinstance(node, Labelled):
        return Labelled(node.label, _approximated(node.value), node.equation, node.left)
    return Quantity(node, "", True)


def _join_outside_brackets(text: str) -> str:
    """Take the separators out of 1,234,567, but not out of (1,234,567), which may be three numbers."""
    if "," not in text:
        return text
    pieces: list[str] = []
    depth = start = 0
    for index, character in enumerate(text):
        if character in "([" or (character == "{" and text[index - 1 : index] == "\\"):
            if depth == 0:
                pieces.append(join_thousands(text[start:index]))
                start = index
            depth += 1
        elif (character in ")]" or (character == "}" and text[index - 1 : index] == "\\")) and depth:
            depth -= 1
            if depth == 0:
                pieces.append(text[start : index + 1])
                start = index + 1
    pieces.append(join_thousands(text[start:]) if depth == 0 else text[start:])
    return "".join(pieces)
