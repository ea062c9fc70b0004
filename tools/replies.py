"""Carry kept replies from machine to machine as Parquet."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run
from mathcode_pile.core.errors import InputError
from mathcode_pile.llm.cache import ReplyCache


def main(action: str, folder: Path = typer.Argument(None)) -> None:
    """`export FOLDER` writes all kept replies there, `import FOLDER` adds those of a folder, `count` counts them."""
    replies = ReplyCache()
    if action == "count":
        typer.echo(f"{replies.count()} replies in {replies.path}")
    elif action == "export" and folder:
        typer.echo(f"{replies.export_to(folder)} replies written to {folder}")
    elif action == "import" and folder:
        typer.echo(f"{replies.import_from(folder)} new replies from {folder}")
    else:
        raise InputError(f"replies: one of `export FOLDER`, `import FOLDER`, `count`; got {action!r}")


if __name__ == "__main__":
    run(main)
