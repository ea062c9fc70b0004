"""Why fetch drops a record that its reader accepts; sources/reasons.py has the reasons of the readers."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why fetch drops a record that its reader accepts."""

    SAME_ID = "same_id", "Another record of the source has the same id; the first one is kept."
