"""Compute the value of an expression, and the precision that its decimals are written to."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from mathcode_pile.answers.functions import COMPUTE, COMPUTE_CONSTANT, Value, bounded, mp
from mathcode_pile.answers.values import Apply, Constant, Node, Number, Symbol, UnreadableError, literals

# A sum that is this small may be 0.
NOISE = mp.mpf(10) ** -40


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, and how exactly it was written."""

    value: Value
    last_place: Fraction | None = None
    """The worth of a one in the last digit, where the number is a decimal literal."""
    digits: int = 0
    """The fewest significant digits of any decimal in it; 0 if there is none."""

    @property
    def is_exact(self) -> bool:
        """Whether it contains no decimal."""
        return self.digits == 0


def evaluate(node: Node, at: Mapping[str, Value] | None = None) -> Value:
    """Return the value of an expression, its variables having the values `at`.

    Raises UnreadableError if it has no value or cannot be computed here, TooLargeError if it would be too large.
    """
    match node:
        case Number(value):
            return value
        case Constant(name):
            return COMPUTE_CONSTANT[name]()
        case Symbol(name):
            if at is None or name not in at:
                raise UnreadableError("variable")
            return at[name]
        case Apply(function, arguments):
            values = [evaluate(argument, at) for argument in arguments]
            try:
                return bounded(COMPUTE[function](*values))
            except KeyError:
                raise UnreadableError("unknown_function") from None
            except (ArithmeticError, ValueError, TypeError):
                raise UnreadableError("undefined") from None
    raise UnreadableError("not_a_number")


def scalar(node: Node) -> Scalar:
    """Return the value of an expression without variables, with the precision it is written to."""
    value = _without_noise(node, evaluate(node))
    decimals = [number for number in literals(node) if number.last_place is not None]
    if not decimals:
        return Scalar(value)
    return Scalar(value, _last_place(node), min(number.digits for number in decimals))


def _without_noise(node: Node, value: Value) -> Value:
    """Return 0 where terms cancel and only the rounding error of 50 digits is left."""
    if not value or isinstance(value, Fraction) or not abs(value) < NOISE:
        return value
    with mp.workdps(2 * mp.dps):
        return Fraction(0) if abs(evaluate(node)) < NOISE**2 else value


def _last_place(node: Node) -> Fraction | None:
    """Return the worth of the last digit of a decimal literal, which may have a sign and a power of ten with it."""
    match node:
        case Number(_, last_place):
            return last_place
        case Apply("neg", (item,)):
            return _last_place(item)
        case Apply("mul", (left, right)):
            return _scaled_place(left, right) or _scaled_place(right, left)
        case Apply("div", (left, right)):
            return _scaled_place(left, Apply("div", (Number(Fraction(1)), right)))
        case Apply("percent", (item,)):
            place = _last_place(item)
            return place and place / 100
        case Apply("add" | "sub", (left, right)) if _is_imaginary(right) != _is_imaginary(left):
            # The two parts of a complex number.
            places = [_last_place(left), _last_place(right)]
            return max((place for place in places if place is not None), default=None)
    return None


def _scaled_place(decimal: Node, factor: Node) -> Fraction | None:
    """Return the last place of a decimal times a power of ten; None if it is no decimal or no such power."""
    place = _last_place(decimal)
    if place is None or any(number.last_place is not None for number in literals(factor)):
        return None
    if factor == Constant("i"):
        return place
    value = evaluate(factor)
    if not isinstance(value, Fraction) or not value:
        return None
    power = abs(value)
    while power >= 10 and power.denominator == 1 and power.numerator % 10 == 0:
        power /= 10
    while power < 1 and power.numerator == 1 and power.denominator % 10 == 0:
        power *= 10
    return place * abs(value) if power == 1 else None


def _is_imaginary(node: Node) -> bool:
    return node == Constant("i") or (isinstance(node, Apply) and any(map(_is_imaginary, node.arguments)))
