"""Run a command line: plain help, and an error that the user can mend as one line."""

import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.lifetime import die_with_parent


def make_app(**options: Any) -> typer.Typer:
    """Return an app with plain help. Rich's help would take longer to import than most commands to run."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **options)


def run(command: Callable[..., Any] | typer.Typer) -> None:
    """Run a function, or an app of several, with the command line's arguments; a PipelineError becomes one line."""
    if os.environ.get("DVC_ROOT"):
        die_with_parent()
        if _is_orphan():
            sys.exit("error: DVC ended before this stage had begun")
    if isinstance(command, typer.Typer):
        app = command
    else:
        app = make_app()
        app.command()(command)
    try:
        app()
    except PipelineError as error:
        sys.exit(f"error: {error}")


def _is_orphan() -> bool:
    """Whether DVC ended before this process could ask to end with it. Its new parent is in another session.

    Workers of a training launcher have a session of their own; they end with the launcher.
    """
    return "LOCAL_RANK" not in os.environ and os.getsid(os.getppid()) != os.getsid(0)
