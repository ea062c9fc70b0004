"""Compare the speed of four stages with that of an older version of the code, in one run.

    git worktree add ../old REVISION
    python -m bench.speed ../old

The documents are those of MATHCODE_REAL_DATA, and the questions that decontaminate looks for are its benchmarks. The
versions run in turns, each in its own process, and the best of the rounds counts, in seconds of processor time. verify
compares the results that the documents state with the outputs of a part of the translator's programs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from bench.environment import REAL_DATA, ROOT, read_lines
from bench.table import describe_machine, format_table
from mathcode_pile.core.documents import QUESTION
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.shards import write_shards
from mathcode_pile.sandbox import Limits, Sandbox
from stages.translate.symbolic import translate_document

STAGES = ("translate", "verify", "decontaminate", "deduplicate")
# One of so many documents gives verify its computations.
VERIFIED_EVERY = 5


def read_documents() -> list[str]:
    """Return the texts of the real documents; raises PipelineError where there are none."""
    paths = sorted((REAL_DATA / "documents").glob("*.jsonl"))
    if not paths:
        raise PipelineError(f"{REAL_DATA}: no documents; MATHCODE_REAL_DATA names the folder of real data")
    return [_text_of(row) for path in paths for row in read_lines(path)]


def _text_of(row: dict[str, Any]) -> str:
    parts = [row[name] for name in ("text", "problem", "question", "solution", "answer") if row.get(name)]
    return "\n\n".join(parts)


def write_inputs(folder: Path, texts: Sequence[str]) -> None:
    """Write what all versions read: the documents, pairs for verify, and questions for decontaminate."""
    (folder / "documents.json").write_text(json.dumps(texts), encoding="utf-8")
    (folder / "pairs.json").write_text(json.dumps(make_pairs(texts)), encoding="utf-8")
    for path in sorted((REAL_DATA / "benchmarks").glob("*.jsonl")):
        questions = [_question(path.stem, row) for row in read_lines(path)]
        write_shards(folder / "benchmarks" / path.stem, [pa.RecordBatch.from_pylist(questions, QUESTION)], QUESTION)


def make_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the stated results of some documents' computations with the outputs of their programs."""
    computations = [c for text in texts[::VERIFIED_EVERY] for c in translate_document(text).computations]
    with Sandbox(Limits(), lanes=2) as sandbox:
        results = sandbox.run_all([computation.code for computation in computations])
    pairs = zip(computations, results, strict=True)
    return [(computation.result, result.stdout) for computation, result in pairs if result.outcome == "ok"]


def _question(benchmark: str, row: dict[str, Any]) -> dict[str, Any]:
    solution = row.get("solution") or ""
    return {
        "id": str(row["id"]),
        "benchmark": benchmark,
        "question": row["question"],
        "options": row.get("options") or [],
        "answer": "",
        "solution": "\n".join(solution) if isinstance(solution, list) else solution,
    }


def time_version(checkout: Path, folder: Path, stages: Sequence[str]) -> dict[str, float]:
    """Return the seconds that a version of the code needs for each stage."""
    environment = os.environ | {"PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{checkout}", "PYTHONHASHSEED": "0"}
    script = ROOT / "bench" / "speed_of_version.py"
    command = [sys.executable, "-P", script, folder, *stages]
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main(
    old: Annotated[Path, typer.Argument(help="A checkout of the older version.")],
    stages: Annotated[list[str] | None, typer.Option("--stage", help="Only these stages.")] = None,
    rounds: Annotated[int, typer.Option(help="How often each version runs.")] = 3,
    step: Annotated[int, typer.Option(help="Every so many documents are taken.")] = 1,
) -> None:
    """Print the seconds of both versions and the ratio: 1 is as fast as before, 0.5 half as fast."""
    chosen = stages or list(STAGES)
    versions = {"now": ROOT, "then": old.resolve()}
    best: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts = read_documents()[::step]
        write_inputs(folder, texts)
        for _ in range(rounds):
            for version, checkout in versions.items():
                for stage, seconds in time_version(checkout, folder, chosen).items():
                    best[stage, version] = min(seconds, best.get((stage, version), seconds))
    lines = [
        [stage, *(f"{best[stage, name]:.2f} s" for name in versions), f"{best[stage, 'then'] / best[stage, 'now']:.2f}"]
        for stage in chosen
    ]
    print(f"{describe_machine()}; {len(texts):,} documents, the best of {rounds} runs.\n")
    print(format_table(["stage", *versions, "speed now / then"], lines))


if __name__ == "__main__":
    typer.run(main)
