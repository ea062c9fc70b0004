"""Problems of calculus and of series."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction
from math import e, pi

from mathcode_pile.sources.worked_mathematics.voice import APPROXIMATELY, PI, Problem, Voice


def _monomial(coefficient: Fraction, power: int) -> str:
    top = "x" if power == 1 else f"x^{power}"
    if coefficient == 1:
        return top
    if coefficient.denominator == 1:
        return f"{coefficient.numerator}{top}"
    return f"\\frac{{{'' if coefficient.numerator == 1 else coefficient.numerator}{top}}}{{{coefficient.denominator}}}"


def derivative_of_polynomial(v: Voice) -> Problem:
    a, b, c, k = v.n(2, 9), v.n(1, 9), v.n(1, 20), v.n(3, 5)
    x0 = v.n(1, 3)
    coefficients = [a, *[0] * (k - 3), b, 0, c]
    slopes = [value * (k - index) for index, value in enumerate(coefficients[:-1])]
    wrong = [value * (k - index + (index == 0)) for index, value in enumerate(coefficients[:-1])]
    body = v.poly(coefficients)
    operator = v.pick("\\frac{d}{dx}", "\\frac{\\mathrm{d}}{\\mathrm{d}x}", "\\frac{d}{dx}")
    at = a * k * x0 ** (k - 1) + 2 * b * x0
    terms = f"{v.times(a * k, f'{x0}^{k - 1}')} + {v.times(2 * b, x0)}"
    return Problem(
        v.pick("Differentiating a polynomial", "The power rule", "Slope of a curve"),
        v.pick(
            f"Differentiate {v.m(body)} and find the slope at {v.m(f'x = {x0}')}.",
            f"What is the rate of change of {v.m(body)} at {v.m(f'x = {x0}')}?",
        ),
        [
            v.pick(
                "Term by term, each exponent comes down as a factor.",
                "The power rule handles each term; the constant disappears.",
            )
            + f" {v.dc(f'{operator}({body})', v.poly(slopes), v.poly(wrong))}",
            v.pick("At the point in question", "Inserting the value", "The slope there") + f" {v.c(terms, at)}.",
        ],
    )


def product_rule(v: Voice) -> Problem:
    a, b = v.n(1, 9), v.n(2, 7)
    function, slope = v.rng.choice([("\\sin x", "\\cos x"), ("e^x", "e^x"), ("\\cos x", "-\\sin x")])
    sign = "-" if slope.startswith("-") else "+"
    body = f"(x^2 + {a}){function}" if function != "e^x" else f"(x^2 + {a})e^x"
    result = f"2x{function} {sign} (x^2 + {a}){slope.lstrip('-')}"
    wrong = f"2x{slope.lstrip('-')}"
    return Problem(
        v.pick("The product rule", "Differentiating a product", "Two factors, two terms"),
        v.pick(f"Find the derivative of {v.m(body)}.", f"Use the product rule on {v.m(body)}."),
        [
            v.pick(
                "Each factor is differentiated once while the other is kept.", "One factor at a time is differentiated."
            )
            + f" {v.dc(_derive(body), result, wrong)}",
            v.pick(
                f"As a sanity check at the origin: the value of the first factor there is {v.c(f'0^2 + {a}', a)}.",
                f"Scaling by {b} changes nothing in the method: {v.dc(_derive(f'{b}x^2'), f'{2 * b}x', f'{b}x')}",
            ),
        ],
    )


def _derive(body: str) -> str:
    return f"\\frac{{d}}{{dx}}\\left[{body}\\right]"


def chain_rule(v: Voice) -> Problem:
    a, b, k = v.n(2, 9), v.n(1, 9), v.n(3, 7)
    inner = v.poly([a, b])
    body, result, wrong = f"({inner})^{k}", f"{a * k}({inner})^{k - 1}", f"{k}({inner})^{k - 1}"
    return Problem(
        v.pick("The chain rule", "Inner derivative", "Don't forget the inner function"),
        v.pick(f"Differentiate {v.m(body)}.", f"What is the derivative of {v.m(body)}, and what do people forget?"),
        [
            v.pick("Outer derivative times inner derivative:", "Derive the power and then the bracket:")
            + f" {v.dc(_derive(body), result, wrong)}",
            f"The factor {v.c(v.times(a, k), a * k)} combines the exponent with the slope of {v.m(inner)}.",
        ],
    )


def tangent_line(v: Voice) -> Problem:
    a, b, x0 = v.n(1, 4), v.n(-6, 6), v.n(1, 5)
    value, slope = a * x0 * x0 + b * x0, 2 * a * x0 + b
    return Problem(
        v.pick("Equation of a tangent", "A line touching a parabola"),
        f"Find the tangent to {v.m(f'y = {v.poly([a, b, 0])}')} at {v.m(f'x = {x0}')}.",
        [
            f"The height of the curve is {v.c(f'{v.times(a, x0)}^2 + {v.times(b, x0)}', value)}, "
            f"its slope {v.c(f'{v.times(2, a, x0)} + {v.signed(b)}', slope)}.",
            v.pick("The line through that point with that slope meets the vertical axis at", "Its intercept is")
            + f" {v.c(f'{value} - {v.signed(slope)} {v.dot} {x0}', value - slope * x0)}.",
        ],
    )


def definite_integral(v: Voice) -> Problem:
    a, b, k, high = v.n(1, 9), v.n(0, 9), v.of([1, 2, 3]), v.n(1, 4)
    coefficients = [a, *[0] * (k - 1), b]
    value = Fraction(a * high ** (k + 1), k + 1) + b * high
    integral = f"\\int_0^{high} {v.pick('(', chr(92) + 'left(') if b else ''}{v.poly(coefficients)}"
    closing = ("\\right)" if "left" in integral else ")") if b else ""
    integral += f"{closing} {v.pick(chr(92) + ', dx', 'dx')}"
    antiderivative = _monomial(Fraction(a, k + 1), k + 1) + (f" + {v.poly([b, 0])}" if b else "")
    return Problem(
        v.pick("A definite integral", "Area under a curve", "The fundamental theorem in use"),
        v.pick(
            f"Compute the area under {v.m(f'y = {v.poly(coefficients)}')} from 0 to {high}.",
            f"A pump delivers {v.m(v.poly(coefficients, 't'))} litres a minute after {v.m('t')} minutes. How much flows in the first {high} minutes?",
        ),
        [
            f"An antiderivative is {v.m(antiderivative)}, which vanishes at 0. "
            + v.pick("Hence", "The fundamental theorem gives", "So the integral is")
            + f" {v.dc(integral, value)}"
        ],
    )


def antiderivative(v: Voice) -> Problem:
    a, k, b = v.n(1, 8), v.n(2, 5), v.n(1, 9)
    coefficients = [a * (k + 1), *[0] * (k - 1), b]
    body = v.poly(coefficients)
    result, wrong = (
        f"{v.poly([a, *[0] * k, 0])} + {v.poly([b, 0])} + C",
        f"{v.poly([a * (k + 1), *[0] * k, 0])} + {v.poly([b, 0])} + C",
    )
    integral = f"\\int ({body}) \\, dx"
    return Problem(
        v.pick("An indefinite integral", "Finding an antiderivative", "Reversing the power rule"),
        v.pick(f"Find all antiderivatives of {v.m(body)}.", f"Integrate {v.m(body)}."),
        [
            v.pick("Raise each exponent by one and divide by the new exponent.", "Run the power rule backwards.")
            + f" {v.dc(integral, result, wrong)}",
            f"Differentiating again restores the leading coefficient: {v.c(v.times(a, k + 1), a * (k + 1))}.",
        ],
    )


def integral_of_sine(v: Voice) -> Problem:
    a = v.n(2, 9)
    integral = f"\\int_0^{{\\pi}} {a}\\sin x \\, dx"
    half = f"\\int_0^{{\\pi/2}} {a}\\cos x \\, dx"
    return Problem(
        v.pick("One arch of the sine curve", "Integrating a sine", "Area of a wave"),
        v.pick(
            f"How large is the area of one arch of {v.m(f'{a}' + chr(92) + 'sin x')}?", f"Evaluate {v.m(integral)}."
        ),
        [
            v.pick(
                "The antiderivative of the sine is minus the cosine, so",
                "Minus cosine runs from minus one to one, therefore",
            )
            + f" {v.dc(integral, 2 * a)}",
            v.pick("For the cosine over a quarter period", "By symmetry half of it is") + f" {v.c(half, a)}.",
        ],
    )


def limit_by_cancelling(v: Voice) -> Problem:
    a, b = v.n(1, 9), v.n(1, 9)
    quotient = f"\\frac{{{v.poly([1, b - a, -a * b])}}}{{{v.poly([1, -a])}}}"
    limit = f"\\lim_{{x \\to {a}}} {quotient}"
    return Problem(
        v.pick("A limit of the form zero over zero", "Cancelling before taking the limit", "A removable gap"),
        v.pick(f"Find {v.m(limit)}.", f"What happens to {v.m(quotient)} as {v.m('x')} approaches {a}?"),
        [
            f"Putting in {a} directly gives nothing useful, since the denominator vanishes. The numerator contains the same factor, "
            + v.pick("which cancels and leaves", "so after cancelling there remains")
            + f" {v.m(v.poly([1, b]))}.",
            f"{v.pick('Thus', 'It follows that', 'So')} {v.dc(limit, a + b)}",
        ],
    )


def limit_at_infinity(v: Voice) -> Problem:
    a, b, c, d = v.n(1, 9), v.n(1, 9), v.n(2, 9), v.n(1, 9)
    limit = f"\\lim_{{n \\to \\infty}} \\frac{{{v.poly([a, b, 0], 'n')}}}{{{v.poly([c, 0, d], 'n')}}}"
    return Problem(
        v.pick("A limit at infinity", "Which term wins?", "Comparing degrees"),
        v.pick(f"Determine {v.m(limit)}.", f"Does the sequence converge? Compute {v.m(limit)}."),
        [
            v.pick(
                "Divide above and below by the highest power; everything else tends to zero.",
                "Only the leading terms matter in the long run.",
            )
            + f" {v.dc(limit, Fraction(a, c))}"
        ],
    )


def sine_limit(v: Voice) -> Problem:
    a, b = v.n(2, 9), v.n(2, 9)
    limit = f"\\lim_{{x \\to 0}} \\frac{{\\sin {a}x}}{{{b}x}}"
    return Problem(
        v.pick("The sine limit", "Small angles", "Sine of x over x"),
        v.pick(
            f"Compute {v.m(limit)}.",
            f"For small angles the sine is nearly the angle. What does that say about {v.m(limit)}?",
        ),
        [
            v.pick(
                "Rescale so that the argument of the sine stands below it.",
                "Near zero the sine may be replaced by its argument.",
            )
            + f" {v.dc(limit, Fraction(a, b))}"
        ],
    )


def area_between_curves(v: Voice) -> Problem:
    m = v.n(2, 9)
    value = Fraction(m**3, 6)
    integral = f"\\int_0^{{{m}}} ({m}x - x^2) \\, dx"
    return Problem(
        v.pick("Area between a line and a parabola", "The region between two graphs"),
        f"Which area do {v.m(f'y = {m}x')} and {v.m('y = x^2')} enclose?",
        [
            f"The graphs meet at 0 and at {m}; in between the line is above. "
            + v.pick("Integrate the difference:", "The area is")
            + f" {v.dc(integral, value)}",
            v.pick("In general the answer is a sixth of the cube", "The formula with the cube agrees")
            + f": {v.c(v.frac(f'{m}^3', 6), value)}.",
        ],
    )


def mean_value(v: Voice) -> Problem:
    a, b = v.n(1, 6), v.n(2, 6)
    value = Fraction(a * b * b, 3)
    integral = f"{v.fraction}{{1}}{{{b}}} \\int_0^{b} {a if a > 1 else ''}x^2 \\, dx"
    return Problem(
        v.pick("Average value of a function", "Mean height of a parabola"),
        f"What is the average value of {v.m(f'{a if a > 1 else str()}x^2')} on the interval from 0 to {b}?",
        [
            v.pick(
                "The average is the integral divided by the length of the interval.",
                "Integrate, then divide by the width.",
            )
            + f" {v.dc(integral, value)}"
        ],
    )


def arithmetic_series(v: Voice) -> Problem:
    a, d, n = v.n(1, 12), v.n(2, 9), v.n(8, 40)
    last = a + (n - 1) * d
    total = n * (a + last) // 2
    term = v.poly([d, a - d], "k")
    series = f"\\sum_{{k=1}}^{{{n}}} ({term})"
    return Problem(
        v.pick("An arithmetic series", "Pairing first and last", "Rows of seats"),
        v.pick(
            f"A theatre has {n} rows; the first has {a} seats and each further row {d} more. How many seats are there?",
            f"Sum the first {n} terms of the arithmetic sequence that starts at {a} and grows by {d}.",
        ),
        [
            f"The last term is {v.c(f'{a} + {v.times(n - 1, d)}', last)}. "
            + v.pick("Pair the ends:", "Half the number of terms times first plus last:")
            + f" {v.c(v.frac(v.times(n, f'({a} + {last})'), 2), total)}.",
            v.pick("In sigma notation", "Written as a sum") + f" {v.dc(series, total)}",
        ],
    )


def geometric_series(v: Voice) -> Problem:
    a, r, n = v.n(1, 6), v.of([2, 3, 4, 5]), v.n(4, 8)
    total = a * (r**n - 1) // (r - 1)
    term = f"{a} {v.dot} {r}^k" if a > 1 else f"{r}^k"
    series = f"\\sum_{{k=0}}^{{{n - 1}}} {term}"
    closed = f"{v.fraction}{{{a} {v.dot} ({r}^{n} - 1)}}{{{r} - 1}}"
    return Problem(
        v.pick("A geometric series", "Doubling and its relatives", "Sum of powers"),
        v.pick(
            f"Find the sum of the first {n} terms of a geometric sequence with first term {a} and ratio {r}.",
            f"A rumour starts with {a} people; each round everybody who has just heard it tells {r} others. How many know it after {n} rounds?",
        ),
        [
            v.pick("The closed formula gives", "With the formula for the geometric sum") + f" {v.dc(closed, total)}",
            v.pick("Adding directly confirms it", "As a sum") + f": {v.c(series, total)}.",
        ],
    )


def infinite_geometric_series(v: Voice) -> Problem:
    q = v.n(2, 9)
    p = v.n(1, q - 1)
    value = 1 / (1 - Fraction(p, q))
    ratio = f"\\frac{{{p}}}{{{q}}}"
    series = f"\\sum_{{n=0}}^{{\\infty}} \\left({ratio}\\right)^n"
    return Problem(
        v.pick("An infinite geometric series", "Infinitely many terms, finite sum", "The bouncing ball"),
        v.pick(
            f"A ball reaches {v.m(ratio)} of its last height after each bounce. Add up all heights, the first being 1.",
            f"Find the sum of the infinite series with ratio {v.m(ratio)} and first term 1.",
        ),
        [
            "The ratio is smaller than one, so the series converges: " + v.dc(series, value),
            v.pick("The formula says the same", "Compare with the closed form")
            + f": {v.c(v.frac(1, f'1 - {ratio}'), value)}.",
        ],
    )


def sum_of_squares(v: Voice) -> Problem:
    n = v.n(6, 30)
    total = n * (n + 1) * (2 * n + 1) // 6
    return Problem(
        v.pick("The sum of the first squares", "A pyramid of oranges", "Adding square numbers"),
        v.pick(
            f"How many oranges are in a square pyramid with {n} layers?",
            f"Add the squares of the integers from 1 to {n}.",
        ),
        [
            v.pick("There is a formula for it:", "The well-known formula gives")
            + f" {v.dc(v.frac(v.times(n, n + 1, 2 * n + 1), 6), total)}",
            v.pick("Direct summation agrees", "In sigma notation")
            + f": {v.c(f'{chr(92)}sum_{{k=1}}^{{{n}}} k^2', total)}.",
        ],
    )


def exponential_value(v: Voice) -> Problem:
    k, t = v.of([2, 3, 4, 5, 8]), v.n(2, 9)
    exponent = k * t / 100
    value = round(e**exponent, 4)
    power = f"e^{{{exponent:.2f}}}"
    series = f"1 + {exponent:.2f} + {v.fraction}{{{exponent:.2f}^2}}{{2}}"
    return Problem(
        v.pick("The exponential function near zero", "Continuous compounding", "A short Taylor polynomial"),
        f"Money grows continuously at {k} percent. By what factor has it grown after {t} years?",
        [
            f"The factor is {v.c(power, value, relation=APPROXIMATELY)}. "
            + v.pick(
                "The first terms of the Taylor series already come close:", "Compare the quadratic Taylor polynomial:"
            )
            + f" {v.c(series, round(1 + exponent + exponent**2 / 2, 4), relation=APPROXIMATELY)}."
        ],
    )


def volume_of_revolution(v: Voice) -> Problem:
    h = v.n(2, 9)
    integral = f"\\pi \\int_0^{h} x \\, dx"
    value = Fraction(h * h, 2)
    stated = f"{v.num(value) if value != 1 else ''}\\pi"
    decimal = round(float(value) * pi, 2)
    return Problem(
        v.pick("A solid of revolution", "Turning a parabola"),
        f"Rotate {v.m(f'y = {chr(92)}sqrt{{x}}')} between 0 and {h} about the axis. Find the volume.",
        [
            v.pick("Slices are discs with area proportional to x.", "Each slice is a disc.")
            + f" {v.dc(integral, stated, f'{h * h}{PI}')}",
            f"Numerically that is about {v.c(f'{float(value)} {v.dot} {PI}', decimal, relation=APPROXIMATELY)}.",
        ],
    )


KINDS = [
    derivative_of_polynomial, product_rule, chain_rule, tangent_line, definite_integral, antiderivative, integral_of_sine,
    limit_by_cancelling, limit_at_infinity, sine_limit, area_between_curves, mean_value, arithmetic_series, geometric_series,
    infinite_geometric_series, sum_of_squares, exponential_value, volume_of_revolution,
]  # fmt: skip
