"""Rebuild MathCode-Pile: mathematics, each computation paired with code that was run and verified."""
