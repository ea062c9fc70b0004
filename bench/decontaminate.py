"""Compare decontamination, from Parquet to Parquet, with upstream's method and with datatrove, on one core.

    python -m bench.decontaminate --megabytes 25

The texts are cut into documents of 2,500 characters; a shorter rest is not used. Upstream's method is reimplemented
here: it compares a document's set of 13-grams with that of each question (Jaccard over 0.6, or the same text).
datatrove drops a document that shares one 13-gram with any question. Its index covers the same questions and solutions
as ours, and both indexes are built before the time is measured. The questions are random words of the texts, as long
as real questions; one in a thousand is a run of words copied from a text. QUESTIONS=FOLDER takes real ones instead,
from JSON lines with `question` and `solution`.
"""

import json
import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nltk
import pyarrow as pa
import typer

from bench.environment import run_datatrove, seconds_beyond_start, take_texts
from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.core.documents import DOCUMENT, QUESTION
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import list_shards, read_batches, read_rows, write_shards
from stages.decontaminate.rules import DecontaminateParams
from stages.decontaminate.stage import clear_documents, load_finder

WHAT = "decontamination, Parquet to Parquet"
WORD = re.compile(r"[^\W\d_]+|\d+")
# The number of questions in the six benchmarks of the paper that are available, and in all of them.
QUESTIONS = (4262, 9262)
# Upstream's n-grams and its threshold, and datatrove's n-grams.
NGRAM, MAX_JACCARD = 13, 0.6
DOCUMENT_CHARACTERS = 2500
UPSTREAM_DOCUMENTS = 40
DATATROVE_MEGABYTES = 5


def make_questions(texts: Path, count: int) -> list[dict[str, Any]]:
    """Return `count` questions, as long as real ones: 42 words on average; half have a solution of 115 words."""
    if folder := os.environ.get("QUESTIONS"):
        lines = [line for path in sorted(Path(folder).glob("*.jsonl")) for line in path.read_text().splitlines()]
        return [
            _question(i, row["question"], row.get("solution") or "") for i, row in enumerate(map(json.loads, lines))
        ]
    rng, documents = random.Random(0), [WORD.findall(row["text"]) for row in read_rows(texts, ["text"])]
    rows = []
    for number in range(count):
        words = rng.choice(documents)
        start, size = rng.randrange(len(words)), rng.randint(10, 74)
        # Words, not what is between blanks: `assert_frame_equal(result,` would be five words copied in their order.
        asked = words[start : start + size] if number % 1000 == 0 else rng.choices(words, k=size)
        solution = rng.choices(words, k=rng.randint(30, 200) * (number % 2))
        rows.append(_question(number, " ".join(asked), " ".join(solution)))
    return rows


def _question(number: int, question: str, solution: str | list[str]) -> dict[str, Any]:
    solution = "\n".join(solution) if isinstance(solution, list) else solution
    row = {"id": f"q/{number}", "benchmark": "all", "question": question}
    return row | {"options": [], "answer": "", "solution": solution}


def find_with_jaccard(texts: Sequence[str], questions: Sequence[str], ngram: int, most: float) -> list[bool]:
    """Return which texts leak by upstream's rule, which compares each text's n-grams with each question's."""

    def ngrams(text: str) -> set[tuple[str, ...]]:
        return set(nltk.ngrams(text.split(), ngram))  # upstream's n-grams are nltk's

    leaks = []
    for text in texts:
        own = ngrams(text)
        leak = False
        for question in questions:
            # As upstream does: it builds a question's n-grams again for each document.
            other = ngrams(question)
            leak |= text in question or (bool(own | other) and len(own & other) / len(own | other) > most)
        leaks.append(leak)
    return leaks


def compare(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark, on a quarter of the text."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        texts = Path(temporary, "texts")
        write_shards(texts, _cut(make_texts(max(1, megabytes // 4))), DOCUMENT)
        size = count_bytes(texts) / 1e6
        documents = [row["text"] for row in read_rows(texts, ["text"])]
        for count in QUESTIONS:
            folder = Path(temporary, str(count))
            questions = make_questions(texts, count)
            rows += _compare(texts, documents, questions, size, folder)
    return rows


def _cut(texts: Path) -> Iterator[pa.RecordBatch]:
    for shard in list_shards(texts):
        for batch in read_batches(shard):
            cut = [
                row | {"id": f"{row['id']}/{start}", "text": row["text"][start : start + DOCUMENT_CHARACTERS]}
                for row in batch.to_pylist()
                for start in range(0, len(row["text"]) - DOCUMENT_CHARACTERS + 1, DOCUMENT_CHARACTERS)
            ]
            yield pa.RecordBatch.from_pylist(cut, DOCUMENT)


def _compare(
    texts: Path, documents: Sequence[str], questions: list[dict[str, Any]], size: float, folder: Path
) -> list[Row]:
    params = load("decontaminate", DecontaminateParams)
    benchmarks = folder / "benchmarks"
    write_shards(benchmarks / "all", [pa.RecordBatch.from_pylist(questions, QUESTION)], QUESTION)
    finder = load_finder(benchmarks, params)

    def ours() -> int:
        shutil.rmtree(folder / "ours", ignore_errors=True)
        shards = enumerate(list_shards(texts))
        reports = [clear_documents(s, folder / "ours" / str(n), benchmarks, params) for n, s in shards]
        return sum(report.dropped.total() for report in reports)

    seconds, dropped = best_seconds(ours)
    search, _ = best_seconds(lambda: finder.find(pa.array(documents, pa.large_string())))
    asked = [question["question"] for question in questions]
    few = random.Random(0).sample(documents, UPSTREAM_DOCUMENTS)
    slow, _ = best_seconds(lambda: find_with_jaccard(few, asked, NGRAM, MAX_JACCARD), 1)
    index = index_for_datatrove([q[part] for q in questions for part in ("question", "solution")], NGRAM, folder)
    part = take_texts(texts, folder / "part", DATATROVE_MEGABYTES)
    run = lambda t, o: run_datatrove("decontaminate", index, str(NGRAM), t, o)  # noqa: E731
    other, start = seconds_beyond_start(run, part, folder)
    in_part = sum(1 for _ in read_rows(part, ["id"]))
    rate = len(documents) / seconds
    note = (
        f"{len(questions)} questions, {size:.0f} MB, {len(documents)} documents, {dropped} dropped; "
        f"{size / seconds:.0f} MB/s, the search alone {size / search:.0f} MB/s; upstream on {len(few)} documents"
    )
    said = f"{len(questions)} questions; datatrove on {in_part} documents, without its start-up of {start:.1f} s"
    return [
        Row(WHAT, rate, len(few) / slow, "documents/s", "upstream's Jaccard", note),
        Row(WHAT, rate, in_part / other, "documents/s", "datatrove's n-grams", said),
    ]


def index_for_datatrove(looked_for: list[str], ngram: int, folder: Path) -> Path:
    """Write datatrove's index of texts into a folder and return where it lies."""
    (folder / "questions.json").write_text(json.dumps(looked_for), encoding="utf-8")
    run_datatrove("index", folder / "questions.json", str(ngram), folder / "index")
    return folder / "index"


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
