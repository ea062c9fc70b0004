"""Time four stages of the version of the code on the import path; bench.speed runs this once for each version.

    python -P bench/speed_of_version.py FOLDER STAGE...

Prints the seconds of processor time as JSON. It imports only what all versions have.
"""

import json
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mathcode_pile.answers import Checker
from mathcode_pile.core.params import load
from mathcode_pile.kernels.words import text_hashes
from stages.decontaminate.stage import DecontaminateParams, load_finder
from stages.deduplicate.clusters import decide
from stages.deduplicate.minhash_kernel import permutations, sign_texts
from stages.deduplicate.signatures import DeduplicateParams, Signed
from stages.translate.symbolic import translate_document

# Compiled stages take so little time that one run says little.
KERNEL_RUNS = 5


def time_translate(folder: Path) -> float:
    """Return the seconds that the symbolic translator needs for the documents."""
    texts = read_texts(folder)
    return _seconds(lambda: [translate_document(text) for text in texts])


def time_verify(folder: Path) -> float:
    """Return the seconds that the pairs of stated results and outputs need."""
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))

    def compare() -> None:
        with Checker() as checker:
            for stated, printed in pairs:
                checker.compare(stated, printed)

    return _seconds(compare)


def time_decontaminate(folder: Path) -> float:
    """Return the seconds of the search for leaks. The index of the questions is built before."""
    finder = load_finder(folder / "benchmarks", load("decontaminate", DecontaminateParams))
    column = pa.array(read_texts(folder), pa.large_string())
    finder.find(column)  # compiles the kernels
    return _seconds(lambda: finder.find(column), KERNEL_RUNS)


def time_deduplicate(folder: Path) -> float:
    """Return the seconds that the signatures and their comparison need."""
    texts = read_texts(folder)
    params = load("deduplicate", DeduplicateParams)
    _deduplicate(texts, params)  # compiles the kernels
    return _seconds(lambda: _deduplicate(texts, params), KERNEL_RUNS)


def _deduplicate(texts: Sequence[str], params: DeduplicateParams) -> None:
    column = pa.array(texts, pa.large_string())
    signatures, words = sign_texts(column, params.ngram, permutations(params.permutations, params.seed))
    signed = Signed(*text_hashes(column), words.astype(np.int32), signatures, np.array([0, len(texts)]))
    decide(signed, np.zeros(len(texts), np.int16), params, lambda rows: rows)


def read_texts(folder: Path) -> list[str]:
    """Return the documents."""
    texts: list[str] = json.loads((folder / "documents.json").read_text(encoding="utf-8"))
    return texts


def _seconds(run: Callable[[], Any], times: int = 1) -> float:
    """Return the fewest processor seconds of several runs."""
    best = float("inf")
    for _ in range(times):
        start = _processor_seconds()
        run()
        best = min(best, _processor_seconds() - start)
    return best


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


STAGES = {
    "translate": time_translate,
    "verify": time_verify,
    "decontaminate": time_decontaminate,
    "deduplicate": time_deduplicate,
}


if __name__ == "__main__":
    print(json.dumps({stage: STAGES[stage](Path(sys.argv[1])) for stage in sys.argv[2:]}))
