"""Parse a model's reply into computations."""

from mathcode_pile.computations.reader import Computation, Parsed, parse_reply

__all__ = ["Computation", "Parsed", "parse_reply"]
