"""Why tokenize drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why tokenize drops a document."""

    EMPTY = "empty", "The document has no text but white space."
