"""Why verify drops a snippet."""

from mathcode_pile.core.funnel import DropReason
from mathcode_pile.core.outcomes import Outcome


class Reason(DropReason):
    """Why verify drops a snippet: its verdict, or how its run ended where that was not well."""

    CONTRADICTED = "contradicted", "The output differs from the result that the document states."
    UNCHECKABLE = "uncheckable", "The output and the stated result cannot be compared."
    VERIFIED = "verified", "The output agrees with the stated result, but verify.keep does not name this verdict."
    CONTRADICTED_CHAIN = "contradicted_chain", "Another snippet of the same chain or program is contradicted."
    CONTRADICTED_DOCUMENT = "contradicted_document", "Another snippet of the same document is contradicted."

    UNCLEAN_OUTPUT = (
        "unclean_output",
        "The output agrees, but nobody would print it so: it has the error of binary fractions, is not worked out, "
        "or is far longer than the stated result.",
    )
    SAME_COMPUTATION = (
        "same_computation",
        "A model's earlier snippet about the paragraph has the same result, verified.",
    )

    DOES_NOT_COMPILE = Outcome.DOES_NOT_COMPILE.value, "The code is not valid Python."
    EXCEPTION = Outcome.EXCEPTION.value, "The code raised an exception, or ended with a status other than 0."
    TIMEOUT = Outcome.TIMEOUT.value, "The code ran longer than execute.timeout_s allows."
    MEMORY = Outcome.MEMORY.value, "The code needed more memory than execute.memory_mb allows."
    OUTPUT_LIMIT = Outcome.OUTPUT_LIMIT.value, "The code printed more than execute.output_bytes allows."
    KILLED = Outcome.KILLED.value, "A signal ended the code: it crashed the interpreter, or killed itself."
    BLOCKED = Outcome.BLOCKED.value, "The code tried what the sandbox forbids, or waited for input."
    MISSING_MODULE = Outcome.MISSING_MODULE.value, "The code imports a package that execute.packages does not name."
