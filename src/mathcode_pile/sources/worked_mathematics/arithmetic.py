"""Problems of arithmetic: numbers, fractions, percentages, powers and roots."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction
from math import isqrt

from mathcode_pile.sources.worked_mathematics.voice import APPROXIMATELY, Problem, Voice


def order_of_operations(v: Voice) -> Problem:
    a, b, c, d, e = v.n(12, 90), v.n(2, 12), v.n(2, 12), v.n(2, 9), v.n(3, 20)
    expression = f"{a} + {v.times(b, f'({c} + {d})')} - {e}"
    value = a + b * (c + d) - e
    inner = v.m(v.claim(f"{c} + {d}", c + d))
    then = v.m(v.claim(v.times(b, c + d), b * (c + d)))
    last = v.m(v.claim(f"{a} + {b * (c + d)} - {e}", value))
    return Problem(
        v.pick("Order of operations", "Which operation goes first?", "Brackets before everything"),
        v.pick(
            f"Evaluate {v.m(expression)}.",
            f"My calculator and I disagree about {v.m(expression)}. Who is right?",
            f"Without a calculator, what does {v.m(expression)} come to?",
        ),
        [
            v.pick(
                f"The bracket comes first: {inner}. Multiplication binds tighter than addition, so next {then}. What remains runs from left to right, {last}.",
                f"Work from the inside out. Inside the parentheses {inner}; the product is then {then}; and finally {last}.",
                f"People who get something else usually add {a} too early. Do {inner} first, multiply, {then}, and only then add and subtract: {last}.",
            )
        ],
    )


def long_multiplication(v: Voice) -> Problem:
    a, b = v.n(23, 98) * 10 + v.n(1, 9), v.n(12, 89)
    tens, units = b // 10 * 10, b % 10 or 1
    b = tens + units
    parts = [v.m(v.claim(v.times(a, tens), a * tens)), v.m(v.claim(v.times(a, units), a * units))]
    total = v.m(v.claim(v.plus([a * tens, a * units]), a * b))
    return Problem(
        v.pick("Splitting a product", "Multiplying by hand", "The distributive law at work"),
        v.pick(
            f"Compute {v.m(v.times(a, b))} on paper.",
            f"How do you multiply {a} by {b} in your head?",
            f"A crate holds {a} screws. How many screws are in {b} crates?",
        ),
        [
            v.pick(
                f"Split {b} into {tens} and {units}. The two partial products are {parts[0]} and {parts[1]}.",
                f"Because {b} is {tens} plus {units}, we may multiply twice: {parts[0]}, and {parts[1]}.",
            ),
            v.pick(
                f"Adding them gives {total}.", f"Their sum is the product: {total}.", f"Together that makes {total}."
            ),
        ],
    )


def division_with_remainder(v: Voice) -> Problem:
    d, q = v.n(7, 48), v.n(11, 95)
    r = v.n(1, d - 1)
    a = d * q + r
    check = v.claim(f"{v.times(d, q)} + {r}", a)
    return Problem(
        v.pick("Quotient and remainder", "Dividing with a remainder", "How many full boxes?"),
        v.pick(
            f"Divide {a} by {d} with remainder.",
            f"{v.name()} packs {a} eggs into trays of {d}. How many trays are full, and how many eggs are left over?",
            f"Write {a} as a multiple of {d} plus something smaller than {d}.",
        ),
        [
            v.pick(
                f"The largest multiple of {d} not above {a} is {v.m(v.claim(v.times(d, q), d * q))}, which leaves {v.m(v.claim(f'{a} - {d * q}', r))}.",
                f"Trying multiples, {v.m(v.claim(v.times(d, q), d * q))} still fits and the next one does not. The rest is {v.m(v.claim(f'{a} - {d * q}', r))}.",
            ),
            v.pick(
                f"As a check, {v.m(check)}.",
                f"Multiplying back confirms it: {v.m(check)}.",
                f"Indeed {v.m(check)}, as it should be.",
            ),
        ],
    )


def sum_of_fractions(v: Voice) -> Problem:
    a, b, c, d = v.n(1, 9), v.n(3, 15), v.n(1, 9), v.n(4, 16)
    sign = v.of([1, 1, -1])
    value = Fraction(a, b) + sign * Fraction(c, d)
    operator = "+" if sign > 0 else "-"
    common = b * d
    wide = f"{v.frac(a * d, common)} {operator} {v.frac(c * b, common)}"
    whole = f"{v.frac(a, b)} {operator} {v.frac(c, d)}"
    shown = f"{whole} = {v.claim(wide, value)}"
    return Problem(
        v.pick("Adding unlike fractions", "A common denominator", "Fractions, step by step"),
        v.pick(
            f"Work out {v.m(whole)} and reduce.",
            f"Why is {v.m(whole)} not simply top with top and bottom with bottom?",
            f"Combine {v.m(v.frac(a, b))} and {v.m(v.frac(c, d))} into a single fraction: compute {v.m(whole)}.",
        ),
        [
            v.pick(
                f"Both denominators divide {v.m(v.claim(v.times(b, d), common))}, so we rewrite both fractions over {common}.",
                f"A common denominator is {v.m(v.claim(v.times(b, d), common))}; smaller ones may exist but any will do.",
            ),
            v.pick(f"Then {v.d(shown)}", f"This gives\n{v.d(shown)}", f"Expanding and collecting, {v.d(shown)}"),
        ],
    )


def product_of_fractions(v: Voice) -> Problem:
    a, b, c, d = v.n(2, 14), v.n(3, 15), v.n(2, 14), v.n(3, 15)
    divides = v.n(0, 1)
    value = Fraction(a, b) / Fraction(c, d) if divides else Fraction(a, b) * Fraction(c, d)
    operator = "\\div" if divides else v.dot
    whole = f"{v.frac(a, b)} {operator} {v.frac(c, d)}"
    middle = f"{v.frac(a, b)} {v.dot} {v.frac(d, c)}" if divides else f"{v.frac(v.times(a, c), v.times(b, d))}"
    return Problem(
        v.pick("Dividing by a fraction", "Upside down and multiply")
        if divides
        else v.pick("Multiplying fractions", "Cancel first"),
        v.pick(
            f"Simplify {v.m(whole)}.",
            f"What is {v.m(whole)} in lowest terms?",
            f"Find the value of {v.m(whole)} without decimals.",
        ),
        [
            v.pick(
                "To divide by a fraction is to multiply by its reciprocal."
                if divides
                else "Multiply the numerators and the denominators.",
                "The rule for dividing turns the second fraction over."
                if divides
                else "Products are the easy case: no common denominator is wanted.",
            )
            + " "
            + v.pick("Hence", "So", "We get")
            + f" {v.dc(f'{whole} = {middle}', value)}"
        ],
    )


def percent_of_amount(v: Voice) -> Problem:
    p, base = v.of([5, 8, 12, 15, 18, 22, 25, 30, 35, 45, 60, 75]), v.n(2, 60) * 20
    value = Fraction(p * base, 100)
    who = v.name()
    return Problem(
        v.pick("Percent of a number", "What a percentage means", "A share of the whole"),
        v.pick(
            f"What is {p} percent of {base}?",
            f"{who} has read {p} percent of a book with {base} pages. How many pages is that?",
            f"Of {base} visitors, {p} percent came by bicycle. How many cyclists were there?",
        ),
        [
            v.pick(
                f"Percent means per hundred, so we need {v.c(v.times(Fraction(p, 100), base), value)}.",
                f"One percent of {base} is {v.m(v.claim(v.frac(base, 100), Fraction(base, 100)))}. Taking {p} of those, {v.m(v.claim(v.frac(v.times(p, base), 100), value))}.",
                f"Multiply and divide by one hundred: {v.d(v.claim(v.frac(v.times(p, base), 100), value))}",
            )
        ],
    )


def percent_change(v: Voice) -> Problem:
    old = v.n(4, 50) * 10
    p = v.of([5, 10, 15, 20, 25, 30, 40])
    up = v.n(0, 1)
    change = Fraction(old * p, 100)
    new = old + change if up else old - change
    word, sign = ("rises", "+") if up else ("falls", "-")
    share = v.frac(p, 100)
    factor = v.times(old, f"(1 {sign} {share})")
    return Problem(
        v.pick("Percentage change", "Up and down by the same percent", "Growth factors"),
        v.pick(
            f"A rent of {old} euros {word} by {p} percent. What is the new rent?",
            f"The price of a ticket was {old} and {word} by {p} percent. Find the new price, and the change as a share of it.",
            f"A town of {old} thousand people {'grows' if up else 'shrinks'} by {p} percent in a decade. "
            "How many thousand live there afterwards?",
        ),
        [
            f"The change is {v.c(f'{share} {v.dot} {old}', change)}, so the new amount is "
            f"{v.c(v.plus([old, change if up else -change]), new)}.",
            v.pick(
                f"In one step one multiplies by a growth factor: {v.c(factor, new)}.",
                f"Seen from the new amount the same change is the share {v.c(f'{v.num(change)} / ({v.num(new)})', change / new)}, "
                f"which is not {p} percent. The two percentages refer to different wholes.",
            ),
        ],
    )


def decimal_shopping(v: Voice) -> Problem:
    prices = [round(v.n(20, 990) / 100, 2) for _ in range(v.n(2, 4))]
    counts = [v.n(2, 9) for _ in prices]
    totals = [round(p * c, 2) for p, c in zip(prices, counts, strict=True)]
    total = round(sum(totals), 2)
    paid = (int(total) // 10 + 1) * 10
    goods = v.rng.sample(
        ["notebooks", "pears", "pencils", "candles", "rolls", "postcards", "lemons", "batteries"], len(prices)
    )
    listing = ", ".join(f"{c} {g} at {p:.2f}" for c, g, p in zip(counts, goods, prices, strict=True))
    lines = [v.m(v.claim(v.times(c, f"{p:.2f}"), t)) for c, p, t in zip(counts, prices, totals, strict=True)]
    summed = v.claim(" + ".join(f"{t:.2f}" for t in totals), total)
    return Problem(
        v.pick("Adding up a receipt", "Decimals at the checkout", "How much change?"),
        v.pick(
            f"{v.name()} buys {listing}. What is the total, and what is the change from {paid}?",
            f"Check this receipt: {listing}; paid with {paid}.",
        ),
        [
            v.pick("Line by line: ", "The single items come to ", "First each line for itself: ")
            + "; ".join(lines)
            + ".",
            f"Altogether {v.m(summed)}, and the change is {v.m(v.claim(f'{paid} - {total}', round(paid - total, 2)))}.",
        ],
    )


def powers(v: Voice) -> Problem:
    b, m, k = v.of([2, 3, 5, 7]), v.n(3, 6), v.n(2, 4)
    quotient = f"{v.fraction}{{{b}^{{{m + k}}}}}{{{b}^{{{m}}}}}"
    reduced = f"{quotient} = {b}^{{{m + k} - {m}}} = {v.claim(f'{b}^{k}', b**k)}"
    low, high, inverse = f"{b}^{m}", f"{b}^{{{m + k}}}", f"{b}^{{-{k}}}"
    return Problem(
        v.pick("Laws of exponents", "Same base, different exponents", "Subtracting exponents"),
        v.pick(
            f"Simplify {v.m(quotient)} and give its value.",
            f"Use the laws of exponents to evaluate {v.m(quotient)}.",
            f"How large is {v.m(quotient)}?",
        ),
        [
            v.pick(
                "Numerator and denominator share their base, so exponents are subtracted:",
                "Cancel the common factors; what is left is a smaller power:",
            )
            + f" {v.d(reduced)}",
            v.pick(
                f"For comparison, {v.c(low, b**m)} already, and {v.c(high, b ** (m + k))}.",
                f"A negative exponent works the same way: {v.c(inverse, Fraction(1, b**k))}.",
            ),
        ],
    )


def simplify_root(v: Voice) -> Problem:
    a, s = v.n(2, 9), v.of([2, 3, 5, 6, 7, 10, 11, 13])
    b = v.n(2, 6)
    n, k = a * a * s, b * b * s
    first, second = v.root(n), v.root(k)
    short, wrong, other = f"{a}\\sqrt{{{s}}}", f"{a + 1}\\sqrt{{{s}}}", f"{b}\\sqrt{{{s}}}"
    both = f"{first} + {second}"
    total = v.claim(f"{both} = {short} + {other}", f"{a + b}\\sqrt{{{s}}}", f"\\sqrt{{{n + k}}}")
    return Problem(
        v.pick("Simplifying square roots", "Pulling squares out of a radical", "Like radicals"),
        v.pick(
            f"Simplify {v.m(both)}.",
            f"Write {v.m(both)} as a single radical.",
            f"Can {v.m(first)} and {v.m(second)} be added?",
        ),
        [
            v.pick(
                f"Look for the largest square dividing each radicand: {v.c(v.times(a * a, s), n)}, hence {v.c(first, short, wrong)}.",
                f"We have {v.c(first, short, wrong)} because {v.c(f'{a}^2 {v.dot} {s}', n)}.",
            ),
            f"In the same way {v.c(second, other)}, and so {v.d(total)}",
        ],
    )


def root_to_decimal(v: Voice) -> Problem:
    n = v.n(11, 240)
    while isqrt(n) ** 2 == n:
        n += 1
    low, value, radical = isqrt(n), round(n**0.5, 3), v.root(n)
    return Problem(
        v.pick("Estimating a square root", "Between two squares", "A root on the number line"),
        v.pick(
            f"Between which integers does {v.m(radical)} lie?", f"Estimate {v.m(radical)} by hand to three decimals."
        ),
        [
            v.pick("Compare with squares:", "The neighbouring squares are easy:")
            + f" {v.c(f'{low}^2', low * low)} is too small and {v.c(f'{low + 1}^2', (low + 1) ** 2)} too large.",
            v.pick(
                "Newton's rule or a calculator narrows it down to",
                "Refining the guess a few times one finds",
                "To three decimals",
            )
            + f" {v.c(radical, value, relation=APPROXIMATELY)}.",
        ],
    )


def rational_exponents(v: Voice) -> Problem:
    b, q, p = v.of([2, 3, 5, 10]), v.of([2, 3]), v.of([1, 4, 5])
    base = b**q
    power = f"{base}^{{{p}/{q}}}"
    whole = f"{power} = {v.claim(f'{b}^{p}', b**p)}"
    return Problem(
        v.pick("Fractional exponents", "Roots written as powers", "What does a fraction in the exponent mean?"),
        v.pick(f"Evaluate {v.m(power)}.", f"What number is {v.m(power)}?"),
        [
            v.pick(
                "The denominator of the exponent asks for a root, the numerator for a power.",
                f"First the root of order {q}, then the power {p}: the numbers stay small.",
            )
            + f" Since {v.c(f'{b}^{q}', base)}, {v.d(whole)}"
        ],
    )


def average(v: Voice) -> Problem:
    count = v.n(4, 7)
    values = [v.n(40, 99) for _ in range(count)]
    total = sum(values)
    mean = Fraction(total, count)
    who = v.name()
    fraction = v.frac(v.plus(values), count)
    needed = (total // count + 3) * (count + 1) - total
    return Problem(
        v.pick("An average", "The mean of a few marks", "What must the next test be?"),
        v.pick(
            f"{who} scored {', '.join(map(str, values))} in {count} tests. What is the mean?",
            f"Find the arithmetic mean of {', '.join(map(str, values))}.",
        ),
        [
            f"{v.pick('Add and divide', 'The mean is the sum over the count')}: {v.d(v.claim(f'{fraction} = {v.frac(total, count)}', mean))}",
            v.pick(
                f"To lift the mean to {total // count + 3} with one more test, {who} needs {v.m(v.claim(f'{v.times(total // count + 3, count + 1)} - {total}', needed))} points.",
                f"Check: the deviations from the mean cancel, since {v.m(v.claim(f'{v.plus(values)} - {total}', 0))}.",
            ),
        ],
    )


def scientific_notation(v: Voice) -> Problem:
    a, b, m, k = v.n(2, 9), v.n(2, 9), v.n(2, 5), v.n(1, 4)
    left, right = f"{a} \\times 10^{m}", f"{b} \\times 10^{k}"
    powers_of_ten = f"10^{m} \\times 10^{k} = 10^{{{m + k}}}"
    return Problem(
        v.pick("Scientific notation", "Powers of ten", "Large numbers, small effort"),
        v.pick(
            f"Multiply {v.m(f'({left}) ({right})')}.",
            f"A factory makes {v.m(left)} pins an hour. How many in {v.m(right)} hours?",
        ),
        [
            v.pick(
                "Treat the leading numbers and the powers apart.", "Multiply the front numbers and add the exponents."
            )
            + f" {v.c(v.times(a, b), a * b)} and {v.m(powers_of_ten)}, "
            f"so {v.c(f'({left}) ({right})', a * b * 10 ** (m + k))}."
        ],
    )


KINDS = [
    order_of_operations, long_multiplication, division_with_remainder, sum_of_fractions, product_of_fractions, percent_of_amount,
    percent_change, decimal_shopping, powers, simplify_root, root_to_decimal, rational_exponents, average, scientific_notation,
]  # fmt: skip
