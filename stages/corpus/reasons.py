"""Why documents, and parts of a translated page, are left out of the corpus."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why a document or a snippet is not written."""

    TAKEN_DOWN = (
        "taken_down",
        "A line of removed.csv names the document, its address or its text, or those of its page.",
    )
    SAME_RESULT = "same_result", "Another program of the same paragraph has the same result. A model's is preferred."
    SAME_PROGRAM = (
        "same_program",
        "Another program of the page computes the same from the same numbers.",
    )
    RETYPED = "retyped", "The program only types the page's arithmetic again and names few of its numbers."
