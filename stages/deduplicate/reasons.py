"""Why deduplicate drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why deduplicate drops a document."""

    EXACT_DUPLICATE = "exact_duplicate", "A document that is kept has the same text, apart from white space."
    NEAR_DUPLICATE = (
        "near_duplicate",
        "Its estimated similarity to a kept document is min_similarity or more, less the error of an estimate.",
    )
