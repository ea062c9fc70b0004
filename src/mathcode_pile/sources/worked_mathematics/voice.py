"""How one page is written: its random choices, its habits in LaTeX, and the results it states.

Every stated result passes through `Voice.claim`, so that a page can count its results and state one of them wrongly.
"""

import random
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

Value = int | Fraction | str | float

APPROXIMATELY = "\\approx"
PI = "\\pi"
_NAMES = [
    "Amara",
    "Ben",
    "Chiara",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hiro",
    "Ines",
    "Jonas",
    "Kavya",
    "Liam",
    "Mei",
    "Nadia",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosa",
    "Samir",
    "Tilde",
    "Uma",
    "Viktor",
    "Wanda",
    "Ximena",
    "Yusuf",
    "Zofia",
    "Anselm",
    "Beatriz",
    "Callum",
    "Daria",
    "Emeka",
    "Freya",
]

_MARK = re.compile("\x01(\\d+)\x01")


class Problem(NamedTuple):
    """One problem of a page: its title, its question and the paragraphs of its solution."""

    title: str
    question: str
    solution: list[str]


class Voice:
    """The choices of one page, all drawn from the page's own random generator."""

    def __init__(self, rng: random.Random, plain: bool = False) -> None:
        self.rng = rng
        self.plain = plain
        self.dot = rng.choice(["\\cdot", "\\times", "\\cdot"])
        self.fraction = rng.choice(["\\frac", "\\frac", "\\dfrac", "\\tfrac"])
        self.inline = rng.choice(["$", "$", "\\("])
        self.display = rng.choice(["$$", "\\[", "equation", "\\["])
        self.boxes = not plain and rng.random() < 0.2
        self.groups = rng.random() < 0.3
        self.claims: list[tuple[str, str]] = []  # pairs of a right and a wrong result; "" if there is no wrong one

    def pick(self, *options: str) -> str:
        """Return one of several phrasings."""
        return self.rng.choice(options)

    def n(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return self.rng.randint(low, high)

    def of(self, values: Sequence[int]) -> int:
        """Return one of several numbers."""
        return self.rng.choice(values)

    def distinct(self, low: int, high: int, count: int) -> list[int]:
        """Return different integers from low to high, in random order."""
        return self.rng.sample(range(low, high + 1), count)

    def name(self) -> str:
        """Return a person's name."""
        return self.rng.choice(_NAMES)

    def num(self, value: Value) -> str:
        """Return the LaTeX of a number, written as this page writes numbers."""
        if isinstance(value, str):
            return value
        if isinstance(value, Fraction):
            if value.denominator == 1:
                return self.num(value.numerator)
            sign = "-" if value < 0 else ""
            return f"{sign}{self.fraction}{{{abs(value.numerator)}}}{{{value.denominator}}}"
        if isinstance(value, int) and abs(value) >= 10000 and self.groups:
            return f"{value:,}".replace(",", "{,}")
        return str(value)

    def frac(self, top: Value, bottom: Value) -> str:
        """Return the LaTeX of a fraction without reducing it."""
        return f"{self.fraction}{{{self.num(top)}}}{{{self.num(bottom)}}}"

    def m(self, latex: str) -> str:
        """Return inline mathematics."""
        if self.plain and (text := self.in_plain(latex)) is not None:
            return text
        return f"${latex}$" if self.inline == "$" else f"\\({latex}\\)"

    def d(self, latex: str) -> str:
        """Return displayed mathematics, which is a paragraph of its own."""
        if self.plain and (text := self.in_plain(latex)) is not None:
            return text
        if self.display == "equation":
            return f"\\begin{{equation*}}\n{latex}\n\\end{{equation*}}"
        return f"$${latex}$$" if self.display == "$$" else f"\\[{latex}\\]"

    def rows(self, *steps: str) -> str:
        """Return a calculation line by line: the first step is `a = b`, each other step begins with `=`."""
        environment = self.pick("align*", "aligned", "align*")
        body = " \\\\\n".join(step.replace("=", "&=", 1) for step in steps)
        if environment == "aligned":
            return f"\\[\\begin{{aligned}}\n{body}\n\\end{{aligned}}\\]"
        return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"

    def c(self, expression: str, value: Value, wrong: str = "", relation: str = "=") -> str:
        """Return an inline claim."""
        return self.m(self.claim(expression, value, wrong, relation))

    def dc(self, expression: str, value: Value, wrong: str = "", relation: str = "=") -> str:
        """Return a displayed claim."""
        return self.d(self.claim(expression, value, wrong, relation))

    def named(self, name: str, expression: str, value: Value, wrong: str = "") -> str:
        """Return an inline claim about a named quantity: `A = expression = value`."""
        return self.m(f"{name} = {self.claim(expression, value, wrong)}")

    def root(self, value: Value) -> str:
        """Return the LaTeX of a square root."""
        return f"\\sqrt{{{self.num(value)}}}"

    def claim(self, expression: str, value: Value, wrong: str = "", relation: str = "=", unit: str = "") -> str:
        """Return `expression = value`; `settle` fills in the value when the page is complete."""
        return f"{expression} {relation} {self.state(value, wrong)}{unit}"

    def state(self, value: Value, wrong: str = "") -> str:
        """Return a mark that `settle` replaces with the right result, or with a wrong one."""
        right = self.num(value)
        if not wrong and not isinstance(value, str):
            wrong = self.num(self._miss(value))
        self.claims.append((right, wrong))
        return f"\x01{len(self.claims) - 1}\x01"

    def settle(self, text: str, misstate: bool) -> tuple[str, int, bool]:
        """Replace the marks in a page with the results, of which one is wrong if misstate is true and one can be.

        Returns the text, the number of results it states, and whether one of them is wrong.
        """
        used = [int(index) for index in _MARK.findall(text)]
        possible = [place for place, index in enumerate(used) if self.claims[index][1]]
        wrong = self.rng.choice(possible) if misstate and possible else -1
        places = iter(range(len(used)))

        def write(match: re.Match[str]) -> str:
            right, missed = self.claims[int(match[1])]
            stated = missed if next(places) == wrong else right
            return f"\\boxed{{{stated}}}" if self.boxes and text[match.end() : match.end() + 1] in "$\\" else stated

        return _MARK.sub(write, text), len(used), wrong >= 0

    def in_plain(self, latex: str) -> str | None:
        """Return LaTeX, its claimed results included, as plain text; None if it is more than simple arithmetic."""
        marks = [int(index) for index in _MARK.findall(latex)]
        plain = [(_plain(right), _plain(wrong)) for right, wrong in (self.claims[index] for index in marks)]
        text = _plain(latex)
        if text is None or any(right is None or wrong is None for right, wrong in plain):
            return None
        for index, (right, wrong) in zip(marks, plain, strict=True):
            self.claims[index] = (right or "", wrong or "")
        return text

    def _miss(self, value: Value) -> Value:
        if isinstance(value, int):
            return value + self.rng.choice([-10, -3, -2, -1, 1, 2, 4, 10]) * (1 if abs(value) < 500 else 7)
        if isinstance(value, Fraction):
            return value + Fraction(self.rng.choice([1, 2, -1]), value.denominator)
        digits = len(str(value).partition(".")[2])
        return round(float(value) * 1.08 + 3 * 10**-digits, digits)

    def poly(self, coefficients: Sequence[int], x: str = "x") -> str:
        """Return the LaTeX of a polynomial; coefficients: that of the highest power first."""
        text = ""
        for index, coefficient in enumerate(coefficients):
            power = len(coefficients) - 1 - index
            if coefficient == 0:
                continue
            factor = "" if abs(coefficient) == 1 and power else str(abs(coefficient))
            variable = "" if power == 0 else x if power == 1 else f"{x}^{power}" if power < 10 else f"{x}^{{{power}}}"
            sign = ("-" if coefficient < 0 else "") if not text else (" - " if coefficient < 0 else " + ")
            text += f"{sign}{factor}{variable}"
        return text or "0"

    def signed(self, value: int) -> str:
        """Return a number as a factor or summand: in parentheses if it is negative."""
        return f"({value})" if value < 0 else self.num(value)

    def plus(self, values: Sequence[Value]) -> str:
        """Return the LaTeX of a sum."""
        text = self.num(values[0])
        for value in values[1:]:
            negative = not isinstance(value, str) and value < 0
            text += f" - {self.num(-value)}" if negative else f" + {self.num(value)}"  # type: ignore[operator]
        return text

    def times(self, *values: Value) -> str:
        """Return the LaTeX of a product."""
        return f" {self.dot} ".join(
            self.signed(value) if isinstance(value, int) else self.num(value) for value in values
        )


def _plain(latex: str) -> str | None:
    """Return LaTeX as plain text; None if it is more than simple arithmetic."""
    if "\\div" in latex:
        return None  # in plain text 1/2 / 3/4 would be ((1/2)/3)/4
    text = re.sub(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}", r"\1/\2", latex)
    text = text.replace("\\cdot", "*").replace("\\times", "x").replace("{,}", ",")
    if re.search(r"[\\{}_&]", text) or re.search(r"\^", text):
        return None
    return text
