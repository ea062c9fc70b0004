"""Write the drop reasons of all stages into the table of docs/pipeline.md."""

from mathcode_pile.core.scratch import PROJECT
from stages.report.explanations import list_reasons

PAGE = PROJECT / "docs" / "pipeline.md"
MARKS = ("<!-- reasons -->\n", "<!-- /reasons -->\n")


def format_table() -> str:
    """Return the Markdown table of all reasons."""
    lines = ["| defined in | reason | meaning |", "|---|---|---|"]
    before = ""
    for folder, reason in list_reasons():
        shown = "" if folder == before else f"`{folder}`" if "/" in folder else folder
        lines.append(f"| {shown} | `{reason.value}` | {reason.sentence} |")
        before = folder
    return "\n".join(lines) + "\n"


def write_table() -> None:
    """Put the table between its marks in docs/pipeline.md."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(MARKS[0])
    _, _, tail = rest.partition(MARKS[1])
    PAGE.write_text(head + MARKS[0] + format_table() + MARKS[1] + tail, encoding="utf-8")
