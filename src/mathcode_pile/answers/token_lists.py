"""Walk through a list of tokens, and find brackets, separators, names and units in it."""

from collections.abc import Callable, Iterator

from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.units import UNITS
from mathcode_pile.answers.values import UnreadableError
from mathcode_pile.answers.vocabulary import FUNCTIONS

INEQUALITIES = ("<", "<=", ">", ">=")
RELATIONS = ("=", "≈", "!=", "∈", ":", *INEQUALITIES)
_PUNCTUATION = (".", ",", ";", ":", "→", "?")
_VERBS = frozenset(["is", "are", "was", "were", "has", "have", "had", "does", "do", "can", "will", "equals", "divides"])


class Cursor:
    """A place in a list of tokens, from which they are taken one by one."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.position = tokens, 0

    def peek(self, ahead: int = 0) -> Token | None:
        """Return the next token, or one after it; None behind the last."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def at(self, *texts: str) -> bool:
        """Whether the next token is one of these signs; a word in a sentence is none."""
        token = self.peek()
        return token is not None and token.text in texts and token.kind != "word"

    def take(self, *texts: str) -> Token:
        """Return the next token and move on. Raises UnreadableError if it is none of `texts`."""
        token = self.peek()
        if token is None or (texts and token.text not in texts):
            raise UnreadableError("not_an_expression")
        self.position += 1
        return token


def is_name(tokens: list[Token]) -> bool:
    """Whether a left side only names the value: f(3), P(A), AB, \\sin\\theta, a_1, the area."""
    if any(t.kind == "word" for t in tokens):
        return True
    if tokens[0].kind not in ("name", "command"):
        return False
    rest = [t for t in tokens[1:] if t.text not in ("_", "{", "}", "'")]
    if rest and rest[0].text == "(" and tokens[0].text.lower() not in FUNCTIONS:
        return closing_place(rest, 0) == len(rest) - 1
    if tokens[0].text.lower() in FUNCTIONS:
        return len([t for t in rest if t.text not in ("(", ")")]) <= 1
    # AB and ABC are names of points.
    return all(t.kind == "name" and len(t.text) == 1 and t.text.isupper() for t in tokens)


def is_derivative(tokens: list[Token]) -> bool:
    """Whether a left side is d/dx of something."""
    return [t.text for t in tokens[:3]] in (["frac", "{", "d"], ["frac", "{", "partial"])


def set_builder(inner: list[Token]) -> list[Token] | None:
    """Return the condition of {x | condition}, None if there is none."""
    place = next((i for i, t in top_level(inner) if t.text in ("|", ":")), None)
    if place is None or not 0 < place <= 4 or inner[0].kind != "name":
        return None
    condition = inner[place + 1 :]
    has_relation = any(t.text in (*INEQUALITIES, "=") for _, t in top_level(condition))
    return condition if has_relation else None


def split_unit(tokens: list[Token]) -> tuple[list[Token], str]:
    """Split `42 cm` or `3 red apples` into the value and its unit; the unit is empty if there is none."""
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
    """Return tokens without punctuation and equals signs at both ends."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].text in (*_PUNCTUATION, "=") and tokens[start].kind == "op":
        start += 1
    while start < end and tokens[end - 1].text in (*_PUNCTUATION, "=") and tokens[end - 1].kind == "op":
        end -= 1
    return tokens[start:end]


def closing_place(tokens: list[Token], start: int) -> int:
    """Return where the bracket that opens at `start` closes. Raises UnreadableError if it does not."""
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
    """Yield the tokens outside brackets and environments, with their places.

    Raises UnreadableError if the brackets are unbalanced.
    """
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
    return split_at(tokens, [i for i, t in top_level(tokens) if is_separator(t)])


def split_logical(tokens: list[Token], sign: str) -> list[list[Token]]:
    """Split (x < 1) | (x > 2) at the signs between brackets."""

    def is_between_brackets(place: int) -> bool:
        return 0 < place < len(tokens) - 1 and tokens[place - 1].text == ")" and tokens[place + 1].text == "("

    return split_at(tokens, [i for i, t in top_level(tokens) if t.text == sign and is_between_brackets(i)])


def split_at(tokens: list[Token], places: list[int]) -> list[list[Token]]:
    """Return the runs of tokens between some places."""
    return [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]
