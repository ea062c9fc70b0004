"""Why fetch_benchmarks drops a record."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why fetch_benchmarks drops a record."""

    NOT_A_QUESTION = "not_a_question", "The record has no question, or its options or answer cannot be read."
