"""List the drop reasons of all stages, for the table in docs/pipeline.md."""

import importlib
from collections.abc import Iterator
from pathlib import Path

from mathcode_pile.core.funnel import CoreReason, DropReason
from mathcode_pile.core.scratch import PROJECT

PAGE = PROJECT / "docs" / "pipeline.md"
MARKS = ("<!-- reasons -->\n", "<!-- /reasons -->\n")


def list_reasons() -> list[tuple[str, DropReason]]:
    """Return every reason with the folder whose reasons.py defines it, in the order of the folders."""
    found: list[tuple[str, DropReason]] = [("every stage", reason) for reason in CoreReason]
    for path in sorted([*PROJECT.glob("stages/*/reasons.py"), *PROJECT.glob("src/mathcode_pile/*/reasons.py")]):
        folder = path.parent.relative_to(PROJECT)
        found += [(str(folder).removeprefix("src/"), reason) for reason in _defined_in(folder)]
    return found


def _defined_in(folder: Path) -> Iterator[DropReason]:
    module = importlib.import_module(".".join(folder.parts).removeprefix("src.") + ".reasons")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, DropReason) and value.__module__ == module.__name__:
            yield from value


def format_table() -> str:
    """Return the Markdown table of all reasons."""
    lines = ["| defined in | reason | meaning |", "|---|---|---|"]
    before = ""
    for place, reason in list_reasons():
        shown = "" if place == before else f"`{place}`" if "/" in place else place
        lines.append(f"| {shown} | `{reason.value}` | {reason.sentence} |")
        before = place
    return "\n".join(lines) + "\n"


def write_table() -> None:
    """Put the table between its marks in docs/pipeline.md."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    PAGE.write_text(head + MARKS[0] + format_table() + MARKS[1] + tail, encoding="utf-8")
