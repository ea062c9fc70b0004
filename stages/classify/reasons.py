"""Why classify drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why classify drops a document."""

    BELOW_FLOOR = "below_floor", "The classifier's score is under its floor in params."
