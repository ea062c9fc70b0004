"""Problems of geometry, trigonometry, vectors and matrices."""

# ruff: noqa: E501 - sentences are kept whole

from fractions import Fraction
from math import cos, hypot, pi, radians, sin, tan

from mathcode_pile.sources.worked_mathematics.voice import APPROXIMATELY, PI, Problem, Voice

_TRIPLES = [(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41), (12, 35, 37)]


def pythagoras(v: Voice) -> Problem:
    k = v.n(1, 4)
    a, b, c = (k * side for side in v.rng.choice(_TRIPLES))
    return Problem(
        v.pick("A right triangle", "How long is the ladder?", "Pythagoras"),
        v.pick(
            f"The legs of a right triangle are {a} and {b}. How long is the hypotenuse?",
            f"A ladder stands {a} cm from a wall and touches it at a height of {b} cm. How long is it?",
        ),
        [
            f"Squares first: {v.c(f'{a}^2 + {b}^2', c * c)}. "
            + v.pick("The root of that is the side we want,", "Then take the root,")
            + f" {v.c(v.root(c * c), c)}.",
            v.pick("In one line", "Altogether") + f" {v.dc(v.root(f'{a}^2 + {b}^2'), c)}",
        ],
    )


def distance_of_points(v: Voice) -> Problem:
    x, y, s, t = v.distinct(-9, 12, 4)
    square = (s - x) ** 2 + (t - y) ** 2
    radicand = f"({s} - {v.signed(x)})^2 + ({t} - {v.signed(y)})^2"
    return Problem(
        v.pick("Distance between two points", "The distance formula", "As the crow flies"),
        f"How far apart are the points {v.m(f'({x}, {y})')} and {v.m(f'({s}, {t})')}?",
        [
            v.pick("Differences of coordinates are the legs of a right triangle:", "Square and add the differences:")
            + f" {v.c(radicand, square)}.",
            f"The distance is the root, numerically {v.c(v.root(square), round(square**0.5, 2), relation=APPROXIMATELY)}.",
        ],
    )


def circle(v: Voice) -> Problem:
    r = v.n(2, 25)
    area, around = f"{r * r}\\pi", f"{2 * r}\\pi"
    place = v.pick("pond", "table", "flower bed", "plaza", "trampoline")
    return Problem(
        v.pick("Area and circumference", f"A round {place}", "Circle formulas"),
        f"A round {place} has a radius of {r} metres. Find its area and the length of its edge.",
        [
            f"The area is {v.named('A', f'{PI} {v.dot} {r}^2', area, around)}, the circumference "
            f"{v.named('U', f'2 {v.dot} {r} {v.dot} {PI}', around)}.",
            v.pick("In decimals", "Rounded to two places")
            + f" {v.c(f'{r * r} {v.dot} {PI}', round(r * r * pi, 2), relation=APPROXIMATELY)} square metres.",
        ],
    )


def trapezoid(v: Voice) -> Problem:
    a, c, h = v.n(5, 30), v.n(3, 25), v.n(2, 16)
    area = Fraction((a + c) * h, 2)
    sides = v.frac(f"{a} + {c}", 2)
    return Problem(
        v.pick("Area of a trapezoid", "Parallel sides", "A sloping field"),
        f"A field has parallel sides of {a} m and {c} m which are {h} m apart. How large is it?",
        [
            v.pick("The mean of the parallel sides is", "Half the sum of the parallel sides is")
            + f" {v.c(sides, Fraction(a + c, 2))}, "
            f"so the area is {v.c(f'{sides} {v.dot} {h}', area)} square metres."
        ],
    )


