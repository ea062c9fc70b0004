"""Read numbers and names, the leaves of an expression: `1{,}234`, `0.\\overline{3}`, `1011_2`, `x_1`."""

import re

from stages.translate.reasons import Reason
from stages.translate.symbolic.latex_tokens import Cursor
from stages.translate.symbolic.latex_words import groups_thousands
from stages.translate.symbolic.nodes import Node, UnreadableError, integer, is_integer, number
from stages.translate.symbolic.notation import Notation


class Leaves(Cursor):
    """Reads one leaf; latex_core.py reads what is made of them."""

    def __init__(self, tokens: list[str], notation: Notation, depth: int = 0) -> None:
        super().__init__(tokens)
        self.notation, self.depth = notation, depth

    def group(self) -> Node:
        """Read what LaTeX takes as one argument, such as the base of a number; latex_core.py knows which there are."""
        self.fail()

    def literal(self) -> Node:
        """Read a number: `1{,}234`, `.5`, `0.\\overline{3}`, `1011_2`."""
        token = self.take()
        if token.isdigit() and self.peek() not in ("_", "."):
            return number(token.lstrip("0") or "0")
        if self.notation.choice("comma") == 1 and re.fullmatch(r"\d+(?:\{,\}|,)\d+", token):
            token = re.sub(r"\{,\}|,", ".", token)
        if "." in token and (token.count(".") > 1 or (self.notation.choice("point") == 1 and groups_thousands(token))):
            token = token.replace(".", "")
        token = token.replace("{,}", "").replace("\\,", "").replace(",", "")
        if self.peek() == "." and self.peek(1) == "\\overline":
            return self.repeating(token)
        if token.startswith("."):
            token = "0" + token
        if self.peek() == "_":
            self.take()
            base = self.group()
            # Whole numbers alone: int() reads no fraction in another base, as 0.1_2.
            if not is_integer(base) or not 2 <= integer(base) <= 36 or not token.isdigit():
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            if any(int(digit) >= integer(base) for digit in token):
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            return Node("based", (number(token), base))
        if token.isdigit():
            token = token.lstrip("0") or "0"
        return number(token)

    def repeating(self, whole: str) -> Node:
        """Read the repeating decimals after a whole number."""
        self.position += 2
        self.take("{")
        digits = self.take()
        self.take("}")
        if not digits.isdigit() or len(digits) > 12 or not whole.isdigit():
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        fraction = Node("div", (number(digits.lstrip("0") or "0"), number("9" * len(digits))))
        return fraction if int(whole) == 0 else Node("add", (number(whole), fraction))

    def name(self) -> Node:
        """Read a variable, perhaps with an index, or one of the constants e and i."""
        token = self.take().lstrip("\\")
        if token == "e" and self.peek() == "^" and not self.notation.letter_e:
            return Node("e")
        if token == "i" and self.notation.complex_numbers and self.peek() != "_":
            return Node("imaginary")
        if token == "d" and self.peek().isalpha():
            raise UnreadableError(Reason.STRAY_DIFFERENTIAL)
        if self.peek() == "'":
            raise UnreadableError(Reason.FUNCTION_APPLICATION)
        if self.peek() == "_":
            self.take()
            self.take("{") if (braced := self.peek() == "{") else None
            subscript = self.take()
            if not subscript.isalnum():
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            if braced:
                self.take("}")
            token = f"{token}_{subscript}"
        if self.peek() == "(" and self.peek(2) in (")", ","):
            raise UnreadableError(Reason.FUNCTION_APPLICATION)
        return Node("sym", (), token)
