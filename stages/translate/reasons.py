"""Why translate leaves out a part of a page, and drops a document that gives no computation."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why a part of a page gives no computation.

    A document without any is dropped for its most frequent reason. A model that gives no reply adds the reasons of
    mathcode_pile.llm.NoReply.
    """

    NO_COMPUTATION = "no_computation", "The text has no computation, or the model says that it has none."

    # A model's reply, or a block of it.
    EMPTY_REPLY = "empty_reply", "The model's reply is empty."
    UNPARSED_REPLY = "unparsed_reply", "The model's reply has no block that can be read as a computation."
    CUT_OFF = "cut_off", "The reply ended at max_completion_tokens, within this block or before any."
    NO_CODE = "no_code", "The block has no code, or only comments."
    NO_EXPRESSION = "no_expression", "The block has no expression."
    NO_RESULT = "no_result", "The block states no result."
    CODE_TOO_LONG = "code_too_long", "The block's code is longer than 20,000 characters."
    REPEATED = "repeated", "The model wrote the same program with the same result before, about this text."
    NOT_STATED = "not_stated", "The text does not have the result that the model says it states."
    COPIED_EXAMPLE = "copied_example", "The model copied a worked example of the prompt."

    # Programs that nobody needs, of either translator.
    RESTATED = "restated", "The program computes nothing: it prints the stated result."
    TOO_SMALL = "too_small", "The program has fewer operations than translate.min_operations."

    # Mathematics that the symbolic translator does not read.
    UNKNOWN_NOTATION = "unknown_notation", "The notation is not one that the reader knows."
    TEXT_IN_EXPRESSION = "text_in_expression", "Words are part of the expression."
    ELLIPSIS = "ellipsis", "Dots replace some of the terms."
    LIST = "list", "The span lists values, with dots between them."
    PLUS_MINUS = "plus_minus", "A plus-minus sign means two values at once."
    EMPTY = "empty", "One side of the equation is empty."
    INCOMPLETE = "incomplete", "The expression ends where an operand should follow."
    TORN_LINE = "torn_line", "The term begins with a plus sign: its line was cut."
    TORN_NUMBER = "torn_number", "The span begins within a number."
    STRAY_DIFFERENTIAL = "stray_differential", "A differential has no integral or derivative."
    DOUBLE_FACTORIAL = "double_factorial", "The double factorial is not translated."
    SEVERAL_INTEGRALS = "several_integrals", "An integral within an integral is not translated."
    NESTED_SERIES = "nested_series", "A sum or product within a sum or product is not translated."
    UNKNOWN_SEQUENCE = "unknown_sequence", "The terms of the sum are values that the page does not give there."
    OWN_OPERATION = "own_operation", "The page gives the sign * a meaning of its own."

    WRONG_STEP = "wrong_step", "The computation goes on from a value that the page computed wrongly."

    # Mathematics that can be read in more than one way.
    FUNCTION_APPLICATION = "function_application", "A letter before a parenthesis may be a function or a factor."
    ADJACENT_NUMBERS = "adjacent_numbers", "Two numbers follow each other without an operator."
    AMBIGUOUS_ANGLE = "ambiguous_angle", "The angle may be in degrees or in radians."
    AMBIGUOUS_ARGUMENT = "ambiguous_argument", "Where the argument of the function ends is not clear."
    AMBIGUOUS_INVERSE = "ambiguous_inverse", "The exponent -1 may mean the inverse function or the reciprocal."
    AMBIGUOUS_LOGARITHM = "ambiguous_logarithm", "The logarithm has no base."
    AMBIGUOUS_MIXED_NUMBER = "ambiguous_mixed_number", "A number before a fraction may be added or multiplied."
    AMBIGUOUS_MODULUS = "ambiguous_modulus", "The modulus may belong to the last term or to the whole sum."
    AMBIGUOUS_POINT = "ambiguous_point", "The point may separate decimals or thousands, as in 1.200."
    AMBIGUOUS_ROOT = "ambiguous_root", "The root of a negative number has several values."
    AMBIGUOUS_SCOPE = "ambiguous_scope", "Where the body of a sum, product, limit or derivative ends is not clear."
    AMBIGUOUS_SLASH = "ambiguous_slash", "Whether a factor belongs to the denominator is not clear, as in 1/2x."
    PERCENT_OF_WHAT = "percent_of_what", "What the percentage refers to is not clear, as in 100 + 15%."
    RATIO = "ratio", "A colon between numbers may be a ratio or a quotient."
    TIME_OF_DAY = "time_of_day", "The colon belongs to a time of day."
    UNITS_DIFFER = "units_differ", "The expression and the result have different units."
    ROUNDED = "rounded", "The result is a rounded whole number, which no comparison can check."
    ROUNDED_INPUT = (
        "rounded_input",
        "The result agrees with the decimals only if they were rounded before; the page does not say so, or too few "
        "digits are left.",
    )
    APPROXIMATE = "approximate", "The page approximates, and not only in the last digit."
    OTHER_BASE = "other_base", "The numbers may be in another base than ten."
    MODULAR_ARITHMETIC = "modular_arithmetic", "The equation may hold under a modulus only."
    NO_MODULUS = "no_modulus", "The congruence does not state its modulus."
    UNUSUAL_RESIDUE = "unusual_residue", "The congruence is not one of an integer and its residue."

    # Equations with nothing to check, or more than can be computed.
    NOTHING_TO_COMPUTE = "nothing_to_compute", "The equation only names or states values."
    EQUATION_OR_DEFINITION = "equation_or_definition", "The equation holds for some values only, or defines a name."
    DENIED = "denied", "The sentence says that the equation is false, or that its numbers are in another base."
    POSED = "posed", "The page asks about the equation, offers it as a choice, or refutes what follows from it."
    SUPPOSED = "supposed", "The page supposes the equation, or tells what somebody says."
    REMAINDER = "remainder", "The result is a quotient with a remainder."
    READING_CHOSEN = "reading_chosen", "Counted, not left out: of two readings, only this one makes the statement true."
    UNFINISHED_CALCULUS = "unfinished_calculus", "The result still has a derivative, integral, limit, sum or product."
    ANTIDERIVATIVE_NOT_UNIQUE = "antiderivative_not_unique", "The antiderivative can be written in several ways."
    TOO_LARGE = "too_large", "The value would have too many digits."
    TOO_MANY_TERMS = "too_many_terms", "The sum or product has too many terms."
    TOO_DEEP = "too_deep", "The expression is nested too deeply."
    TOO_LONG = "too_long", "The span is too long."
    TOO_MANY_EQUATIONS = "too_many_equations", "The page has more than 3,000 equations; the rest was not read."
