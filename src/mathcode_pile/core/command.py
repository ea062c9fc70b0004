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
    if isinstance(command, typer.Typer):
        app = command
    else:
        app = make_app()
        app.command()(command)
    try:
        app()
    except PipelineError as error:
        sys.exit(f"error: {error}")
