"""The command lines of stages and tools: plain help, and one line for an error that the user can mend."""

import sys

import typer

from mathcode_pile.core.errors import PipelineError


def new_app() -> typer.Typer:
    """Return an app without commands; its help is plain text, since rich alone takes half a second to import."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def run_app(app: typer.Typer) -> None:
    """Run an app with the arguments of the command line; a PipelineError ends in one line and status 1."""
    try:
        app()
    except PipelineError as error:
        sys.exit(f"error: {error}")
