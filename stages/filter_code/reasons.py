"""Why filter_code drops a file."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why filter_code drops a file."""

    NO_MATHEMATICAL_IMPORT = "no_mathematical_import", "The code imports none of the mathematical packages."
    NOT_A_NOTEBOOK = "not_a_notebook", "The file has none of the three layouts of a notebook."
