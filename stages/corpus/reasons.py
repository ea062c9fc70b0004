"""Why parts of a translated page are left out of the corpus."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why a snippet is not written."""

    SAME_RESULT = "same_result", "Another program of the same paragraph has the same result. A model's is preferred."
