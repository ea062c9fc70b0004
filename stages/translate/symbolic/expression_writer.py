"""Write an expression tree as one Python expression, and collect what it must import."""

import re
from dataclasses import dataclass

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import Node, UnreadableError, free_symbols, integer, is_integer

# Beside these, ** is written without spaces.
_SIMPLE = re.compile(r"-?[\w.]+")
ADD, MUL, NEG, POW, ATOM = 1, 2, 3, 4, 5
_COUNTING = {"fact": "factorial", "binom": "comb"}
_SYMPY_COUNTING = {"fact": "factorial", "binom": "binomial", "ceil": "ceiling", "abs": "Abs"}
PYTHON_WORDS = {"lambda": "lam", "in": "in_", "is": "is_", "as": "as_", "if": "if_", "or": "or_"}


@dataclass
class Variable:
    """What a `ref` of a tree stands for: a name of the program, or a value that stays a number if it has none."""

    name: str
    value: Node
    is_integer: bool = False
    is_fraction: bool = False


class Writer:
    """Turns a tree into one Python expression and remembers what must be imported."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.imports: dict[str, set[str]] = {}
        self.variables: dict[str, Variable] = {}

    def define(self, key: str, name: str, node: Node, value: Node) -> None:
        """Remember what a `ref` with this key stands for: the name of a tree that is written already, and its value."""
        self.variables[key] = Variable(name, value, self.is_plain_integer(node), self.is_exact_fraction(node))

    def need(self, module: str, name: str) -> str:
        """Return a name and remember its import."""
        self.imports.setdefault(module, set()).add(name)
        return name

    def write(self, node: Node, level: int = 0) -> str:
        """Return the Python of a node, in parentheses if it binds more loosely than `level`."""
        text, binding = self.write_bound(node)
        return f"({text})" if binding < level else text

    def write_bound(self, node: Node) -> tuple[str, int]:
        """Return the Python of a node, and how closely it binds."""
        method = getattr(self, f"write_{node.op}", None)
        return method(node) if method else self.write_function(node)

    def is_plain_integer(self, node: Node) -> bool:
        """Whether the written code yields a Python int, for which `/` would give a float."""
        if node.op in ("num", "based"):
            return node.op == "based" or node.value.isdigit()
        if node.op == "ref":
            return self.variables[node.value].is_integer
        if node.op == "pow":
            exponent = self.whole(node.args[1])
            return self.is_plain_integer(node.args[0]) and exponent is not None and exponent >= 0
        if node.op in ("add", "mul", "neg"):
            return all(map(self.is_plain_integer, node.args))
        if node.op in ("fact", "binom", "gcd", "lcm"):
            return self.kind != "sympy"
        if node.op in ("floor", "ceil"):
            return True
        return (
            node.op in ("sum", "prod", "abs", "mod") and self.kind == "fraction" and self.is_plain_integer(node.args[0])
        )

    def whole(self, node: Node) -> int | None:
        """Return the value of a whole number, also of one under a name; None for anything else."""
        if node.op == "ref":
            node = self.variables[node.value].value
        return integer(node) if is_integer(node) else None

    def write_num(self, node: Node) -> tuple[str, int]:
        if self.kind == "float" or node.value.isdigit():
            return node.value, ATOM
        # The decimal as the page writes it, without the error of a float.
        return f'{self.need_ratio()}("{node.value}")', ATOM

    def write_ref(self, node: Node) -> tuple[str, int]:
        variable = self.variables[node.value]
        return (variable.name, ATOM) if variable.name else self.write_bound(variable.value)

    def write_based(self, node: Node) -> tuple[str, int]:
        return f'int("{node.args[0].value}", {node.args[1].value})', ATOM

    def write_sym(self, node: Node) -> tuple[str, int]:
        return PYTHON_WORDS.get(node.value, node.value), ATOM

    def write_add(self, node: Node) -> tuple[str, int]:
        text = self.write(node.args[0], ADD)
        for item in node.args[1:]:
            if item.op == "neg":
                amount = self.write(item.args[0], MUL)
                text += f" - ({amount})" if amount.startswith("-") else f" - {amount}"
                continue
            amount = self.write(item, MUL)
            text += f" - {amount[1:]}" if amount.startswith("-") else f" + {amount}"
        return text, ADD

    def write_neg(self, node: Node) -> tuple[str, int]:
        return f"-{self.write(node.args[0], NEG)}", NEG if node.args[0].op not in ("mul", "div") else MUL

    def write_mul(self, node: Node) -> tuple[str, int]:
        first, *others = node.args
        return " * ".join([self.write(first, MUL), *(self.write(item, NEG) for item in others)]), MUL

    def write_div(self, node: Node) -> tuple[str, int]:
        top, bottom = node.args
        if self.kind == "integer":
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        if self.kind != "float" and self.is_plain_integer(top) and self.is_plain_integer(bottom):
            return f"{self.need_ratio()}({self.write(top)}, {self.write(bottom)})", ATOM
        if self.kind == "fraction" and not self.is_exact_fraction(top) and not self.is_exact_fraction(bottom):
            return f"{self.need('fractions', 'Fraction')}({self.write(top)}) / {self.write(bottom, NEG)}", MUL
        return f"{self.write(top, MUL)} / {self.write(bottom, NEG)}", MUL

    def need_ratio(self) -> str:
        """Return the name of the type of exact fractions."""
        return self.need(*(("fractions", "Fraction") if self.kind == "fraction" else ("sympy", "Rational")))

    def is_exact_fraction(self, node: Node) -> bool:
        """Whether the code of a node is certain to yield a Fraction."""
        if node.op == "div" or (node.op == "num" and not node.value.isdigit()):
            return True
        if node.op == "ref":
            return self.variables[node.value].is_fraction
        if node.op in ("add", "mul"):
            return any(map(self.is_exact_fraction, node.args))
        return node.op in ("neg", "pow") and self.is_exact_fraction(node.args[0])

    def write_pow(self, node: Node) -> tuple[str, int]:
        base, exponent = node.args
        if base.op == "e":
            return self.write_function(Node("exp", (exponent,)))
        is_inverse = (self.whole(exponent) or 0) < 0
        if self.kind == "fraction" and is_inverse and self.is_plain_integer(base):
            return f"{self.need('fractions', 'Fraction')}({self.write(base)}) ** {self.write(exponent, POW)}", POW
        if (
            self.kind == "sympy"
            and self.is_plain_integer(base)
            and not is_integer(exponent)
            and not free_symbols(exponent)
        ):
            return f"{self.need('sympy', 'Integer')}({self.write(base)}) ** {self.write(exponent, ATOM)}", POW
        if self.kind == "sympy" and self.is_plain_integer(base) and is_inverse:
            return f"{self.need('sympy', 'Integer')}({self.write(base)}) ** {self.write(exponent, NEG)}", POW
        bottom, top = self.write(base, ATOM), self.write(exponent, ATOM if exponent.op != "neg" else NEG)
        sign = "**" if _SIMPLE.fullmatch(bottom) and _SIMPLE.fullmatch(top) else " ** "
        return f"{bottom}{sign}{top}", POW

    def write_sqrt(self, node: Node) -> tuple[str, int]:
        return f"{self.need(self.library(), 'sqrt')}({self.write(node.args[0])})", ATOM

    def write_root(self, node: Node) -> tuple[str, int]:
        degree, inside = node.args
        if self.kind == "sympy":
            return f"{self.need('sympy', 'real_root')}({self.write(inside)}, {self.write(degree)})", ATOM
        return f"{self.write(inside, ATOM)} ** (1 / {self.write(degree, NEG)})", POW

    def library(self) -> str:
        """Return the module that functions and constants come from."""
        return "sympy" if self.kind == "sympy" else "math"

    def write_log(self, node: Node) -> tuple[str, int]:
        base, inside = node.args
        name = self.need(self.library(), "log")
        return f"{name}({self.write(inside)}, {self.write(base)})", ATOM

    def write_ln(self, node: Node) -> tuple[str, int]:
        return f"{self.need(self.library(), 'log')}({self.write(node.args[0])})", ATOM

    def write_pi(self, node: Node) -> tuple[str, int]:
        return self.need(self.library(), "pi"), ATOM

    def write_e(self, node: Node) -> tuple[str, int]:
        return self.need(self.library(), "E" if self.kind == "sympy" else "e"), ATOM

    def write_imaginary(self, node: Node) -> tuple[str, int]:
        return self.need("sympy", "I"), ATOM

    def write_infinity(self, node: Node) -> tuple[str, int]:
        return self.need("sympy", "oo"), ATOM

    def write_degrees(self, node: Node) -> tuple[str, int]:
        name = self.need("sympy", "rad") if self.kind == "sympy" else self.need("math", "radians")
        return f"{name}({self.write(node.args[0])})", ATOM

    def write_abs(self, node: Node) -> tuple[str, int]:
        return f"abs({self.write(node.args[0])})", ATOM

    def write_mod(self, node: Node) -> tuple[str, int]:
        value, modulus = node.args
        if value.op == "pow" and all(self.whole(item) is not None for item in value.args):
            return f"pow({self.write(value.args[0])}, {self.write(value.args[1])}, {self.write(modulus)})", ATOM
        return f"{self.write(value, NEG)} % {self.write(modulus, NEG)}", MUL

    def write_sum(self, node: Node) -> tuple[str, int]:
        return self.write_range(node, "sum", "summation")

    def write_prod(self, node: Node) -> tuple[str, int]:
        return self.write_range(node, "prod", "product")

    def write_range(self, node: Node, plain: str, symbolic: str) -> tuple[str, int]:
        body, variable, low, high = node.args
        name = self.write(variable)
        if self.kind == "sympy":
            bounds = f"({name}, {self.write(low)}, {self.write(high)})"
            self.need("sympy", "symbols")
            return f"{self.need('sympy', symbolic)}({self.write(body)}, {bounds})", ATOM
        if plain == "prod":
            self.need("math", "prod")
        end = f"{self.write(high)} + 1" if high.op == "ref" else integer(high) + 1
        return f"{plain}({self.write(body)} for {name} in range({self.write(low)}, {end}))", ATOM

    def write_int(self, node: Node) -> tuple[str, int]:
        name = self.need("sympy", "integrate")
        variable = self.write(node.args[1])
        if len(node.args) == 2:
            return f"{name}({self.write(node.args[0])}, {variable})", ATOM
        bounds = f"({variable}, {self.write(node.args[2])}, {self.write(node.args[3])})"
        return f"{name}({self.write(node.args[0])}, {bounds})", ATOM

    def write_diff(self, node: Node) -> tuple[str, int]:
        body, variable, order = node.args
        times = "" if order.value == "1" else f", {order.value}"
        return f"{self.need('sympy', 'diff')}({self.write(body)}, {self.write(variable)}{times})", ATOM

    def write_limit(self, node: Node) -> tuple[str, int]:
        body, variable, target = node.args
        side = f', "{node.value}"' if node.value else ""
        if not node.value and target.op != "infinity" and not (target.op == "neg" and target.args[0].op == "infinity"):
            side = ', "+-"'
        return (
            f"{self.need('sympy', 'limit')}({self.write(body)}, {self.write(variable)}, {self.write(target)}{side})",
            ATOM,
        )

    def write_matrix(self, node: Node) -> tuple[str, int]:
        rows = ", ".join("[" + ", ".join(map(self.write, row.args)) + "]" for row in node.args)
        return f"{self.need('sympy', 'Matrix')}([{rows}])", ATOM

    def write_transpose(self, node: Node) -> tuple[str, int]:
        return f"{self.write(node.args[0], ATOM)}.T", ATOM

    def write_cross(self, node: Node) -> tuple[str, int]:
        return f"{self.write(node.args[0], ATOM)}.cross({self.write(node.args[1])})", ATOM

    def write_dot(self, node: Node) -> tuple[str, int]:
        return f"{self.write(node.args[0], ATOM)}.dot({self.write(node.args[1])})", ATOM

    def write_det(self, node: Node) -> tuple[str, int]:
        return f"{self.write(node.args[0], ATOM)}.det()", ATOM

    def write_function(self, node: Node) -> tuple[str, int]:
        """Return a call of a function of sympy or math."""
        name = node.op
        if self.kind == "sympy":
            name = self.need("sympy", _SYMPY_COUNTING.get(name, name))
        elif name in ("cot", "sec", "csc"):
            inverse = self.need("math", {"cot": "tan", "sec": "cos", "csc": "sin"}[name])
            return f"1 / {inverse}({self.write(node.args[0])})", MUL
        else:
            name = self.need("math", _COUNTING.get(name, name))
        return f"{name}({', '.join(map(self.write, node.args))})", ATOM
