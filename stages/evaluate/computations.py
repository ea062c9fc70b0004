"""Questions from the run itself: the computations of held-out pages, whose programs a model completes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathcode_pile.core.documents import QUESTION, snippet_id
from mathcode_pile.core.shards import ShardWriter, read_rows
from mathcode_pile.tokens.packed import read_tokens
from stages.evaluate.tasks.questions import is_right

NAME = "computations"


def write_computations(decontaminated: Path, tokenized: Path, out: Path) -> None:
    """Write a benchmark `computations`: a question is a page's text with the first half of a program.

    A page counts if it is held out from training; then its translated code is held out too, in every form.
    Each answer is the page's own result. A program whose output is not that result is left out, whatever rule `verify`
    used, so that runs with different rules are asked the same questions.
    """
    with ShardWriter(out / NAME / "part-00000.parquet", QUESTION) as shard:
        shard.write_rows(list(_list_computations(decontaminated, tokenized)))


def _list_computations(decontaminated: Path, tokenized: Path) -> Iterator[dict[str, Any]]:
    folder = decontaminated / "snippets"
    for component in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        held_out = {document.id for document in read_tokens(tokenized / component.name / "held_out")}
        asked = set()
        for snippet in read_rows(component):
            if snippet["document_id"] not in held_out or not is_right(snippet["result"], snippet["stdout"].strip()):
                continue
            question = _pose(snippet)
            if (text := question["question"]) not in asked:
                asked.add(text)
                yield question


def _pose(snippet: dict[str, Any]) -> dict[str, Any]:
    """Return a snippet as a question; `solution` holds the lines of the program that the model is given."""
    lines = [line for line in snippet["code"].splitlines() if line.strip()]
    given = "".join(f"{line}\n" for line in lines[: len(lines) // 2])
    parts = [snippet[name].strip() for name in ("title", "conditions")]
    if not parts[1]:
        parts.append(f"${snippet['expression']}$")
    text = "\n\n".join(part for part in parts if part)
    return {
        "id": snippet_id(snippet["document_id"], snippet["position"]),
        "benchmark": NAME,
        "question": f"{text}\n\n```python\n{given}",
        "options": [],
        "answer": snippet["result"],
        "solution": given,
    }
