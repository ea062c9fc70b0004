"""One thin script per stage, run as `python -m stages.<name>` from the repository root."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if not sys.stderr.isatty():
    os.environ.setdefault("TQDM_MININTERVAL", "30")  # a log wants few lines of progress

# The code beside this folder, not an installed copy: an experiment in a temporary clone runs its own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def run(main: Callable[..., Any]) -> None:
    """Run a stage's main with the arguments of the command line; a PipelineError becomes one line."""
    import typer

    from mathcode_pile.core.engine import die_with_parent
    from mathcode_pile.core.errors import PipelineError

    if os.environ.get("DVC_ROOT"):
        die_with_parent()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    try:
        app()
    except PipelineError as error:
        sys.exit(f"error: {error}")
