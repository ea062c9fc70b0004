"""Why deduplicate drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why deduplicate drops a document."""

    EXACT_DUPLICATE = "exact_duplicate", "A document that is kept has the same text, apart from white space."
    NEAR_DUPLICATE = (
        "near_duplicate",
        "Its similarity to a kept document, as estimated, may well be min_similarity or more.",
    )
