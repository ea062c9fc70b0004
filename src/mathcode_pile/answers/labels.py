"""Tell whether two results are stated for different things: A = 12 and P = 12, P(A) and P(B), area and perimeter.

What a program calls a result may be any words; only names that exclude each other count.
"""

import re

# A letter, perhaps with an index; a Greek letter; two or three points.
_LETTER = re.compile(
    r"[A-Za-z]'*\d*|[A-Z]{2,3}|(?:alpha|beta|gamma|delta|epsilon|theta|lambda|mu|nu|rho|sigma|tau|phi|chi|psi|omega)\d*",
)
_FORMULA = re.compile(r"[('^/]|\A(?:sin|cos|tan|cot|sec|csc|log|ln|lg|sqrt|exp|det|lim|max|min|gcd|lcm|frac)")
_QUANTITIES = {
    "mean", "median", "mode", "variance", "range", "area", "perimeter", "volume", "length", "width", "height", "radius",
    "diameter", "circumference", "slope", "intercept", "minimum", "maximum", "numerator", "denominator", "difference",
    "product", "quotient", "remainder", "speed", "time", "distance", "mass", "cost", "profit", "price", "discount",
}  # fmt: skip
# What a function of x is called too.
_VALUES = {"y", "f(x)", "g(x)", "h(x)", "y(x)", "f(t)", "y(t)", "x(t)"}


def name_different_things(stated: str, printed: str) -> bool:
    """Whether two labels exclude each other."""
    one, other = (re.sub(r"[\s_*\\{}]", "", label) for label in (stated, printed))
    if one == other or not one or not other or {one, other} <= _VALUES:
        return False
    if all(map(_is_formula, (one, other))):
        return True
    words = [set(re.findall("[a-z]+", label.lower())) & _QUANTITIES for label in (stated, printed)]
    return bool(words[0] and words[1]) and words[0].isdisjoint(words[1])


def _is_formula(label: str) -> bool:
    return _LETTER.fullmatch(label) is not None or _FORMULA.search(label) is not None
