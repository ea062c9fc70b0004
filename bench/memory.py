"""Measure the peak memory of each data stage's largest process on a large input, with two workers.

    make bench-memory                       on 1 GB of text; about 20 minutes
    make bench-memory ARGS="--megabytes 50 --no-write"

The input is the text of the benchmarks, repeated. Each copy has other ids and one more word in each document. For
filter_code it is Python files, repeated in the same way.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import typer

from bench.decontaminate import make_questions
from bench.environment import ROOT
from bench.table import describe_machine, format_table, write_table
from bench.texts import make_files, make_texts
from mathcode_pile.core.documents import DOCUMENT, QUESTION
from mathcode_pile.core.shards import list_shards, read_batches, write_shards

QUESTIONS = 9262
# In order: each reads what those before it wrote.
RUNS = {
    "fetch": """
from stages.fetch.stage import OriginsParams, fetch_source
origin = {"kind": "local", "path": str(folder / "one/documents"), "format": "parquet", "license": "x"}
fetch_source("bench", OriginsParams.model_validate({"origins": [origin]}), folder / "fetched")
""",
    "filter_code": """
from stages.filter_code.stage import FilterCodeParams, filter_code
from mathcode_pile.core.params import load
filter_code(folder / "files", folder / "code", load("filter_code", FilterCodeParams).packages, "python")
""",
    "train_classifier": """
from stages.train_classifier.stage import ClassifyParams, train_classifier
from mathcode_pile.core.params import load
train_classifier(folder / "one/documents", folder / "two/documents", folder / "model", folder / "plots",
                 load("classify", ClassifyParams).model_copy(update={"epochs": 1}), [1])
""",
    "classify": """
from stages.classify.stage import classify
classify(folder / "one/documents", folder / "model", folder / "classified", "bench", 0.5)
""",
    "deduplicate": """
from stages.deduplicate.signatures import DeduplicateParams
from stages.deduplicate.stage import deduplicate
from mathcode_pile.core.params import load
deduplicate(folder / "one", folder / "deduplicated", {"documents": "textbooks"}, load("deduplicate", DeduplicateParams))
""",
    "decontaminate": """
from stages.decontaminate.stage import DecontaminateParams, Names, decontaminate
from mathcode_pile.core.params import load
decontaminate(folder / "one", folder, folder / "benchmarks", folder / "clean",
              load("decontaminate", DecontaminateParams), Names(["documents"], []))
""",
    "tokenizer": """
from stages.tokenizer.stage import TokenizerParams, TrainParams, bring_tokenizer
bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=32_000)), folder / "two", folder / "tokenizer")
""",
    "tokenize": """
from mathcode_pile.core.params import load
from stages.tokenize.stage import TokenizeParams, tokenize
tokenize(folder / "one/documents", folder / "tokenizer", folder / "tokens/documents", load("tokenize", TokenizeParams))
""",
    "pack": """
from stages.pack.mixture import ShareParams
from stages.pack.stage import PackParams, pack
pack(folder / "tokens", folder / "packed", PackParams(sequence_length=8192, max_epochs=4, seed=0),
     {"documents": ShareParams(weight=1)})
""",
}


def enlarge(texts: Path, out: Path, copies: int, name: str) -> None:
    """Write `copies` copies of the texts; `name` makes their ids and texts different."""

    def batches():  # type: ignore[no-untyped-def]
        for copy in range(copies):
            mark = pa.scalar(f"{name}{copy}", pa.string())
            for shard in list_shards(texts):
                for batch in read_batches(shard):
                    ids = pc.binary_join_element_wise(batch.column("id"), mark, "/")
                    text = pc.binary_join_element_wise(
                        batch.column("text"), mark.cast(pa.large_string()), pa.scalar(" ", pa.large_string())
                    )
                    columns = [ids, text, *batch.columns[2:]]
                    yield pa.RecordBatch.from_arrays(columns, schema=DOCUMENT)

    write_shards(out, batches(), DOCUMENT)


# Runs a command and prints the largest peak of it and of its child processes, in kB. It is a small process of its own,
# because Linux also counts the memory that a process had before exec.
_WATCH = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def make_input(folder: Path, megabytes: int) -> None:
    """Write what RUNS read: documents, Python files, and questions."""
    part = min(100, megabytes)
    texts, files = make_texts(part), make_files(part)
    enlarge(texts, folder / "one" / "documents", megabytes // part, "one")
    enlarge(texts, folder / "two" / "documents", 1, "two")
    enlarge(files, folder / "files", megabytes // part, "# file")
    questions = pa.RecordBatch.from_pylist(make_questions(texts, QUESTIONS), QUESTION)
    write_shards(folder / "benchmarks" / "all", [questions], QUESTION)


def peak_megabytes(code: str, folder: Path, scratch: Path) -> float:
    """Run code in its own process, with two workers; return the largest peak of it and of its workers."""
    environment = os.environ | {"MATHCODE_WORKERS": "2", "MATHCODE_SCRATCH": str(scratch)}
    environment["PYTHONPATH"] = str(ROOT / "src")
    program = f"import sys; from pathlib import Path; folder = Path(sys.argv[1])\n{code}"
    command = [sys.executable, "-c", _WATCH, sys.executable, "-c", program, str(folder)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def main(megabytes: int = 1000, write: bool = True) -> None:
    """Print the peak of each stage; with --write (the default) also write the table to docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_input(folder, megabytes)
        lines = []
        for stage, code in RUNS.items():
            lines.append([stage, f"{peak_megabytes(code, folder, folder / 'scratch'):.0f} MB"])
            typer.echo(" ".join(lines[-1]), err=True)
    table = format_table(["stage", "peak of a process"], lines)
    table = f"{describe_machine()}; {megabytes} MB of input, two workers.\n\n{table}"
    typer.echo(table)
    if write:
        write_table(ROOT / "docs" / "benchmarks.md", "make bench-memory", table)


if __name__ == "__main__":
    typer.run(main)
