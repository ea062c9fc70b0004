"""Leave out the programs that teach nothing: those that only print the stated result, and those too small to need."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mathcode_pile.core.funnel import DropReason
from mathcode_pile.core.program_size import count_operations
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.restated import is_restated


class Selection(NamedTuple):  # of the computations of one text
    kept: list[Computation]
    restated: list[Computation]
    """Those left out because they only print the stated result."""
    reasons: Counter[DropReason]
    """Why computations were left out."""


def select(computations: Sequence[Computation], min_operations: int) -> Selection:
    """Return the computations worth keeping, and why the others are not."""
    kept: list[Computation] = []
    restated: list[Computation] = []
    reasons: Counter[DropReason] = Counter()
    for computation in computations:
        reason = why_left_out(computation.code, computation.result, min_operations)
        if reason:
            reasons[reason] += 1
        if reason is Reason.RESTATED:
            restated.append(computation)
        elif not reason:
            kept.append(computation)
    return Selection(kept, restated, reasons)


def why_left_out(code: str, result: str, min_operations: int) -> Reason | None:
    """Return why a program is left out, None if it is kept."""
    if is_restated(code, result):
        return Reason.RESTATED
    return Reason.TOO_SMALL if count_operations(code) < min_operations else None