def heron(v: Voice) -> Problem:
    a, b, c, area = v.rng.choice(
        [(13, 14, 15, 84), (5, 5, 6, 12), (9, 10, 17, 36), (7, 15, 20, 42), (10, 13, 13, 60), (11, 13, 20, 66)]
    )
    k = v.n(1, 3)
    a, b, c, area = a * k, b * k, c * k, area * k * k
    s = (a + b + c) // 2
    radicand = v.times(s, s - a, s - b, s - c)
    return Problem(
        v.pick("Heron's formula", "A triangle from its three sides"),
        f"The sides of a triangular garden measure {a}, {b} and {c} metres. What is its area?",
        [
            f"Half the perimeter is {v.c(v.frac(f'{a} + {b} + {c}', 2), s)}. "
            + v.pick("Heron's formula then gives", "With Heron")
            + f" {v.dc(v.root(radicand), area)}"
        ],
    )


def solids(v: Voice) -> Problem:
    r, h = v.n(2, 12), v.n(3, 20)
    cylinder = f"{r * r * h}\\pi"
    cone = Fraction(r * r * h, 3)
    stated = f"{v.num(cone)}\\pi"
    return Problem(
        v.pick("Cylinder and cone", "Three cones fill a cylinder", "Volumes of round solids"),
        f"A cylindrical tank has radius {r} and height {h}. Compare its volume with that of a cone of the same size.",
        [
            f"The cylinder holds {v.named('V', f'{PI} {v.dot} {r}^2 {v.dot} {h}', cylinder, f'{r * h}{PI}')}.",
            v.pick("The cone is a third of it:", "A third of that is the cone's volume,")
            + f" {v.dc(f'{v.frac(1, 3)} {PI} {v.dot} {r}^2 {v.dot} {h}', stated, cylinder)}",
        ],
    )


def sphere(v: Voice) -> Problem:
    r = v.n(2, 15)
    volume = Fraction(4 * r**3, 3)
    stated = f"{v.num(volume)}\\pi"
    return Problem(
        v.pick("Volume of a sphere", "A ball and its box", "How much does the ball hold?"),
        f"A ball has a radius of {r} cm. Find its volume and surface.",
        [
            v.pick("The volume is", "From the formula for the volume")
            + f" {v.dc(f'{v.frac(4, 3)} {PI} {v.dot} {r}^3', stated, f'{r**3}{PI}')}",
            f"Its surface measures {v.c(f'4 {v.dot} {PI} {v.dot} {r}^2', f'{4 * r * r}{PI}')} square centimetres; the cube around it "
            f"has a volume of {v.c(f'{2 * r}^3', 8 * r**3)}.",
        ],
    )


def polygon_angles(v: Voice) -> Problem:
    n = v.of([5, 6, 8, 9, 10, 12, 15, 18, 20])
    total = 180 * (n - 2)
    return Problem(
        v.pick("Interior angles of a polygon", "Cutting a polygon into triangles", "Regular polygons"),
        v.pick(
            f"How large is each angle of a regular polygon with {n} sides?",
            f"What do the interior angles of a {n}-sided polygon add up to?",
        ),
        [
            f"From one corner the polygon splits into {v.c(f'{n} - 2', n - 2)} triangles, so the angles add up to {v.c(f'({n} - 2) {v.dot} 180', total)} degrees.",
            v.pick("In the regular case each of them has", "Shared out evenly that is")
            + f" {v.c(v.frac(total, n), Fraction(total, n))} degrees.",
        ],
    )


def exact_sines(v: Voice) -> Problem:
    a, b = v.n(2, 12), v.n(2, 12)
    angle, sine, cosine = v.rng.choice(
        [
            (30, "\\frac{1}{2}", "\\frac{\\sqrt{3}}{2}"),
            (45, "\\frac{\\sqrt{2}}{2}", "\\frac{\\sqrt{2}}{2}"),
            (60, "\\frac{\\sqrt{3}}{2}", "\\frac{1}{2}"),
        ]
    )
    sides = f"{v.frac(1, 2)} {v.dot} {a} {v.dot} {b} {v.dot} \\sin {angle}^\\circ"
    area = round(a * b * sin(radians(angle)) / 2, 2)
    return Problem(
        v.pick(
            "Sine and cosine of a special angle", "Half of a square, half of a triangle", "Exact trigonometric values"
        ),
        f"Two sides of a triangle, {a} and {b}, enclose an angle of {angle} degrees. What is its area?",
        [
            v.pick("The exact values are", "Recall from the unit circle that")
            + f" {v.c(f'{chr(92)}sin {angle}^{chr(92)}circ', sine)} and {v.c(f'{chr(92)}cos {angle}^{chr(92)}circ', cosine)}.",
            f"Half the product of the sides times the sine gives {v.dc(sides, area, relation=APPROXIMATELY)}",
        ],
    )


