"""The errors a user is meant to read: one line that names the file, the key or the row."""


class PipelineError(Exception):
    """A condition the user can mend. Stages print its message alone and end with status 1."""


class ParamsError(PipelineError):
    """A value in params.yaml or a profile that cannot be used; the message names its key."""


class InputError(PipelineError):
    """Input that cannot be read; the message names the file and, where there is one, the row."""


def printable(text: str) -> str:
    """Return a text as UTF-8 can hold it: a lone surrogate becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, its type where it has none."""
    return printable(next(iter(str(error).strip().splitlines()), type(error).__name__))
