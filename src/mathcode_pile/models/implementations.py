"""The names of attention's implementations, apart from the code: params need no torch."""

from typing import Literal

Implementation = Literal["auto", "flash", "varlen", "flex", "sdpa", "eager"]