def law_of_cosines(v: Voice) -> Problem:
    a, b, angle = v.n(3, 15), v.n(3, 15), v.of([40, 50, 70, 75, 80, 100, 110])
    square = round(a * a + b * b - 2 * a * b * cos(radians(angle)), 2)
    radicand = f"{a}^2 + {b}^2 - 2 {v.dot} {a} {v.dot} {b} {v.dot} \\cos {angle}^\\circ"
    return Problem(
        v.pick("The law of cosines", "A side opposite a known angle", "Across the lake"),
        f"From a point one sees both ends of a lake at distances {a} and {b} kilometres under an angle of {angle} degrees. How long is the lake?",
        [
            v.pick("The square of the length is", "With the law of cosines")
            + f" {v.dc(radicand, square, relation=APPROXIMATELY)}",
            f"Taking the root, the lake is {v.c(v.root(square), round(square**0.5, 2), relation=APPROXIMATELY)} kilometres long.",
        ],
    )


def height_by_tangent(v: Voice) -> Problem:
    d, angle = v.n(10, 90), v.of([20, 25, 32, 35, 40, 50, 55])
    height = round(d * tan(radians(angle)), 1)
    return Problem(
        v.pick("How tall is the tree?", "Height from an angle", "Tangent of an elevation"),
        f"From {d} metres away the top of a {v.pick('tree', 'tower', 'chimney', 'mast')} appears under an angle of {angle} degrees. How high is it?",
        [
            v.pick("Opposite over adjacent is the tangent, so the height is", "The tangent links distance and height:")
            + f" {v.dc(f'{d} {v.dot} {chr(92)}tan {angle}^{chr(92)}circ', height, relation=APPROXIMATELY)}"
        ],
    )


def slope_and_midpoint(v: Voice) -> Problem:
    x, s = v.distinct(-8, 10, 2)
    y, t = v.distinct(-8, 12, 2)
    return Problem(
        v.pick("Slope and midpoint", "A segment in the plane", "The line through two points"),
        f"Find the slope and the midpoint of the segment from {v.m(f'({x}, {y})')} to {v.m(f'({s}, {t})')}.",
        [
            f"The slope is {v.named('m', v.frac(f'{t} - {v.signed(y)}', f'{s} - {v.signed(x)}'), Fraction(t - y, s - x))}.",
            v.pick("The midpoint averages the coordinates:", "Its middle has the coordinates")
            + f" {v.c(v.frac(f'{x} + {v.signed(s)}', 2), Fraction(x + s, 2))} and {v.c(v.frac(f'{y} + {v.signed(t)}', 2), Fraction(y + t, 2))}.",
        ],
    )


def dot_product(v: Voice) -> Problem:
    a, b = [v.n(-6, 8) for _ in range(3)], [v.n(-6, 8) for _ in range(3)]
    a[0], b[1] = a[0] or 2, b[1] or 3
    terms = " + ".join(f"{v.signed(x)} {v.dot} {v.signed(y)}" for x, y in zip(a, b, strict=True))
    squares = sum(x * x for x in a)
    norm = " + ".join(f"{v.signed(x)}^2" for x in a)
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return Problem(
        v.pick("A scalar product", "Length and angle of vectors", "Are they perpendicular?"),
        f"Given the vectors {v.m('u = (' + ', '.join(map(str, a)) + ')')} and {v.m('w = (' + ', '.join(map(str, b)) + ')')}, find their scalar product and the length of the first.",
        [
            v.pick("Multiply matching entries and add:", "Entry by entry") + f" {v.dc(terms, product)}",
            f"For the length we need {v.c(norm, squares)}, whose root is {v.c(v.root(squares), round(hypot(*a), 3), relation=APPROXIMATELY)}.",
        ],
    )


