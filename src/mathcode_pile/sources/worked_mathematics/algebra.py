"""Problems of algebra: equations, polynomials, logarithms, complex numbers."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction
from math import isqrt, log

from mathcode_pile.sources.worked_mathematics.voice import APPROXIMATELY, Problem, Voice


def linear_equation(v: Voice) -> Problem:
    a, x, b = v.n(2, 12), v.n(-9, 15), v.n(1, 40)
    c = a * x + b
    equation = f"{a}x + {b} = {c}"
    check = f"{v.times(a, x)} + {b}"
    return Problem(
        v.pick("A linear equation", "Undoing one step at a time", "Solving for the unknown"),
        v.pick(
            f"Solve {v.m(equation)}.",
            f"I think of a number, multiply it by {a}, add {b} and get {c}. Which number did I think of?",
            f"For which {v.m('x')} does {v.m(equation)} hold?",
        ),
        [
            v.pick("Take the constant to the other side", "First undo the addition", f"Subtract {b} on both sides")
            + f": {v.c(f'{c} - {b}', c - b)}. "
            + v.pick("Then divide", "What is left is a single division", f"Dividing by {a}")
            + f": {v.m(f'x = {v.claim(v.frac(c - b, a), x)}')}.",
            v.pick("Put it back in to be sure", "A check costs one line", "Substituting") + f": {v.c(check, c)}.",
        ],
    )


def quadratic_equation(v: Voice) -> Problem:
    a, p, q = v.of([1, 1, 2, 3]), v.n(-7, 8), v.n(-8, 9)
    if p == q:
        q += 1
    b, c = -a * (p + q), a * p * q
    polynomial = v.poly([a, b, c])
    d = b * b - 4 * a * c
    discriminant = f"{v.signed(b)}^2 - 4 {v.dot} {a} {v.dot} {v.signed(c)}"
    high, low = max(p, q), min(p, q)
    plus = v.claim(v.frac(f"{-b} + {isqrt(d)}", 2 * a), high)
    minus = v.claim(v.frac(f"{-b} - {isqrt(d)}", 2 * a), low)
    return Problem(
        v.pick("A quadratic equation", "Using the discriminant", "Two roots"),
        v.pick(
            f"Find all real solutions of {v.m(f'{polynomial} = 0')}.",
            f"Where does the parabola {v.m(f'y = {polynomial}')} meet the horizontal axis?",
            f"Solve {v.m(f'{polynomial} = 0')} with the quadratic formula.",
        ),
        [
            f"The discriminant is {v.c(discriminant, d)}, "
            + v.pick("a perfect square: ", "and its root is an integer: ", "which we recognise: ")
            + f"{v.c(v.root(d), isqrt(d))}.",
            v.pick("The formula gives", "So the roots are", "We obtain")
            + f" {v.m(f'x_1 = {plus}')} and {v.m(f'x_2 = {minus}')}.",
            v.pick(
                f"By Vieta their sum must be {v.m(v.num(Fraction(-b, a)))}, and indeed {v.c(v.plus([high, low]), high + low)}.",
                f"The vertex lies halfway, at {v.m(f'x = {v.claim(v.frac(v.plus([high, low]), 2), Fraction(high + low, 2))}')}.",
            ),
        ],
    )


def linear_system(v: Voice) -> Problem:
    x, y = v.distinct(-6, 9, 2)
    a, b, c, d = v.n(1, 7), v.n(1, 6), v.n(1, 5), -v.n(1, 7)
    e, f = a * x + b * y, c * x + d * y
    det = a * d - b * c
    first, second = (
        f"{v.poly([a, 0])} + {v.poly([b, 0], 'y')} = {e}",
        f"{v.poly([c, 0])} - {v.poly([-d, 0], 'y')} = {f}",
    )
    matrix = f"\\det\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}"
    tops = [f"{v.times(e, d)} - {v.times(b, f)}", f"{v.times(a, f)} - {v.times(e, c)}"]
    return Problem(
        v.pick("Two equations, two unknowns", "Cramer's rule", "A linear system"),
        v.pick(
            f"Solve the system {v.m(first)}, {v.m(second)}.",
            f"Two lines are given by {v.m(first)} and {v.m(second)}. Where do they cross?",
        ),
        [
            f"The determinant of the coefficients is {v.c(matrix, det)}"
            + v.pick(", not zero, so there is exactly one solution.", "; the system has a unique solution."),
            f"By Cramer's rule the numerators are {v.c(tops[0], e * d - b * f)} and {v.c(tops[1], a * f - e * c)}, therefore "
            f"{v.m(f'x = {v.claim(v.frac(e * d - b * f, det), x)}')} and {v.m(f'y = {v.claim(v.frac(a * f - e * c, det), y)}')}.",
        ],
    )


def inequality(v: Voice) -> Problem:
    a, b, bound = v.n(2, 9), v.n(1, 30), v.n(3, 20)
    c = a * bound + b
    left = f"{a}n + {b}"
    return Problem(
        v.pick("A linear inequality", "How far can we go?", "Staying within a budget"),
        v.pick(
            f"What is the largest integer {v.m('n')} for which {v.m(left)} does not exceed {c}?",
            f"A taxi takes {b} for the start and {a} for each kilometre. How many whole kilometres can you go with {c}?",
        ),
        [
            f"Without the fixed part there remain {v.c(f'{c} - {b}', c - b)}, and {v.c(f'{c - b} / {a}', bound)}.",
            v.pick(
                f"At the bound itself {v.c(f'{v.times(a, bound)} + {b}', c)}, one step further {v.c(f'{v.times(a, bound + 1)} + {b}', c + a)}, which is too much.",
                f"One more would need {v.c(f'{v.times(a, bound + 1)} + {b}', c + a)}, so {bound} is the answer.",
            ),
        ],
    )


def expand_product(v: Voice) -> Problem:
    a, b, c, d = v.n(1, 5), v.n(-9, 9) or 4, v.n(1, 5), v.n(-9, 9) or 7
    product = f"({v.poly([a, b])})({v.poly([c, d])})"
    result, wrong = v.poly([a * c, a * d + b * c, b * d]), v.poly([a * c, a * d - b * c, b * d])
    x = v.n(1, 4)
    value = (a * x + b) * (c * x + d)
    return Problem(
        v.pick("Expanding brackets", "Multiplying binomials", "First, outer, inner, last"),
        v.pick(
            f"Expand {v.m(product)}.",
            f"Multiply out {v.m(product)} and collect like terms.",
            f"Write {v.m(product)} as a polynomial.",
        ),
        [
            f"Expand term by term and combine like terms: {v.d(v.claim(product, result, wrong if wrong != result else ''))}",
            v.pick("Test it at one value", "A quick numerical test", "To be safe")
            + f": at {v.m(f'x = {x}')} the product is {v.c(v.times(a * x + b, c * x + d), value)}, and the polynomial gives "
            f"{v.c(f'{v.times(a * c, x)}^2 + {v.times(a * d + b * c, x)} + {v.signed(b * d)}', value)}.",
        ],
    )


def factor_quadratic(v: Voice) -> Problem:
    p, q = v.distinct(1, 12, 2)
    signs = v.of([1, -1])
    p, q = p, q * signs
    expanded, factored = v.poly([1, p + q, p * q]), f"({v.poly([1, p])})({v.poly([1, q])})"
    wrong = f"({v.poly([1, p + 1])})({v.poly([1, q])})"
    return Problem(
        v.pick("Factoring a trinomial", "Sum and product", "Guessing the factors"),
        v.pick(f"Factor {v.m(expanded)} over the integers.", f"Write {v.m(expanded)} as a product of two binomials."),
        [
            v.pick("We look for two numbers whose", "Wanted are two integers whose")
            + f" product is {p * q} and whose sum is {p + q}: {v.c(v.times(p, q), p * q)} and {v.c(v.plus([p, q]), p + q)}.",
            f"This lets us factor: {v.d(v.claim(expanded, factored, wrong))}",
        ],
    )


def logarithms(v: Voice) -> Problem:
    b, m, k = v.of([2, 3, 5, 10]), v.n(2, 5), v.n(1, 3)
    base = f"{{{b}}}" if b == 10 else str(b)
    first, second, both = (f"\\log_{base} {b**power}" for power in (m, k, m + k))
    return Problem(
        v.pick("Logarithms of a product", "What is the exponent?", "Adding logarithms"),
        v.pick(
            f"Evaluate {v.m(first)} and {v.m(both)}.",
            f"Show on an example that logarithms turn products into sums, starting from {v.m(first)}.",
        ),
        [
            v.pick("A logarithm asks for an exponent.", "Ask which power of the base it is.")
            + f" Because {v.c(f'{b}^{m}', b**m)}, {v.c(first, m)}; likewise {v.c(second, k)}.",
            f"The product is {v.c(v.times(b**m, b**k), b ** (m + k))}, and {v.c(f'{both} = {m} + {k}', m + k)}.",
        ],
    )


def natural_logarithm(v: Voice) -> Problem:
    p = v.of([2, 3, 4, 5, 6, 7, 8, 9])
    years = round(log(2) / (p / 100), 2)
    fraction = f"{v.fraction}{{\\ln 2}}{{{p / 100:.2f}}}"
    return Problem(
        v.pick("Doubling time", "How long until it doubles?", "Continuous growth"),
        v.pick(
            f"A colony grows continuously at {p} percent an hour. When has it doubled?",
            f"With a continuous rate of {p} percent a year, how many years does money need to double?",
        ),
        [
            f"We need {v.m(f'e^{{{p / 100:.2f}t}} = 2')}, and take logarithms of both sides.",
            v.pick("That is", "Hence the time is", "Dividing by the rate")
            + f" {v.c(fraction, years, relation=APPROXIMATELY)}, "
            f"close to what the rule of seventy says, {v.c(f'70 / {p}', Fraction(70, p))}.",
        ],
    )


def complex_product(v: Voice) -> Problem:
    a, b, c, d = v.n(1, 7), v.n(1, 7), v.n(1, 7), -v.n(1, 7)
    re, im = a * c - b * d, a * d + b * c
    left, right = f"({a} + {_i(b)})", f"({c} - {_i(-d)})"
    product = f"{left}{right}"
    value = _complex(re, im)
    return Problem(
        v.pick("Multiplying complex numbers", "The square of i at work", "Complex arithmetic"),
        v.pick(
            f"Multiply the complex numbers {v.m(product)}.",
            f"Write the complex product {v.m(product)} in the form a + bi.",
        ),
        [
            f"Expand as usual and use {v.m('i^2 = -1')}. The real part is {v.c(f'{v.times(a, c)} - {v.times(b, d)}', re)}, "
            f"the imaginary part {v.c(f'{v.times(a, d)} + {v.times(b, c)}', im)}.",
            f"{v.pick('Therefore', 'Together', 'So')} {v.dc(product, value, _complex(re + 1, im))}",
        ],
    )


def _i(value: int) -> str:
    return "i" if value == 1 else f"{value}i"


def _complex(re: int, im: int) -> str:
    if im == 0:
        return str(re)
    sign = "-" if im < 0 else ("+" if re else "")
    return f"{re} {sign} {_i(abs(im))}" if re else f"{sign}{_i(abs(im))}"


def complex_modulus(v: Voice) -> Problem:
    a, b, h = v.rng.choice([(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (6, 8, 10), (9, 12, 15)])
    if v.n(0, 1):
        a, b = b, a
    z = f"{a} + {b}i"
    conjugate = f"({z})({a} - {b}i)"
    return Problem(
        v.pick("Absolute value of a complex number", "Distance from the origin", "Modulus and conjugate"),
        v.pick(
            f"How far is the complex number {v.m(z)} from the origin?",
            f"Find the modulus of the complex number {v.m(f'z = {z}')}.",
        ),
        [
            f"The modulus is {v.c(v.root(f'{a}^2 + {b}^2'), h)}.",
            v.pick("The conjugate says the same:", "Another way uses the conjugate:")
            + f" {v.c(conjugate, h * h)}, and {v.c(v.root(h * h), h)}.",
        ],
    )


def remainder_theorem(v: Voice) -> Problem:
    a, b, c, d, x = v.n(1, 4), v.n(-5, 6), v.n(-7, 7), v.n(-9, 9), v.of([-3, -2, 2, 3, 4])
    value = a * x**3 + b * x**2 + c * x + d
    s = v.signed(x)
    terms = f"{a} {v.dot} {s}^3 + {v.signed(b)} {v.dot} {s}^2 + {v.signed(c)} {v.dot} {s} + {v.signed(d)}"
    divisor = v.poly([1, -x])
    return Problem(
        v.pick("The remainder theorem", "Remainders without long division", "Evaluating a cubic"),
        v.pick(
            f"What remainder does {v.m(v.poly([a, b, c, d]))} leave on division by {v.m(divisor)}?",
            f"Evaluate the cubic {v.m(v.poly([a, b, c, d]))} at {x}.",
        ),
        [
            v.pick("The remainder is the value at the root of the divisor.", f"Dividing is not needed; substitute {x}.")
            + f" {v.dc(terms, value)}",
            "The powers used are " + f"{v.c(f'{s}^2', x * x)} and {v.c(f'{s}^3', x**3)}.",
        ],
    )


def function_value(v: Voice) -> Problem:
    a, b, c, x = v.n(1, 6), v.n(1, 9), v.n(1, 9), v.n(2, 7)
    inner, outer = a * x + b, (a * x + b) ** 2 - c
    inside, outside = v.claim(f"{v.times(a, x)} + {b}", inner), v.claim(f"{inner}^2 - {c}", outer)
    return Problem(
        v.pick("Composing two functions", "Inner and outer function", "One function inside another"),
        f"Let {v.m(f'g(x) = {v.poly([a, b])}')} and {v.m(f'f(u) = u^2 - {c}')}. "
        + v.pick(f"Find the value of the composition at {x}.", f"What is f of g of {x}?"),
        [
            f"Start inside: {v.m(f'g({x}) = {inside}')}. "
            + v.pick("This becomes the input of the outer function:", "Feed that into f:")
            + f" {v.m(f'f({inner}) = {outside}')}."
        ],
    )


KINDS = [
    linear_equation, quadratic_equation, linear_system, inequality, expand_product, factor_quadratic, logarithms, natural_logarithm,
    complex_product, complex_modulus, remainder_theorem, function_value,
]  # fmt: skip
