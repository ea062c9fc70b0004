"""Decontamination from Parquet to Parquet against upstream's way, written anew, on one core.

    python -m bench.decontaminate --megabytes 25

Upstream compares a document's set of 13-grams with that of each question (Jaccard over 0.6, or the same text). The
questions are real ones where ../shared/data lies beside the repository (MATHCODE_SHARED), else runs of words of the
texts' own kind. Our index is at hand before the clock starts. For datatrove's n-gram filter
too: pip install --target SOMEWHERE datatrove spacy, PYTHONPATH=SOMEWHERE.
"""

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer

from bench.table import Row, best_seconds, describe_machine, to_markdown
from bench.texts import count_bytes, make_texts
from mathcode_pile.decontaminate import clear_documents, load_finder
from mathcode_pile.decontaminate.leaks import DecontaminateParams
from mathcode_pile.documents import QUESTION
from mathcode_pile.params import load
from mathcode_pile.shards import list_shards, read_rows, write_shards

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = 4262
UPSTREAM_DOCUMENTS = 8
DATATROVE_DOCUMENTS = 200


def read_questions(texts: Path) -> list[dict[str, Any]]:
    """Return at least 4,000 questions, real ones where there are some at hand."""
    folder = Path(os.environ.get("MATHCODE_SHARED", ROOT.parent / "shared")) / "data" / "benchmarks"
    if folder.is_dir():
        files = sorted(folder.glob("*.jsonl"))
        rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
        texts_of = [(row["question"], row.get("solution") or "") for row in rows]
    else:
        rng, words = random.Random(0), [row["text"].split() for row in read_rows(texts, ["text"])]
        own = [rng.choice(words) for _ in range(QUESTIONS)]
        texts_of = [(" ".join(rng.sample(run, min(len(run), 45))), "") for run in own]
    return [
        {
            "id": f"q/{i}",
            "benchmark": "all",
            "question": q,
            "options": [],
            "answer": "",
            "solution": "\n".join(s) if isinstance(s, list) else s,
        }
        for i, (q, s) in enumerate(texts_of)
    ]


def find_with_jaccard(texts: Sequence[str], questions: Sequence[str], ngram: int, most: float) -> list[bool]:
    """Return which texts leak as upstream has it: each text's n-grams against each question's."""
    import nltk  # upstream's n-grams are nltk's

    def ngrams(text: str) -> set[tuple[str, ...]]:
        return set(nltk.ngrams(text.split(), ngram))

    leaks = []
    for text in texts:
        own = ngrams(text)
        leak = False
        for question in questions:
            # As upstream does: a question's n-grams are made for each document again.
            other = ngrams(question)
            leak |= text in question or (bool(own | other) and len(own & other) / len(own | other) > most)
        leaks.append(leak)
    return leaks


def prepare_datatrove(
    questions: Sequence[dict[str, Any]], folder: Path
) -> Callable[[Sequence[str]], list[bool]] | None:
    """Return datatrove's filter with an index of the questions' 13-grams; None where it is not installed."""
    try:
        import numpy as np
        from datatrove.data import Document
        from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
    except ImportError:
        print("datatrove is not installed: left out")
        return None
    folder.mkdir(parents=True)
    config = NGramsDecontConfig(n_grams=13, find_query_ngrams=False, find_overlap_ngrams=False)
    probe = NGramsDecontFilter.__new__(NGramsDecontFilter)
    (folder / "empty.index.hashes").write_bytes(b"")
    probe = NGramsDecontFilter(str(folder), config=config)
    from datatrove.utils.text import ngrams, simplify_text

    hashes = {
        probe.hash_func(" ".join(gram))
        for question in questions
        for gram in ngrams(probe.tokenizer.word_tokenize(simplify_text(question["question"], config.norm_config)), 13)
    }
    np.array(sorted(hashes), np.uint64).tofile(folder / "all.index.hashes")
    filter_ = NGramsDecontFilter(str(folder), config=config)
    return lambda texts: [filter_.filter(Document(text=text, id="")) is not True for text in texts]


def measure(megabytes: int = 25) -> list[Row]:
    """Return the rows of this benchmark."""
    texts = make_texts(min(megabytes, 25))
    size = count_bytes(texts) / 1e6
    params = load("decontaminate", DecontaminateParams)
    documents = [row["text"] for row in read_rows(texts, ["text"])]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        questions = read_questions(texts)
        write_shards(folder / "benchmarks" / "all", [pa.RecordBatch.from_pylist(questions, QUESTION)], QUESTION)
        finder = load_finder(folder / "benchmarks", params)

        def ours() -> None:
            shutil.rmtree(folder / "out", ignore_errors=True)
            for number, shard in enumerate(list_shards(texts)):
                clear_documents(shard, folder / "out" / str(number), folder / "benchmarks", params)

        seconds, _ = best_seconds(ours)
        column = pa.array(documents, pa.large_string())
        search, _ = best_seconds(lambda: finder.find(column))
        asked = [question["question"] for question in questions]
        slow, _ = best_seconds(
            lambda: find_with_jaccard(documents[:UPSTREAM_DOCUMENTS], asked, params.ngram, params.max_jaccard), 1
        )
        rate, upstream = len(documents) / seconds, UPSTREAM_DOCUMENTS / slow
        note = f"{size:.0f} MB, {len(questions)} questions and their solutions"
        print(f"search alone: {size / search:.1f} MB/s; Parquet to Parquet: {size / seconds:.1f} MB/s")
        rows = [Row("decontamination, Parquet to Parquet", rate, upstream, "documents/s", "upstream's Jaccard", note)]
        if other := prepare_datatrove(questions, folder / "datatrove"):
            spent, _ = best_seconds(lambda: other(documents[:DATATROVE_DOCUMENTS]), 1)
            rows.append(
                Row("decontamination", rate, DATATROVE_DOCUMENTS / spent, "documents/s", "datatrove's n-grams", note)
            )
    return rows


def main(megabytes: int = 25) -> None:
    """Print the table."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(describe_machine())
    print(to_markdown(measure(megabytes)))


if __name__ == "__main__":
    typer.run(main)
