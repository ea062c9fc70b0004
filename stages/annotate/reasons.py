"""Why annotate drops a document."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why annotate drops a document. A model that gives no reply adds the reasons of mathcode_pile.llm.NoReply."""

    EMPTY_TEXT = "empty_text", "The document has no text."
    TOO_FEW_DOLLAR_SIGNS = "too_few_dollar_signs", "The text has fewer dollar signs than min_dollar_signs."
    NOT_SAMPLED = "not_sampled", "The sample that annotate.sources asks for does not contain the document."
    UNPARSED_REPLY = "unparsed_reply", "The model's reply states no answer."
    CUT_OFF = "cut_off", "The model's reply ended at max_completion_tokens before it stated an answer."
    AMBIGUOUS_REPLY = "ambiguous_reply", "The model's reply states several answers."
