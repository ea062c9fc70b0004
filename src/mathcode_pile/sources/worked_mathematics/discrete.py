"""Problems of number theory, counting and probability."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction
from math import comb, factorial, gcd, lcm

from mathcode_pile.sources.worked_mathematics.voice import Problem, Voice


def greatest_common_divisor(v: Voice) -> Problem:
    g, p, q = v.n(3, 18), v.n(2, 12), v.n(13, 25)
    a, b = g * q, g * p
    g = gcd(a, b)
    steps, x, y = [], a, b
    while y:
        steps.append(v.c(f"{v.times(x // y, y)} + {x % y}", x))
        x, y = y, x % y
    return Problem(
        v.pick("The Euclidean algorithm", "Greatest common divisor", "The largest square tile"),
        v.pick(
            f"Find the greatest common divisor of {a} and {b}.",
            f"A floor of {a} by {b} centimetres is to be covered with square tiles as large as possible. What is their side?",
        ),
        [
            v.pick(
                "Divide again and again, keeping the remainder",
                "Euclid's algorithm runs as follows",
                "Each line divides by the last remainder",
            )
            + ": "
            + "; ".join(steps)
            + ".",
            f"The last divisor is the answer, {v.c(f'{chr(92)}gcd({a}, {b})', g)}.",
        ],
    )


def least_common_multiple(v: Voice) -> Problem:
    a, b = v.distinct(6, 40, 2)
    g, multiple = gcd(a, b), lcm(a, b)
    return Problem(
        v.pick("Least common multiple", "When do they meet again?", "Two blinking lights"),
        v.pick(
            f"Two lights blink every {a} and every {b} seconds and have just blinked together. When do they do so again?",
            f"Determine the least common multiple of {a} and {b}.",
        ),
        [
            f"The greatest common divisor is {v.c(f'{chr(92)}gcd({a}, {b})', g)}, and product over divisor gives the multiple: "
            f"{v.dc(v.frac(v.times(a, b), g), multiple)}",
            f"Check that both divide it: {v.c(f'{multiple} / {a}', multiple // a)} and {v.c(f'{multiple} / {b}', multiple // b)}.",
        ],
    )


def modular_power(v: Voice) -> Problem:
    b, k, n = v.of([2, 3, 4, 5, 6, 7, 8, 9, 12]), v.n(12, 240), v.of([5, 7, 10, 11, 13, 17, 19, 23, 100])
    small = v.n(2, 4)
    first = f"{b}^{small} = {b**small} \\equiv {v.state(b**small % n)} \\pmod{{{n}}}"
    whole = f"{b}^{{{k}}} \\equiv {v.state(pow(b, k, n))} \\pmod{{{n}}}"
    return Problem(
        v.pick("A large power modulo a small number", "Modular exponentiation", "Last digits and remainders"),
        v.pick(
            f"What remainder does {v.m(f'{b}^{{{k}}}')} leave when divided by {n}?",
            f"Compute {v.m(f'{b}^{{{k}}}')} modulo {n} without writing out the number.",
        ),
        [
            v.pick("Start small:", "A first step:", "The small powers show the pattern:") + f" {v.m(first)}.",
            v.pick(
                "Squaring repeatedly and reducing after each step one arrives at",
                "The pattern repeats, and counting through the cycle gives",
            )
            + f" {v.d(whole)}",
        ],
    )


def modular_inverse(v: Voice) -> Problem:
    n = v.of([7, 11, 13, 17, 19, 23, 29, 31])
    a = v.n(2, n - 2)
    inverse = pow(a, -1, n)
    claim = f"{v.times(a, inverse)} = {a * inverse} \\equiv {v.state(a * inverse % n)} \\pmod{{{n}}}"
    return Problem(
        v.pick("An inverse modulo a prime", "Dividing in modular arithmetic", "Solving a congruence"),
        v.pick(
            f"Find the inverse of {a} modulo {n}.", f"Which number times {a} leaves remainder 1 on division by {n}?"
        ),
        [
            v.pick(
                "Try the multiples, or run Euclid backwards; either way",
                "With the extended Euclidean algorithm one finds that",
            )
            + f" {inverse} works, because {v.m(claim)}.",
            f"In ordinary numbers: {v.c(f'{v.times(a, inverse)} - {v.times(n, a * inverse // n)}', 1)}.",
        ],
    )


def prime_factorization(v: Voice) -> Problem:
    primes = sorted(v.rng.sample([2, 3, 5, 7, 11, 13], 3))
    powers = [v.n(1, 3), v.n(1, 2), 1]
    n = 1
    for p, k in zip(primes, powers, strict=True):
        n *= p**k
    product = f" {v.dot} ".join(f"{p}^{k}" if k > 1 else str(p) for p, k in zip(primes, powers, strict=True))
    divisors = (powers[0] + 1) * (powers[1] + 1) * 2
    counts = f" {v.dot} ".join(f"({k} + 1)" for k in powers)
    return Problem(
        v.pick("Prime factors and divisors", "How many divisors?", "Taking a number apart"),
        v.pick(f"Factor {n} into primes and count its divisors.", f"How many positive divisors does {n} have?"),
        [
            v.pick("Dividing out small primes one after the other", "Strip off the primes in order")
            + f" we find the prime powers, and multiplying back gives {v.c(product, n)}.",
            v.pick("A divisor chooses each exponent independently:", "One more than each exponent, multiplied:")
            + f" {v.c(counts, divisors)}.",
        ],
    )


def number_base(v: Voice) -> Problem:
    b, digits = v.of([2, 3, 5, 7, 8]), ""
    while len(digits) < (6 if b == 2 else 4):
        digits += str(v.n(1 if not digits else 0, b - 1))
    value = int(digits, b)
    terms = " + ".join(f"{d} {v.dot} {b}^{len(digits) - 1 - i}" for i, d in enumerate(digits))
    return Problem(
        v.pick("Reading another number base", f"From base {b} to decimal", "Place values"),
        v.pick(f"Write {v.m(f'{digits}_{b}')} in decimal.", f"Which ordinary number is {v.m(f'{digits}_{b}')}?"),
        [
            v.pick("Each digit counts a power of the base:", "Expand by place value:") + f" {v.dc(terms, value)}",
            f"Reading the digits as one numeral, {v.c(f'{digits}_{b}', value)}.",
        ],
    )


def permutations(v: Voice) -> Problem:
    n = v.n(4, 9)
    k = v.n(2, n - 2)
    ordered = factorial(n) // factorial(n - k)
    product = v.times(*range(n, n - k, -1))
    thing = v.pick("books", "paintings", "runners", "songs", "flags")
    return Problem(
        v.pick("Counting arrangements", "Order matters", "Permutations of a few out of many"),
        v.pick(
            f"In how many orders can {k} of {n} {thing} be placed in a row?",
            f"{v.name()} has {n} {thing} and puts {k} of them in order. How many ways are there?",
        ),
        [
            v.pick("For each place one candidate fewer remains:", "Multiply the choices:")
            + f" {v.c(product, ordered)}.",
            v.pick("With factorials this reads", "The formula with factorials agrees:")
            + f" {v.dc(v.frac(f'{n}!', f'({n} - {k})!'), ordered)}",
            f"All {n} together could stand in {v.c(f'{n}!', factorial(n))} orders.",
        ],
    )


def combinations(v: Voice) -> Problem:
    n = v.n(6, 16)
    k = v.n(2, 4)
    binomial = f"\\binom{{{n}}}{{{k}}}"
    who = v.pick("players", "candidates", "colours", "toppings", "volunteers")
    return Problem(
        v.pick("Choosing without order", "A binomial coefficient", "How many committees?"),
        v.pick(
            f"How many ways are there to choose {k} of {n} {who}?",
            f"From {n} {who} we pick {k}; the order is irrelevant. Count the choices.",
        ),
        [
            v.pick("The count is a binomial coefficient:", "This is") + f" {v.dc(binomial, comb(n, k))}",
            v.pick("By hand", "To compute it, write the product above and the factorial below")
            + f": {v.c(v.frac(v.times(*range(n, n - k, -1)), f'{k}!'), comb(n, k))}.",
        ],
    )


def mixed_committee(v: Voice) -> Problem:
    a, b = v.n(4, 9), v.n(4, 9)
    i, j = v.n(2, 3), v.n(1, 3)
    total = comb(a, i) * comb(b, j)
    first, second = f"\\binom{{{a}}}{{{i}}}", f"\\binom{{{b}}}{{{j}}}"
    return Problem(
        v.pick("A committee from two groups", "The product rule for counting"),
        f"A club has {a} senior and {b} junior members. How many committees of {i} seniors and {j} juniors are there?",
        [
            f"Seniors can be chosen in {v.c(first, comb(a, i))} ways, juniors in {v.c(second, comb(b, j))} ways.",
            v.pick("The choices are independent, so they multiply:", "By the product rule")
            + f" {v.dc(f'{first} {v.dot} {second}', total)}",
        ],
    )


def binomial_theorem(v: Voice) -> Problem:
    n, k, a = v.n(4, 8), v.n(1, 3), v.n(2, 4)
    coefficient = comb(n, k) * a**k
    expression = f"\\binom{{{n}}}{{{k}}} {v.dot} {a}^{k}"
    series = f"\\sum_{{k=0}}^{{{n}}} \\binom{{{n}}}{{k}}"
    return Problem(
        v.pick("A coefficient in a binomial expansion", "Pascal's triangle", "The binomial theorem"),
        f"What is the coefficient of {v.m(f'x^{n - k}' if n - k > 1 else 'x')} in {v.m(f'(x + {a})^{n}')}?",
        [
            v.pick("One picks the constant from some of the brackets:", "The theorem gives this coefficient directly:")
            + f" {v.dc(expression, coefficient)}",
            f"By the way, the whole row of Pascal's triangle sums to {v.c(series, 2**n)}, which is {v.c(f'2^{n}', 2**n)}.",
        ],
    )


def inclusion_exclusion(v: Voice) -> Problem:
    a, b = v.n(20, 70), v.n(20, 70)
    both = v.n(5, 18)
    total = a + b - both + v.n(5, 40)
    one, two = v.rng.sample(["tea", "coffee", "chess", "tennis", "French", "Spanish", "jazz", "opera"], 2)
    return Problem(
        v.pick("Inclusion and exclusion", "Counted twice", "Two overlapping groups"),
        f"Of {total} people asked, {a} like {one}, {b} like {two}, and {both} like both. How many like neither?",
        [
            f"Adding the groups counts the overlap twice, so at least one of the two is liked by {v.c(f'{a} + {b} - {both}', a + b - both)} people.",
            v.pick("The others like neither", "That leaves")
            + f": {v.c(f'{total} - {a + b - both}', total - (a + b - both))}.",
        ],
    )


def two_dice(v: Voice) -> Problem:
    s = v.n(3, 11)
    ways = 6 - abs(s - 7)
    return Problem(
        v.pick("The sum of two dice", "Counting outcomes", "Two fair dice"),
        v.pick(
            f"What is the probability that two dice show a sum of {s}?",
            f"Two fair dice are thrown. How likely is the total {s}?",
        ),
        [
            f"There are {v.c(v.times(6, 6), 36)} equally likely outcomes, and {ways} of them give {s}. "
            f"The probability is {v.m(f'P = {v.claim(v.frac(ways, 36), Fraction(ways, 36))}')}"
            if ways not in (1, 5)
            else f"Of the {v.c(v.times(6, 6), 36)} equally likely outcomes {ways} give {s}; "
            f"the chance of any other sum is {v.c(f'1 - {v.frac(ways, 36)}', 1 - Fraction(ways, 36))}",
            v.pick("In", "Over")
            + f" {36 * (k := v.n(2, 9))} throws one expects {v.c(f'{v.frac(ways, 36)} {v.dot} {36 * k}', ways * k)} of them.",
        ],
    )


def urn(v: Voice) -> Problem:
    r, b = v.n(3, 9), v.n(3, 9)
    n = r + b
    both = Fraction(r * (r - 1), n * (n - 1))
    colour = v.pick("red", "green", "white", "yellow")
    product = f"{v.frac(r, n)} {v.dot} {v.frac(r - 1, n - 1)}"
    return Problem(
        v.pick("Drawing without replacement", "Two marbles from a bag", "A dependent draw"),
        f"A bag holds {r} {colour} and {b} blue marbles. Two are drawn without putting back. How likely are two {colour} ones?",
        [
            v.pick(
                "The second draw depends on the first:", "After the first draw one marble of that colour is missing:"
            )
            + f" {v.dc(product, both)}",
            v.pick("Counting pairs instead", "With binomial coefficients")
            + f", {v.c(f'{chr(92)}binom{{{r}}}{{2}} / {chr(92)}binom{{{n}}}{{2}}', both)}.",
        ],
    )


def binomial_probability(v: Voice) -> Problem:
    n, k = v.n(3, 6), v.n(1, 2)
    p = v.rng.choice([Fraction(1, 2), Fraction(1, 3), Fraction(1, 4), Fraction(2, 5)])
    q = 1 - p
    value = comb(n, k) * p**k * q ** (n - k)
    bracket = [f"\\left({v.num(x)}\\right)^{{{m}}}" for x, m in ((p, k), (q, n - k))]
    expression = f"\\binom{{{n}}}{{{k}}} {bracket[0]} {bracket[1]}"
    none = f"1 - \\left({v.num(q)}\\right)^{n}"
    return Problem(
        v.pick("Exactly so many hits", "Binomial probabilities", "Independent trials"),
        f"A player hits with probability {v.m(v.num(p))}. What is the probability of exactly {k} in {n} attempts?",
        [
            v.pick(
                "Choose which attempts succeed, then multiply.",
                "Each pattern has the same probability; count the patterns.",
            )
            + f" {v.dc(expression, value)}",
            f"At least one hit is likelier: {v.c(none, 1 - q**n)}.",
        ],
    )


def expected_value(v: Voice) -> Problem:
    prizes = sorted(v.distinct(2, 30, 2))
    n = v.of([10, 12, 20, 24, 50])
    many = v.n(2, 4)
    mean = Fraction(prizes[1] + prizes[0] * many, n)
    expression = f"{v.frac(1, n)} {v.dot} {prizes[1]} + {v.frac(many, n)} {v.dot} {prizes[0]}"
    fee = v.n(3, 6)
    return Problem(
        v.pick("Expected winnings", "Is the game fair?", "The mean of a lottery"),
        f"Among {n} tickets one wins {prizes[1]} and {many} win {prizes[0]} coins; the rest win nothing. What is a ticket worth on average?",
        [
            v.pick("Weight each prize by its probability:", "The expected value is") + f" {v.dc(expression, mean)}",
            f"With a price of {fee} the expected balance is {v.c(f'{v.num(mean)} - {fee}', mean - fee)}.",
        ],
    )


def bayes(v: Voice) -> Problem:
    sick, hit, alarm = v.of([1, 2, 4, 5]), v.of([80, 90, 95]), v.of([4, 5, 10])
    top, other = sick * hit, (100 - sick) * alarm
    return Problem(
        v.pick("A positive test", "Bayes by counting", "How worried should one be?"),
        f"A condition affects {sick} percent of people. A test finds it in {hit} percent of cases and raises a false alarm in {alarm} percent. "
        "How likely is the condition after a positive test?",
        [
            f"Imagine 10000 people. {v.c(f'10000 {v.dot} {v.frac(sick, 100)}', 100 * sick)} have it, of whom "
            f"{v.c(f'{100 * sick} {v.dot} {v.frac(hit, 100)}', top)} test positive. False alarms: {v.c(f'{10000 - 100 * sick} {v.dot} {v.frac(alarm, 100)}', other)}.",
            v.pick("Among all positives the share is", "The probability asked for is")
            + f" {v.dc(v.frac(top, f'{top} + {other}'), Fraction(top, top + other))}",
        ],
    )


def variance(v: Voice) -> Problem:
    m, d1, d2 = v.n(10, 40), v.n(1, 5), v.n(2, 8)
    values = [m - d1 - d2, m - d1, m, m + d1, m + d1 + d2]
    total = 2 * d1 * d1 + 2 * (d1 + d2) ** 2
    squares = " + ".join(f"({x - m})^2" if x < m else f"{x - m}^2" for x in values)
    return Problem(
        v.pick("Variance of five measurements", "Spread around the mean", "Mean and variance"),
        f"Find the mean and the population variance of {', '.join(map(str, v.rng.sample(values, 5)))}.",
        [
            f"The mean is {v.c(v.frac(v.plus(values), 5), m)}.",
            v.pick("Square the deviations and average:", "The squared deviations average to")
            + f" {v.dc(v.frac(squares, 5), Fraction(total, 5))}",
        ],
    )


def recurrence(v: Voice) -> Problem:
    a, k, c = v.n(1, 5), v.n(2, 4), v.n(1, 6)
    terms = [a]
    for _ in range(4):
        terms.append(k * terms[-1] + c)
    steps = [f"a_{i + 1} = {v.claim(f'{v.times(k, terms[i])} + {c}', terms[i + 1])}" for i in range(4)]
    return Problem(
        v.pick("A recursive sequence", "Each term from the last", "Iterating a rule"),
        f"A sequence starts with {v.m(f'a_0 = {a}')}, and each term is {k} times the one before plus {c}. Find {v.m('a_4')}.",
        [
            v.pick("Just go through the steps: ", "Apply the rule four times: ", "Term by term: ")
            + ", ".join(v.m(step) for step in steps)
            + "."
        ],
    )


KINDS = [
    greatest_common_divisor, least_common_multiple, modular_power, modular_inverse, prime_factorization, number_base, permutations,
    combinations, mixed_committee, binomial_theorem, inclusion_exclusion, two_dice, urn, binomial_probability, expected_value, bayes,
    variance, recurrence,
]  # fmt: skip
