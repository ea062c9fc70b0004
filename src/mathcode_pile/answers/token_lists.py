"""Find one's way in a list of tokens: brackets, separators, names, units."""

from collections.abc import Callable, Iterator

from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.units import UNITS
from mathcode_pile.answers.values import UnreadableError
from mathcode_pile.answers.vocabulary import FUNCTIONS

INEQUALITIES = ("<", "<=", ">", ">=")
RELATIONS = ("=", "≈", "!=", "∈", ":", *INEQUALITIES)
_PUNCTUATION = (".", ",", ";", ":", "→", "?")
_VERBS = frozenset(["is", "are", "was", "were", "has", "have", "had", "does", "do", "can", "will", "equals", "divides"])


def is_name(tokens: list[Token]) -> bool:
    """Whether the left side only names the value: f(3), P(A), AB, \\sin\\theta, a_1, the area."""
    if any(t.kind == "word" for t in tokens):
        return True
    if tokens[0].kind not in ("name", "command"):
        return False
    rest = [t for t in tokens[1:] if t.text not in ("_", "{", "}", "'")]
    if rest and rest[0].text == "(" and tokens[0].text.lower() not in FUNCTIONS:
        return closing_place(rest, 0) == len(rest) - 1
    if tokens[0].text.lower() in FUNCTIONS:
        return len([t for t in rest if t.text not in ("(", ")")]) <= 1
    # AB, ABC: the names of points
    return all(t.kind == "name" and len(t.text) == 1 and t.text.isupper() for t in tokens)


def is_derivative(tokens: list[Token]) -> bool:
    """Return whether the left side is d/dx of something."""
    return [t.text for t in tokens[:3]] in (["frac", "{", "d"], ["frac", "{", "partial"])


def set_builder(inner: list[Token]) -> list[Token] | None:
    """The condition of {x | condition}."""
    place = next((i for i, t in top_level(inner) if t.text in ("|", ":")), None)
    if place is None or not 0 < place <= 4 or inner[0].kind != "name":
        return None
    condition = inner[place + 1 :]
    has_relation = any(t.text in (*INEQUALITIES, "=") for _, t in top_level(condition))
    return condition if has_relation else None


def split_unit(tokens: list[Token]) -> tuple[list[Token], str]:
    """Split `42 cm` and `3 red apples` into the value and its unit."""
    if not any(t.kind in ("number", "command") for t in tokens) or tokens[0].text == "begin":
        return tokens, ""
    for start in range(1, len(tokens)):
        tail = tokens[start:]
        if tokens[start].kind not in ("word", "name") or tokens[start - 1].text in ("*", "^", "**", "+", "-", "_", "("):
            continue
        body = tokens[: start - 1] if tokens[start - 1].text == "/" else tokens[:start]
        joined = "".join(t.text for t in tail if t.text not in ("{", "}", "(", ")", "'"))
        if joined in UNITS and (tail[0].spaced or tail[0].kind == "word"):
            return body, joined
        if tokens[start].kind == "word" and len(tail) <= 8 and _is_phrase(tail):
            return body, " ".join(t.text for t in tail if t.text not in "{}").lower()
    return tokens, ""


def _is_phrase(tokens: list[Token]) -> bool:
    """Whether the tokens can be a unit of several words: square units, cm^2, red apples."""
    brackets = [t.text for t in tokens if t.kind in ("open", "close")]
    if tokens[0].text.lower() in _VERBS or brackets not in ([], ["(", ")"], ["{", "}"]):
        return False
    if len([t for t in tokens if t.kind == "word"]) < len(tokens) / 3:
        return False
    return all(
        t.kind in ("word", "name")
        or t.text in ("/", "^", "-", "(", ")", "{", "}")
        or (t.text in ("2", "3") and tokens[i - 1].text in ("^", "{"))
        for i, t in enumerate(tokens)
    )


def strip(tokens: list[Token]) -> list[Token]:
    """Return tokens without punctuation at their ends."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].text in (*_PUNCTUATION, "=") and tokens[start].kind == "op":
        start += 1
    while start < end and tokens[end - 1].text in (*_PUNCTUATION, "=") and tokens[end - 1].kind == "op":
        end -= 1
    return tokens[start:end]


def closing_place(tokens: list[Token], start: int) -> int:
    """Return where the bracket that opens at `start` closes. Raises UnreadableError."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].kind == "open":
            depth += 1
        elif tokens[index].kind == "close":
            depth -= 1
            if depth == 0:
                return index
    raise UnreadableError("unbalanced")


def top_level(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    """Yield the tokens outside brackets and environments, with their places. Raises UnreadableError."""
    depth = 0
    environments = 0
    for index, token in enumerate(tokens):
        if token.kind == "close":
            depth -= 1
            if depth < 0:
                raise UnreadableError("unbalanced")
        elif token.kind == "command" and token.text in ("begin", "end"):
            environments += 1 if token.text == "begin" else -1
        elif depth == 0 and environments == 0:
            yield index, token
        if token.kind == "open":
            depth += 1
    if depth:
        raise UnreadableError("unbalanced")


def split(tokens: list[Token], is_separator: Callable[[Token], bool]) -> list[list[Token]]:
    """Return the runs of tokens between separators outside brackets."""
    places = [i for i, t in top_level(tokens) if is_separator(t)]
    return [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]


def split_logical(tokens: list[Token], sign: str) -> list[list[Token]]:
    """Split (x < 1) | (x > 2), where the sign stands between brackets."""
    places = [
        i for i, t in top_level(tokens) if t.text == sign and 0 < i < len(tokens) - 1
        and tokens[i - 1].text == ")" and tokens[i + 1].text == "("
    ]  # fmt: skip
    return [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]
