"""Problems from daily life and science: rates, units, money, mixtures."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction

from mathcode_pile.sources.worked_mathematics.voice import APPROXIMATELY, Problem, Voice


def average_speed(v: Voice) -> Problem:
    a, b = v.of([40, 50, 60, 80, 90]), v.of([30, 45, 70, 100, 120])
    s, t = v.n(1, 4), v.n(1, 4)
    way = a * s + b * t
    return Problem(
        v.pick("Average speed", "Why you may not average speeds", "A trip in two parts"),
        f"{v.name()} drives {s} h at {a} km/h and then {t} h at {b} km/h. What is the average speed?",
        [
            f"The two parts are {v.c(v.times(a, s), a * s)} and {v.c(v.times(b, t), b * t)} kilometres, together {v.c(f'{a * s} + {b * t}', way)}.",
            v.pick("Divide by the whole time:", "All kilometres over all hours:")
            + f" {v.dc(v.frac(way, f'{s} + {t}'), Fraction(way, s + t))}",
            v.pick("The plain mean of the speeds would be", "Compare the mean of the two speeds,")
            + f" {v.c(v.frac(f'{a} + {b}', 2), Fraction(a + b, 2))}.",
        ],
    )


def meeting_trains(v: Voice) -> Problem:
    a, b = v.n(6, 12) * 10, v.n(5, 11) * 10
    t = v.n(2, 5)
    way = (a + b) * t
    return Problem(
        v.pick("Two trains meet", "Closing speed", "Head-on, at a safe distance"),
        f"Two trains start {way} km apart and run towards each other at {a} and {b} km/h. When do they meet, and where?",
        [
            f"They approach each other at {v.c(f'{a} + {b}', a + b)} kilometres an hour, so they meet after {v.c(v.frac(way, a + b), t)} hours.",
            v.pick("By then the first has gone", "The faster or slower, the first one has covered")
            + f" {v.c(v.times(a, t), a * t)} kilometres.",
        ],
    )


def unit_conversion(v: Voice) -> Problem:
    kmh = v.n(2, 40) * 9
    ms = Fraction(kmh * 1000, 3600)
    minutes = v.n(3, 50)
    return Problem(
        v.pick("Kilometres an hour into metres a second", "Converting a speed", "Units are factors"),
        f"A {v.pick('cyclist', 'car', 'falcon', 'train')} moves at {kmh} km/h. How many metres is that in a second, and how far does it get in {minutes} seconds?",
        [
            v.pick("An hour has 3600 seconds and a kilometre 1000 metres:", "Replace the units by their sizes:")
            + f" {v.dc(v.frac(v.times(kmh, 1000), 3600), ms)}",
            f"In {minutes} seconds it covers {v.c(v.times(ms, minutes), ms * minutes)} metres.",
        ],
    )


def simple_interest(v: Voice) -> Problem:
    capital, p, t = v.n(2, 60) * 100, v.n(2, 8), v.n(2, 10)
    interest = Fraction(capital * p * t, 100)
    return Problem(
        v.pick("Simple interest", "Interest on the first sum only", "Lending to a friend"),
        f"{v.name()} lends {capital} crowns at {p} percent simple interest a year. How much is owed after {t} years?",
        [
            f"Each year adds {v.c(v.frac(v.times(capital, p), 100), Fraction(capital * p, 100))}, so {t} years add {v.c(v.frac(v.times(capital, p, t), 100), interest)}.",
            v.pick("With the loan itself that makes", "The debt then stands at")
            + f" {v.c(v.plus([capital, interest]), capital + interest)}.",
        ],
    )


def compound_interest(v: Voice) -> Problem:
    capital, p, t = v.n(5, 90) * 100, v.of([2, 3, 4, 5, 6, 7]), v.n(3, 12)
    end = round(capital * (1 + p / 100) ** t, 2)
    factor = f"1.0{p}^{{{t}}}"
    return Problem(
        v.pick("Compound interest", "Interest on interest", "A savings account"),
        f"{capital} is invested at {p} percent a year, the interest being added each year. What is it worth after {t} years?",
        [
            v.pick("Each year multiplies the balance by the same factor:", "Growth factors multiply:")
            + f" {v.dc(f'{capital} {v.dot} {factor}', end, relation=APPROXIMATELY)}",
            f"Simple interest would only have brought it to {v.c(f'{capital} + {v.frac(v.times(capital, p, t), 100)}', capital + Fraction(capital * p * t, 100))}.",
        ],
    )


def discount_and_tax(v: Voice) -> Problem:
    price, off, tax = v.n(4, 60) * 10, v.of([10, 15, 20, 25, 30]), v.of([5, 8, 10, 20])
    reduced = Fraction(price * (100 - off), 100)
    end = reduced * Fraction(100 + tax, 100)
    thing = v.pick("coat", "bicycle", "lamp", "printer", "tent")
    return Problem(
        v.pick("First the discount, then the tax", "Does the order matter?", f"A {thing} on sale"),
        f"A {thing} costs {price} before tax. The shop takes off {off} percent, then {tax} percent of tax is added. What do you pay?",
        [
            f"After the discount the price is {v.c(f'{price} {v.dot} {v.frac(100 - off, 100)}', reduced)}.",
            v.pick("Tax is another factor:", "With tax")
            + f" {v.dc(f'{price} {v.dot} {v.frac(100 - off, 100)} {v.dot} {v.frac(100 + tax, 100)}', end)}",
            v.pick("As factors commute, the order is irrelevant.", "Swapping the factors changes nothing."),
        ],
    )


def mixture(v: Voice) -> Problem:
    a, b = v.of([5, 10, 15, 20]), v.of([30, 40, 50, 60])
    x, y = v.n(1, 9), v.n(1, 9)
    pure = Fraction(a * x + b * y, 100)
    stuff = v.pick("salt", "alcohol", "acid", "sugar")
    return Problem(
        v.pick("Mixing two solutions", "A weighted average", "What strength results?"),
        f"{x} litres of a {a} percent {stuff} solution are mixed with {y} litres of a {b} percent one. How strong is the mixture?",
        [
            f"Pure {stuff}: {v.dc(f'{v.frac(a, 100)} {v.dot} {x} + {v.frac(b, 100)} {v.dot} {y}', pure)}",
            v.pick("Divide by the", "Shared over the")
            + f" {v.c(f'{x} + {y}', x + y)} litres the strength in percent is "
            f"{v.c(v.frac(f'{v.times(a, x)} + {v.times(b, y)}', x + y), Fraction(a * x + b * y, x + y))}.",
        ],
    )


def work_together(v: Voice) -> Problem:
    a, b = v.distinct(2, 15, 2)
    first, second = v.rng.sample(["Amara", "Ben", "Chiara", "Dmitri", "Elena", "Jonas", "Priya", "Rosa"], 2)
    rate = Fraction(1, a) + Fraction(1, b)
    job = v.pick("paint a fence", "fill a pool", "sort the mail", "dig a ditch", "print the posters")
    return Problem(
        v.pick("Working together", "Adding rates", "Two people, one job"),
        f"{first} needs {a} hours to {job}, {second} needs {b}. How long do they take together?",
        [
            v.pick("Rates add, times do not.", "Think of the part done in one hour.")
            + f" {v.c(f'{v.frac(1, a)} + {v.frac(1, b)}', rate)} of the job is done each hour.",
            v.pick("The time is the reciprocal:", "So the whole takes")
            + f" {v.c(f'1 / ({v.frac(1, a)} + {v.frac(1, b)})', 1 / rate)} hours.",
        ],
    )


def recipe(v: Voice) -> Problem:
    people, guests = v.of([4, 6, 8]), v.of([5, 7, 9, 10, 14, 15])
    flour, milk = v.n(4, 16) * 50, v.n(2, 12) * 50
    return Problem(
        v.pick("Scaling a recipe", "Pancakes for more guests", "Proportions in the kitchen"),
        f"A recipe for {people} people takes {flour} g of flour and {milk} ml of milk. How much is needed for {guests}?",
        [
            v.pick("Go through the amount for one person.", "Everything is multiplied by the same ratio.")
            + f" Flour: {v.c(f'{v.frac(flour, people)} {v.dot} {guests}', Fraction(flour * guests, people))} grams; "
            f"milk: {v.c(f'{v.frac(milk, people)} {v.dot} {guests}', Fraction(milk * guests, people))} millilitres."
        ],
    )


def density(v: Voice) -> Problem:
    a, b, c = v.n(2, 12), v.n(2, 12), v.n(3, 20)
    rho, metal = v.rng.choice([(2.7, "aluminium"), (7.9, "iron"), (8.9, "copper"), (11.3, "lead"), (19.3, "gold")])
    volume = a * b * c
    return Problem(
        v.pick("Mass from density", "How heavy is the block?", f"A block of {metal}"),
        f"A block of {metal} measures {a} cm by {b} cm by {c} cm; each cubic centimetre weighs {rho} g. What does it weigh?",
        [
            f"Its volume is {v.c(v.times(a, b, c), volume)} cubic centimetres. "
            + v.pick("Times the density that is", "Each of them has the same mass, so in all")
            + f" {v.c(f'{volume} {v.dot} {rho}', round(volume * rho, 1))} grams."
        ],
    )


def parallel_resistors(v: Voice) -> Problem:
    a, b = v.n(2, 30) * 10, v.n(2, 30) * 10
    value = Fraction(a * b, a + b)
    volt = v.of([6, 9, 12, 24])
    return Problem(
        v.pick("Two resistors in parallel", "Ohm's law", "Conductances add"),
        f"Resistors of {a} and {b} ohms are connected in parallel to {volt} volts. What is the total resistance, and which current flows?",
        [
            v.pick("Product over sum", "For two in parallel take product over sum")
            + f": {v.dc(v.frac(v.times(a, b), f'{a} + {b}'), value)}",
            f"The currents are {v.c(v.frac(volt, a), Fraction(volt, a))} and {v.c(v.frac(volt, b), Fraction(volt, b))} amperes, "
            f"in all {v.c(f'{v.frac(volt, a)} + {v.frac(volt, b)}', Fraction(volt, a) + Fraction(volt, b))}.",
        ],
    )


def fuel(v: Voice) -> Problem:
    way, per, price = v.n(12, 90) * 10, v.n(45, 95) / 10, v.n(140, 199) / 100
    litres = round(way / 100 * per, 3)
    return Problem(
        v.pick("What the trip costs", "Fuel for a holiday", "Consumption per hundred kilometres"),
        f"A car uses {per} litres per 100 km and fuel is {price:.2f} a litre. What does a trip of {way} km cost?",
        [
            f"It needs {v.c(f'{v.frac(way, 100)} {v.dot} {per}', litres)} litres. "
            + v.pick("At that price", "Multiplied by the price that is")
            + f" {v.c(f'{litres} {v.dot} {price:.2f}', round(litres * price, 2), relation=APPROXIMATELY)}."
        ],
    )


def free_fall(v: Voice) -> Problem:
    t = v.n(2, 9)
    from_rest = f"{v.frac(1, 2)} {v.dot} 9.81 {v.dot} {t}^2"
    return Problem(
        v.pick("Free fall", "A stone in a well", "Distance and speed of a falling body"),
        f"A stone falls for {t} seconds from rest. How deep has it fallen, and how fast is it?",
        [
            v.pick("With a constant acceleration the distance is", "Neglecting the air, it has fallen")
            + f" {v.c(from_rest, round(9.81 * t * t / 2, 3))} metres.",
            f"Its speed is then {v.c(f'9.81 {v.dot} {t}', round(9.81 * t, 2))} metres a second.",
        ],
    )


def ages(v: Voice) -> Problem:
    child, k, ahead = v.n(4, 14), v.n(3, 5), v.n(2, 10)
    parent = child * k
    first, second = v.rng.sample(["Nadia", "Oskar", "Tilde", "Yusuf", "Freya", "Callum", "Wanda", "Hiro"], 2)
    return Problem(
        v.pick("A puzzle about ages", "Now and in some years", "How old are they?"),
        f"{first} is {k} times as old as {second}. Together they are {parent + child}. How old will each be in {ahead} years?",
        [
            f"The total consists of {v.c(f'{k} + 1', k + 1)} equal parts, so {second} is {v.c(v.frac(parent + child, k + 1), child)} and {first} is {v.c(v.times(k, child), parent)}.",
            v.pick("Some years later", "Adding the years")
            + f": {v.c(f'{child} + {ahead}', child + ahead)} and {v.c(f'{parent} + {ahead}', parent + ahead)}.",
        ],
    )


KINDS = [
    average_speed, meeting_trains, unit_conversion, simple_interest, compound_interest, discount_and_tax, mixture, work_together,
    recipe, density, parallel_resistors, fuel, free_fall, ages,
]  # fmt: skip
