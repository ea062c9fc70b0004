"""Compare how many planted benchmark questions are found, with datatrove's n-grams over the same questions.

    python -m bench.recall              300 of each kind; needs MATHCODE_REAL_DATA and `make bench`'s .venv-bench

Questions and worked solutions are planted into sections of textbooks in the ways of the stage's own measure
(stages/decontaminate/plants.py). Only questions that the rules were not tuned on are planted. The last row counts
documents that hold no question of the benchmarks word for word and are flagged all the same.
"""

import tempfile
import zlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from bench.decontaminate import NGRAM, index_for_datatrove
from bench.environment import REAL_DATA, read_lines, run_datatrove
from bench.table import format_table
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import write_shards
from stages.decontaminate.leaks import LeakFinder
from stages.decontaminate.plants import KINDS, plant_leaks
from stages.decontaminate.quoted_questions import Question
from stages.decontaminate.rules import DecontaminateParams


def read_questions(folder: Path) -> list[Question]:
    """Return the questions of all benchmarks in a folder of JSON lines."""
    questions = []
    for path in sorted(folder.glob("*.jsonl")):
        for row in read_lines(path):
            solution = row.get("solution") or ""
            text = "\n".join(solution) if isinstance(solution, list) else solution
            options = (row["options"],) if row.get("options") else ()
            questions.append(Question(row["id"], path.stem, row["question"], options, text))
    return questions


def read_worked(folder: Path) -> list[Question]:
    """Return the worked problems of MATH as questions."""
    rows = read_lines(folder / "math_worked_solutions.jsonl")
    return [Question(row["id"], "math", row["problem"], (), row["solution"]) for row in rows]


def is_kept_back(question: Question) -> bool:
    """Tell whether a question is of the half that the rules were not tuned on."""
    return zlib.crc32(question.id.encode()) % 2 == 1


def read_clean(folder: Path) -> list[str]:
    """Return documents of which hardly any holds a benchmark's question."""
    texts = [f"{row['question']}\n{row['solution']}" for row in read_lines(folder / "gsm8k_train.jsonl")]
    texts += [f"{q.question}\n{q.solution}" for q in read_worked(folder)]
    return texts + [row["text"] for row in read_lines(folder / "textbook_sections.jsonl")]


def compare_recall(count: int, clean: int, folder: Path) -> str:
    """Return a table: of each kind of planted question, the share that is found; and the clean documents flagged."""
    params = load("decontaminate", DecontaminateParams)
    documents = REAL_DATA / "documents"
    benchmarks = read_questions(REAL_DATA / "benchmarks")
    questions = benchmarks + read_worked(documents)
    carriers = [row["text"] for row in read_lines(documents / "textbook_sections.jsonl")]
    kept_back = [question for question in questions if is_kept_back(question)]
    plants = plant_leaks(kept_back, carriers, params.min_words, count, 5)
    texts = [plant.text for plant in plants]
    ours = {leak.row for leak in LeakFinder(questions, params).find(pa.array(texts, pa.large_string()))}
    theirs = find_with_datatrove(questions, texts, folder / "planted")
    planted = Counter(plant.kind for plant in plants)
    lines = []
    for kind in KINDS:
        rows = [row for row, plant in enumerate(plants) if plant.kind == kind]
        shares = [f"{sum(row in found for row in rows) / len(rows):.2f}" for found in (ours, theirs)]
        lines.append([kind, str(planted[kind]), *shares])
    spread = read_clean(documents)
    texts = spread[:: max(1, len(spread) // clean)]
    leaks = LeakFinder(benchmarks, params).find(pa.array(texts, pa.large_string()))
    quoting = {leak.row for leak in leaks if leak.rule in ("identical", "whole") and leak.coverage >= 0.99}
    others = [len(found - quoting) for found in ({leak.row for leak in leaks},
              find_with_datatrove(benchmarks, texts, folder / "clean"))]  # fmt: skip
    lines.append(["clean documents flagged", str(len(texts) - len(quoting)), *map(str, others)])
    return format_table(["kind", "documents", "ours", "datatrove's n-grams"], lines)


def find_with_datatrove(questions: list[Question], texts: list[str], folder: Path) -> set[int]:
    """Return the rows of the texts that datatrove drops."""
    folder.mkdir()
    rows = [
        {"id": str(row), "text": text, "source": "s", "url": "", "license": "", "metadata": "{}"}
        for row, text in enumerate(texts)
    ]
    write_shards(folder / "texts", [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    index = index_for_datatrove([part for q in questions for part in (q.asked(), q.solution)], NGRAM, folder)
    run_datatrove("decontaminate", index, str(NGRAM), folder / "texts", folder / "out")
    kept = [pq.read_table(path, columns=["id"]) for path in sorted((folder / "out" / "kept").glob("*.parquet"))]
    return set(range(len(texts))) - {int(row) for table in kept for row in table["id"].to_pylist()}


def main(count: int = 300, clean: int = 3000) -> None:
    """Print the table."""
    if not REAL_DATA.is_dir():
        raise PipelineError(f"{REAL_DATA}: no such folder; MATHCODE_REAL_DATA names one")
    with tempfile.TemporaryDirectory() as folder:
        typer.echo(compare_recall(count, clean, Path(folder)))


if __name__ == "__main__":
    typer.run(main)
