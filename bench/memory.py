"""Peak memory of a worker of each of the stages on a large input.

    python -m bench.memory --megabytes 1000

The input is the benchmarks' text set over and over, each time with other ids and a word more in each document.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import typer

from bench.table import describe_machine
from bench.texts import make_texts
from mathcode_pile.documents import DOCUMENT
from mathcode_pile.shards import list_shards, read_batches, write_shards

ROOT = Path(__file__).resolve().parents[1]
_RUNS = {
    "train_classifier": """
from mathcode_pile.classifier.train import ClassifyParams, train_classifier
from mathcode_pile.params import load
train_classifier(folder / "one/documents", folder / "two/documents", folder / "model", folder / "plots",
                 load("classify", ClassifyParams).model_copy(update={"epochs": 1}), [1])
""",
    "classify": """
from mathcode_pile.classifier.scoring import classify
classify(folder / "one/documents", folder / "model", folder / "classified", "bench", 0.5)
""",
    "deduplicate": """
from mathcode_pile.deduplicate.signatures import DeduplicateParams
from mathcode_pile.deduplicate.stage import deduplicate
from mathcode_pile.params import load
deduplicate(folder / "one", folder / "deduplicated", {"documents": "textbooks"}, load("deduplicate", DeduplicateParams))
""",
}


def enlarge(texts: Path, out: Path, copies: int, name: str) -> None:
    """Write the texts so many times over."""

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


def peak_megabytes(code: str, folder: Path, scratch: Path) -> float:
    """Run code in a process of its own, with two workers; return the largest peak of it and of its workers."""
    prelude = (
        "import sys, resource; from pathlib import Path; folder = Path(sys.argv[1])\n"
        f"{code}\n"
        "print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
    )
    environment = os.environ | {"MATHCODE_WORKERS": "2", "MATHCODE_SCRATCH": str(scratch)}
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-c", prelude, str(folder)], env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout.split()[-1]) * 1024 / 1e6


def main(megabytes: int = 1000) -> None:
    """Print the peak of each stage."""
    part = min(100, megabytes)
    texts = make_texts(part)
    print(describe_machine())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        enlarge(texts, folder / "one" / "documents", megabytes // part, "one")
        enlarge(texts, folder / "two" / "documents", 1, "two")
        print("| stage | input | peak of a process |\n|---|---|---|")
        for stage, code in _RUNS.items():
            peak = peak_megabytes(code, folder, folder / "scratch")
            print(f"| {stage} | {megabytes} MB | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    typer.run(main)