def _matrix(rows: list[list[int]], kind: str = "pmatrix") -> str:
    return f"\\begin{{{kind}}} " + " \\\\ ".join(" & ".join(map(str, row)) for row in rows) + f" \\end{{{kind}}}"


def matrix_product(v: Voice) -> Problem:
    a = [[v.n(-4, 6) for _ in range(2)] for _ in range(2)]
    b = [[v.n(-4, 6) for _ in range(2)] for _ in range(2)]
    c = [[sum(a[i][k] * b[k][j] for k in range(2)) for j in range(2)] for i in range(2)]
    wrong = [[c[0][0], c[0][1] + 1], c[1]]
    kind = v.pick("pmatrix", "bmatrix")
    entry = f"{v.times(a[0][0], b[0][0])} + {v.times(a[0][1], b[1][0])}"
    return Problem(
        v.pick("Multiplying two matrices", "Rows times columns", "A matrix product"),
        v.pick(
            "Multiply the two matrices below.",
            "Form the product of the following matrices.",
            "What is the product, and does the order matter?",
        ),
        [
            f"Each entry is a row times a column; the one at the top left is {v.c(entry, c[0][0])}.",
            v.pick("The whole product is", "Doing the same for all four places")
            + f" {v.dc(f'{_matrix(a, kind)} {_matrix(b, kind)}', _matrix(c, kind), _matrix(wrong, kind))}",
        ],
    )


def determinant(v: Voice) -> Problem:
    a = [[v.n(-5, 7) for _ in range(3)] for _ in range(3)]
    minors = [
        a[1][1] * a[2][2] - a[1][2] * a[2][1],
        a[1][0] * a[2][2] - a[1][2] * a[2][0],
        a[1][0] * a[2][1] - a[1][1] * a[2][0],
    ]
    value = a[0][0] * minors[0] - a[0][1] * minors[1] + a[0][2] * minors[2]
    first = f"{v.times(a[1][1], a[2][2])} - {v.signed(a[1][2])} {v.dot} {v.signed(a[2][1])}"
    shown = _matrix(a, "vmatrix") if v.n(0, 1) else f"\\det {_matrix(a)}"
    return Problem(
        v.pick("A determinant of order three", "Expanding along a row", "Is the matrix invertible?"),
        v.pick(
            "Compute the determinant of the three-by-three matrix below.",
            "Decide whether the matrix below can be inverted.",
        ),
        [
            f"Expand along the first row. The first minor is {v.c(first, minors[0])}, the others are found the same way.",
            v.pick("Altogether", "The expansion gives") + f" {v.dc(shown, value)}",
        ],
    )


def small_determinant(v: Voice) -> Problem:
    a, b, c, d = (v.n(-7, 9) for _ in range(4))
    area = abs(a * d - b * c)
    return Problem(
        v.pick("Area of a parallelogram", "Determinant as area"),
        f"Which area is spanned by the vectors {v.m(f'({a}, {b})')} and {v.m(f'({c}, {d})')}?",
        [
            v.pick("Up to sign it is the determinant", "Take the absolute value of the determinant")
            + f": {v.dc(_matrix([[a, b], [c, d]], 'vmatrix'), a * d - b * c)}",
            f"Hence the area is {v.named('A', f'|{a * d - b * c}|', area)}."
            if a * d < b * c
            else f"As it is not negative, the area is {area}.",
        ],
    )


KINDS = [
    pythagoras, distance_of_points, circle, trapezoid, heron, solids, sphere, polygon_angles, exact_sines, law_of_cosines,
    height_by_tangent, slope_and_midpoint, dot_product, matrix_product, determinant, small_determinant,
]  # fmt: skip
