"""How the run of a snippet can end: the one list that the sandbox, execute and verify share.

The sandbox's own processes import this module, so it imports nothing heavy.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """How the run of a snippet ended."""

    OK = "ok"
    """It ran to its end."""
    DOES_NOT_COMPILE = "does_not_compile"
    """It is not valid Python."""
    EXCEPTION = "exception"
    """It raised an exception, or ended with a status other than 0."""
    TIMEOUT = "timeout"
    """It took longer than its limit."""
    MEMORY = "memory"
    """It asked for more memory than its limit."""
    OUTPUT_LIMIT = "output_limit"
    """It printed more than its limit."""
    KILLED = "killed"
    """A signal ended it: it crashed the interpreter, or killed itself."""
    BLOCKED = "blocked"
    """It tried what the sandbox forbids, or waited for input."""
    MISSING_MODULE = "missing_module"
    """It imports a package that snippets may not import, or that is not installed."""
