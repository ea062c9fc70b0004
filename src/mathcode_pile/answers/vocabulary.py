"""The words, signs and commands that results are written with."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = {
    "sqrt": "root", "exp": "exp", "ln": "log", "log": "log", "lg": "log", "abs": "abs", "factorial": "factorial",
    "gamma": "gamma", "binomial": "binomial", "comb": "binomial", "binom": "binomial", "perm": "permutations",
    "floor": "floor", "ceil": "ceiling", "ceiling": "ceiling", "gcd": "gcd", "lcm": "lcm", "max": "max", "min": "min",
    "sin": "sin", "cos": "cos", "tan": "tan", "sec": "sec", "csc": "csc", "cot": "cot",
    "asin": "asin", "acos": "acos", "atan": "atan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh",
    "erf": "erf", "cbrt": "cbrt", "conjugate": "conjugate", "sign": "sign", "re": "re", "im": "im", "arg": "arg",
    "rational": "div", "fraction": "div", "pow": "pow", "mod": "mod",
}  # fmt: skip
"""What LaTeX or Python calls a function, in lower case, and what it is called in our trees."""

MAGNITUDES = {"hundred": 2, "thousand": 3, "lakh": 5, "crore": 7, "million": 6, "billion": 9, "trillion": 12}
"""The words that are powers of ten."""

BASES: dict[str, tuple[int | None, ...]] = {"log": (None, 10), "lg": (10, 2)}
"""The bases that a logarithm stated without one may have; None is e."""

CONSTANTS = {
    "pi": "pi", "oo": "oo", "inf": "oo", "infinity": "oo", "infty": "oo", "e": "e", "exp1": "e",
    "nan": "nan", "zoo": "nan", "goldenratio": "golden",
}  # fmt: skip

GREEK = _words(
    """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda lamda mu nu xi rho sigma tau
    upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar
    """
)

# Calls that leave the number in them as it is.
NUMBER_TYPES = _words("float int float64 float32 int64 int32 mpf decimal integer str_ s bool_ complex complex128")

# Calls that build something other than a number, and the types of numbers.
CONSTRUCTORS = NUMBER_TYPES | _words(
    """
    matrix immutablematrix immutabledensematrix mutabledensematrix array finiteset set frozenset list tuple dict
    interval open lopen ropen union eq ne lt le gt ge and or mpc
    """
)

# Two letters side by side in LaTeX are a product, unless they make one of these words.
SHORT_WORDS = _words(
    """
    is no of in to at or as by it we so an if on do be he my up us am pm vs eh ok id cm mm km kg mg ml ft lb oz hr mi
    yd ms hz kw mw gb mb kb pa st nd rd th cl dl kj mj lbs hrs min sec mph kph cal the and not for are day all any odd
    yes who how can men boy way set sum one two six ten pts gal
    """
)

CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "≈", "≅": "≈", "∞": " oo ", "π": " pi ", "θ": " theta ", "α": " alpha ",
    "β": " beta ", "λ": " lambda ", "μ": " mu ", "σ": " sigma ", "φ": " phi ",
    "∈": " \\in ", "∪": " \\cup ", "∩": " \\cap ",
    "∅": " \\emptyset ", "√": " \\sqrt ", "°": " \\degree ", "€": "$", "£": "$", "¥": "$", "’": "'", "“": '"',
    "”": '"', "\u00a0": " ", "\u2009": " ", "\u202f": " ", "½": " 1/2", "¼": " 1/4",
    "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
    "∧": " and ", "∨": " or ", "ℝ": " \\mathbb{R} ", "…": "...",
}  # fmt: skip

COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=",
    "geq": ">=",
    "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "≈", "approxeq": "≈", "simeq": "≈",
    "sim": "≈", "cong": "≈", "doteq": "≈", "equiv": "=", "pm": "±", "mp": "±", "cup": "∪", "in": "∈", "land": "and",
    "wedge": "and", "lor": "or", "vee": "or", "to": "→", "rightarrow": "→", "Rightarrow": "→", "implies": "→",
    "therefore": "→", "iff": "→", "mid": "|", "vert": "|", "lvert": "|", "rvert": "|", "colon": ":", "degree": "°",
    "circ": "°", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "bmod": "mod", "setminus": "∖",
}  # fmt: skip
