"""Read whether a model says that a result is exact or approximate."""

import re

_SIGN = r"(?:\\approx|\\simeq|\\doteq|≈|≃|≅)"
_LEADING = re.compile(
    rf"\s*(?:(?P<sign>{_SIGN})|(?P<word>(?:approximately|about|roughly|approx\.?)\s)|=)\s*", re.IGNORECASE
)
_TRAILING = re.compile(rf"\s*(?:(?P<sign>{_SIGN})|=)\s*\Z")
_SAID = re.compile(rf"{_SIGN}|\b(?:approximat\w+|about|roughly|round(?:ed|ing)?|nearest)\b", re.IGNORECASE)
_DECIMAL = re.compile(r"\d\.\d")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def read_relation(expression: str, result: str, conditions: str) -> tuple[str, str, str]:
    """Return the expression and the result without a sign between them, and the relation: = or ≈.

    A decimal is approximate if the result, or the last sentence of the conditions, says so.
    """
    leading, trailing = _LEADING.match(result), _TRAILING.search(expression)
    stated = result[leading.end() :] if leading and leading.end() < len(result) else result
    computed = expression[: trailing.start()] if trailing and trailing.start() > 0 else expression
    is_about = any(match and match["sign"] for match in (leading, trailing)) or bool(leading and leading["word"])
    if not is_about and _DECIMAL.search(stated):
        is_about = _SAID.search(result) is not None or _SAID.search(_SENTENCE.split(conditions.strip())[-1]) is not None
    return computed, stated, "≈" if is_about else "="
