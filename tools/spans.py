"""Numbers that are known only within a range."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A number: the least it may be, the likely one, and the most."""

    low: float
    likely: float
    high: float

    @staticmethod
    def exact(value: float) -> "Span":
        """Return a number that is known."""
        return Span(value, value, value)

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, other: "Span | float") -> "Span":
        """Return the product. Factors are independent, so their relative errors are added as squares."""
        by = other if isinstance(other, Span) else Span.exact(other)
        likely = self.likely * by.likely
        down = math.hypot(_distance(self.likely, self.low), _distance(by.likely, by.low))
        up = math.hypot(_distance(self.high, self.likely), _distance(by.high, by.likely))
        return Span(likely * math.exp(-down), likely, likely * math.exp(up))

    def __truediv__(self, other: "Span | float") -> "Span":
        by = other if isinstance(other, Span) else Span.exact(other)
        return self * Span(1 / by.high, 1 / by.likely, 1 / by.low)

    def apply(self, function: Callable[[float], float]) -> "Span":
        """Return a growing function of the number."""
        return Span(function(self.low), function(self.likely), function(self.high))

    def describe(self, write: Callable[[float], str]) -> str:
        """Return the text of the range, or of the one number; write: makes the text of one."""
        low, high = write(self.low), write(self.high)
        return low if low == high else f"{low} to {high}"


def _distance(larger: float, smaller: float) -> float:
    """Return the logarithm of a ratio."""
    return math.log(larger / smaller) if larger != smaller else 0.0


ZERO = Span.exact(0)


def write_count(value: float) -> str:
    """Return a number with three digits at most: 17, 4.2k, 13M, 1.9B."""
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size * 0.9995:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def write_bytes(value: float) -> str:
    """Return bytes in the unit that suits them."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= size * 0.9995:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e3:.3g} kB"


def write_time(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size * 1.5:
            return f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.2g} s" if seconds >= 1 else "< 1 s"
