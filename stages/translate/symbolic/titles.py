"""Give a computation a title."""

import re
from collections.abc import Sequence

from stages.translate.symbolic.nodes import Node
from stages.translate.symbolic.quantity_words import is_quantity
from stages.translate.symbolic.searching import has_any

_TITLES = {
    "sqrt": "Square root", "root": "Root", "fact": "Factorial",
    "binom": "Binomial coefficient", "sum": "Finite or infinite sum",
    "prod": "Product over a range", "int": "Integral",
    "diff": "Derivative", "limit": "Limit", "det": "Determinant", "mod": "Remainder",
    "gcd": "Greatest common divisor", "lcm": "Least common multiple", "abs": "Absolute value", "floor": "Floor",
    "ceil": "Ceiling",
    "log": "Logarithm", "ln": "Natural logarithm", "based": "Number in another base",
}  # fmt: skip
_TRIGONOMETRY = {"sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "tanh"}
_FORMULAS = re.compile(r"\$[^$]*\$|\\\w+")
_OF_WORDS = (
    "area", "volume", "perimeter", "circumference", "probability", "average", "mean", "median", "variance", "distance",
    "speed", "slope", "discriminant", "interest", "price", "cost", "profit", "total", "difference", "ratio",
    "percentage", "radius", "diameter", "hypotenuse", "angle", "height", "length", "width", "age", "weight",
)  # fmt: skip
_OF = re.compile(rf"\b({'|'.join(_OF_WORDS)})\b")


def title_of(node: Node, sentence: str, names: Sequence[str] = ()) -> str:
    """Return a short title: the quantity that is computed, else a function; empty for plain arithmetic.

    sentence: the one around the computation, empty if it has several. names: what the page calls the result.
    """
    quantity = next((name for name in names if is_quantity(name)), "")
    if quantity:
        return f"Compute the {quantity.replace('_', ' ')}"
    is_said = has_any(sentence.lower(), _OF_WORDS)
    words = set(_OF.findall(_FORMULAS.sub(" ", sentence).lower())) if is_said else set()
    if len(words) == 1:
        return f"Compute the {words.pop()}"
    op = node.args[0].op if node.op == "neg" else node.op
    if op in _TRIGONOMETRY:
        return "Trigonometric value"
    return _TITLES.get(op, "")
