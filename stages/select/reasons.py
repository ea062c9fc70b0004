"""Why select drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why select drops a document."""

    TAKEN_DOWN = "taken_down", "A line of removed.csv names the document, its address or its text."
    EMPTY_TEXT = "empty_text", "The document has no text."
    TYPE_NOT_KEPT = "type_not_kept", "No piece of the document has one of the types that keep_types names."
    UNRELATED = "unrelated", "The annotation says that the document is unrelated to mathematics."
    BELOW_THRESHOLD = "below_threshold", "The classifier's score is below the threshold of the source."
