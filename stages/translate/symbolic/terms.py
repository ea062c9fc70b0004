"""Read one term of a chain: its tokens, without its unit and the end of its sentence."""

import re
from typing import NamedTuple

from stages.translate.symbolic.latex_words import magnitude

TEXT = re.compile(r"\\(?:text|textrm|mbox|mathrm|rm)\s*\{\s*(.*?)\s*\}", re.DOTALL)
_UNIT = re.compile(r"[A-Za-z°$ ./]{0,24}")


class Term(NamedTuple):
    """One side of a relation: its tokens, the relation before it, and the unit behind it."""

    tokens: list[str]
    relation: str  # "" for the first, then "=", "~" or "mod"
    unit: str


def token_behind(tokens: list[str], index: int) -> str:
    """Return the token behind the one at an index, empty for the last."""
    return tokens[index + 1] if index + 1 < len(tokens) else ""


def read_term(tokens: list[str], relation: str) -> Term:
    """Return a term without the end of its sentence, its unit, and braces around the whole of it."""
    tokens, unit = _without_inner_units(list(tokens)), ""
    if tokens[-2:] == [".", "."]:
        return Term(tokens, relation, unit)  # 3.14.. is not a finished number
    while tokens:
        text = TEXT.fullmatch(tokens[-1])
        if tokens[-1] in (".", ",", ";", "\\,", "\\ "):
            tokens.pop()
        elif text and not unit and _UNIT.fullmatch(text[1]) and not magnitude(tokens[-1]):
            unit = text[1].strip(" .")
            tokens.pop()
        elif len(tokens) > 3 and tokens[-2] == "^" and tokens[-1] in "23" and TEXT.fullmatch(tokens[-3]):
            unit = TEXT.fullmatch(tokens[-3])[1].strip(" .") + "^" + tokens[-1]  # type: ignore[index]
            del tokens[-3:]
        elif tokens[0] == "{" and _closes_at_end(tokens) and "\\choose" not in tokens:
            tokens = tokens[1:-1]
        else:
            break
    return Term(tokens, relation, unit)


def _without_inner_units(tokens: list[str]) -> list[str]:
    """Return the terms of a sum in one unit, 350 g + 650 g, with this unit only behind the last."""
    if not {"+", "-"} & set(tokens) or not (match := TEXT.fullmatch(tokens[-1])) or not _UNIT.fullmatch(match[1]):
        return tokens
    if magnitude(tokens[-1]):
        return tokens
    places = [place for place, token in enumerate(tokens) if TEXT.fullmatch(token)]
    is_one_unit = all(TEXT.sub(r"\1", tokens[place]) == match[1] for place in places)
    ends_terms = all(token_behind(tokens, place) in ("+", "-", "") for place in places)
    terms = 1 + sum(token in ("+", "-") for token in tokens[1:])
    if not is_one_unit or not ends_terms or len(places) != terms or len(places) == 1:
        return tokens
    return [token for place, token in enumerate(tokens) if place not in places[:-1]]


def _closes_at_end(tokens: list[str]) -> bool:
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token == "{") - (token == "}")
        if depth == 0:
            return index == len(tokens) - 1
    return False
