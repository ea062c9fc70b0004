"""From a text to the value it states: the boxed part, the end of a sentence, the last line of an output."""

import re
from functools import lru_cache

from mathcode_pile.answers.lexer import clean, join_thousands, tokenize
from mathcode_pile.answers.structure import Structure
from mathcode_pile.answers.values import MAX_CHARACTERS, Labelled, Node, Quantity, Text, UnreadableError

# What stands before a value in a sentence.
_CUE = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|equal to|gives?|get|gets|yields?|obtain|has|have|costs?|answer|result|total"
    r"|there)\b|[:=≈]|-->?)",
    re.IGNORECASE,
)
_APPROXIMATE = re.compile(
    r"\b(?:approximately|about|roughly|around|approx\.?|nearly|close to|circa|ca\.)\s*", re.IGNORECASE
)
# A number that is only a bound, or denied, is not a value.
_HEDGE = re.compile(
    r"\b(?:not|less|more|least|most|than|over|under|below|above|between|fewer|greater|never|cannot|can't|isn't|unless|if|except"
    r"|up to|within|maybe|perhaps|unknown|error|traceback|exception|warning|depends)\b",
    re.IGNORECASE,
)
# A date, or a number that only says where something stands.
_REFERENCE = re.compile(
    r"\b(?:theorem|lemma|corollary|proposition|definition|equation|eq\.|base|step|page|figure|fig|section|chapter|exercise|table"
    r"|problem|example|question|line|case|part|see)\.?\s*\(?\d[\d.]*\)?(?!\s*[:=\d])|\b\d{4}-\d\d-\d\d\b|\b\d\d?/\d\d?/\d{4}\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")
_NUMPY = re.compile(r"\[[\s\[\]\d.eE+\-jinfTrueFals]+\]")
_NUMBERS = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/\d+)?(?:[ \t]+[-+]?[\d.]+(?:[eE][-+]?\d+)?(?:/\d+)?)+")
_GAP = re.compile(r"(?<=[\d.\]a-z])\s+(?=[\[\d.+\-TFin])")


def boxed(text: str) -> str | None:
    """Return what stands in the last \\boxed{} or \\fbox{} of a text, None where there is none."""
    start = max(text.rfind("\\boxed"), text.rfind("\\fbox"))
    if start < 0:
        return None
    brace = text.find("{", start)
    if brace < 0:
        return text[start + 6 :].strip().split(" ")[0] or None
    depth = 0
    for index in range(brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[brace + 1 : index]
    return None


def final_answer(text: str) -> str:
    """Return the part of a solution that states its answer.

    The last \\boxed{}, else what follows `####`, else the end of the last sentence that says "answer is", else the
    last number; empty where there is none.
    """
    found = boxed(text)
    if found is not None:
        return found
    if "####" in text:
        return text.rpartition("####")[2].strip().split("\n")[0]
    said = list(re.finditer(r"(?:final answer|answer|result)\s*(?:is|:|=|equals)\s*:?\s*(.+)", text, re.IGNORECASE))
    if said:
        return re.split(r"(?<![\d])\.(?:\s|$)|(?<=\d)\.(?:\s|$)", said[-1][1])[0].strip()
    numbers = _NUMBER.findall(text.replace("$", " "))
    return numbers[-1].rstrip(",.") if numbers else ""


@lru_cache(maxsize=256)
def read_stated(text: str) -> Node:
    """Return the value of a result as a document states it. Raises UnreadableError."""
    text = _without_stop(_checked(text))
    inner = boxed(text)
    return _read_sentence(inner if inner is not None else text, Structure(printed=False))


def read_printed(text: str) -> Node:
    """Return the value of one line, or one literal, that a program printed. Raises UnreadableError."""
    text = _checked(text)
    inner = boxed(text)
    text = inner if inner is not None else text
    if "," not in text and _NUMPY.fullmatch(text):
        text = _GAP.sub(", ", text)
    text = text.replace("'", " ") if not re.search(r"\w'\w", text) else text
    text = text.replace('"', " ")
    if re.search(r"[A-Za-z]{2}", text):
        text = _without_stop(text)
    if _NUMBERS.fullmatch(text) and not re.fullmatch(r"-?\d+ \d+/\d+", text):
        # print(a, b)
        text = re.sub(r"[ \t]+", ", ", text)
        return Structure(printed=True).read(tokenize(text))
    return _read_sentence(text, Structure(printed=True))


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise UnreadableError("nothing")
    if len(text) > MAX_CHARACTERS:
        raise UnreadableError("too_long")
    return text


def _without_stop(text: str) -> str:
    """Take away the full stop that ends a sentence, which would read as the point of a decimal."""
    return re.sub(r"(?<!\.)\.(\s*\$*\s*)$", r"\1", text)


def _read_sentence(text: str, structure: Structure) -> Node:
    plain = _join_outside_brackets(re.sub(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*(?=$|[\s.])", r" \1", clean(text)).strip())
    if _REFERENCE.search(plain):
        raise UnreadableError("reference")
    approximate = _APPROXIMATE.match(plain)
    if approximate:
        plain = plain[approximate.end() :]
    try:
        node = _plausible(structure.read(tokenize(plain)))
    except UnreadableError as reason:
        node = _read_end(plain, structure, reason)
    return _approximated(node) if approximate else node


def _plausible(node: Node) -> Node:
    """Refuse what reads as a value only because words were passed over."""
    words = node.label if isinstance(node, Labelled) else node.unit if isinstance(node, Quantity) else ""
    if words and _HEDGE.search(words):
        raise UnreadableError("hedged")
    return node


def _read_end(text: str, structure: Structure, reason: UnreadableError) -> Node:
    """Read the value at the end of a sentence: after its last verb, or its only number."""
    if _HEDGE.search(text):
        raise UnreadableError(
            "hedged" if not isinstance(reason, UnreadableError) or str(reason) == "not_an_expression" else str(reason)
        )
    if str(reason) in ("too_long", "too_large", "too_deep", "unbalanced", "several_relations", "ratio"):
        raise reason
    cues = list(_CUE.finditer(text))
    for cue in reversed(cues[-3:]):
        tail = text[cue.end() :]
        approximate = _APPROXIMATE.match(tail.strip())
        tail = tail.strip()[approximate.end() :] if approximate else tail
        if len(_NUMBER.findall(tail)) < (1 if cue[0].lower() in ("there", "has", "have", "cost", "costs") else 0):
            continue
        try:
            node = _plausible(structure.read(tokenize(tail)))
        except UnreadableError:
            continue
        if (
            isinstance(node, Text)
            and _NUMBER.search(text[: cue.start()])
            and cue[0].lower() not in ("is", "are", ":", "=")
        ):
            continue
        return _approximated(node) if approximate else node
    numbers = _NUMBER.findall(text)
    if len(numbers) == 1 and not re.search(r"[\\^*/=<>(){}\[\]_|+]", text):
        node = structure.read(tokenize(numbers[0].rstrip(",")))
        return _approximated(node) if _APPROXIMATE.search(text) else node
    raise reason


def _approximated(node: Node) -> Node:
    if isinstance(node, Quantity):
        return Quantity(node.value, node.unit, True)
    if isinstance(node, Labelled):
        return Labelled(node.label, _approximated(node.value), node.equation, node.left)
    return Quantity(node, "", True)


def _join_outside_brackets(text: str) -> str:
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
