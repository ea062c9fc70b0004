"""Import a parent's packages and use them once, so that no snippet has to do what packages do at their first use.

sympy imports parts of itself and fills tables when it first forms a sum or solves an equation. That is 25 of the 40 ms
of a small snippet. All parents do the same here, so no result depends on which parent a snippet came from.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mathcode_pile.sandbox.imports import OnlyPackages


def warm_up(modules: Sequence[str], packages: Sequence[str]) -> None:
    """Import the modules that are installed, use them, and put random generators into a known state."""
    sys.meta_path.insert(0, OnlyPackages(packages))
    for name in modules:
        try:
            import_module(name)
        except ModuleNotFoundError:
            continue  # a snippet that needs it gets the error
    for name, use in (("numpy", _use_numpy), ("sympy", _use_sympy), ("scipy", _use_scipy)):
        if name in sys.modules:
            use(sys.modules[name])


def _use_numpy(numpy: Any) -> None:
    matrix = numpy.array([[4.0, 1.0], [2.0, 3.0]])
    str(numpy.linalg.eig(matrix))
    str(numpy.linalg.solve(matrix, matrix[0]) @ numpy.linalg.inv(matrix))
    str((numpy.linalg.det(matrix), numpy.roots([1, -5, 6]), numpy.linspace(0, 1, 5).mean()))
    numpy.random.seed(0)
    # A generator made without a seed gets one from the machine through this name.
    bits: Any = sys.modules.get("numpy.random.bit_generator")
    if bits:
        bits.randbits = lambda count: 0x5EED5EED5EED5EED5EED5EED5EED5EED % (1 << count)


def _use_sympy(sympy: Any) -> None:
    x, y = sympy.symbols("x y")
    n = sympy.symbols("n", positive=True, integer=True)
    quadratic = x**2 - 5 * x + 6
    results = [
        sympy.solve(quadratic, x),
        sympy.solve([x + y - 3, x - y - 1], [x, y]),
        sympy.solve(sympy.Eq(x**3 - 1, 0)),
        sympy.solve(sympy.sqrt(x) - 2, x),
        sympy.solveset(quadratic, x, sympy.S.Reals),
        sympy.factor(quadratic),
        sympy.expand((x + y) ** 3),
        sympy.simplify((x**2 - 1) / (x - 1) + sympy.sin(x) ** 2 + sympy.cos(x) ** 2),
        sympy.diff(sympy.sin(x) * sympy.exp(x) / x, x),
        sympy.integrate(x * sympy.exp(x) + 1 / x + x**2, x),
        sympy.integrate(sympy.sin(x), (x, 0, sympy.pi)),
        sympy.limit(sympy.sin(x) / x, x, 0),
        sympy.series(sympy.cos(x), x, 0, 4),
        sympy.summation(n**2, (n, 1, 10)),
        sympy.Matrix([[1, 2], [3, 4]]).inv().det(),
        sympy.Matrix([[2, 1], [1, 2]]).eigenvals(),
        sympy.Rational(1, 3) + sympy.Rational(1, 6),
        sympy.sqrt(8) + sympy.pi.evalf() + sympy.N(sympy.E, 30),
        sympy.factorint(360),
        sympy.gcd(12, 18) + sympy.lcm(4, 6) + sympy.binomial(10, 3) + sympy.factorial(5),
        sympy.sympify("2*x + 1").subs(x, 3),
        sympy.Poly(quadratic, x).all_coeffs(),
        sympy.log(8, 2),
        sympy.nsimplify(0.25),
    ]
    for result in results:
        str(result)
    sympy.latex(results[5])
    sympy.lambdify(x, quadratic, "math")
    # sympy has its own generator, which got a seed from the machine when it was imported.
    import_module("sympy.core.random").seed(0)


def _use_scipy(scipy: Any) -> None:
    if "scipy.optimize" in sys.modules:
        scipy.optimize.fsolve(lambda x: x**2 - 2, 1.0)
        scipy.optimize.minimize(lambda x: (x[0] - 1) ** 2, [0.0])
        scipy.optimize.brentq(lambda x: x - 1, 0, 3)
    if "scipy.integrate" in sys.modules:
        scipy.integrate.quad(lambda x: x, 0, 1)
    if "scipy.stats" in sys.modules:
        str((scipy.stats.norm.cdf(1.96), scipy.stats.binom.pmf(3, 10, 0.5), scipy.stats.norm.ppf(0.9)))
