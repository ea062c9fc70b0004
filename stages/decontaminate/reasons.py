"""Why decontaminate drops a document or a snippet."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why decontaminate drops a document or a snippet."""

    LEAKED_QUESTION = "leaked_question", "The text contains a benchmark's question, or most of it."
    LEAKED_SOLUTION = "leaked_solution", "The text contains the solution of a benchmark's question, or most of it."
    LEAKED_VARIANT = "leaked_variant", "The text contains a benchmark's question with another number in it."
    LEAKED_DOCUMENT = "leaked_document", "The snippet comes from a document that leaked."
    FAILED_DOCUMENT = "failed_document", "The snippet comes from a document that was dropped as failed."
