"""Round 1 as `make repro` trained it, measured on documents whose label is beyond doubt.

The sample's crawl holds pages of mathematics among its negatives, so the stage's own F1 is a lower bound. Here
the same code is trained and measured on package documentation alone, and on real problems and solutions.
"""

import json
import math
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from conftest import ROOT

from mathcode_pile.classifier.scorer import MODEL_FILE, Scorer
from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import read_rows, write_shards
from stages.train_classifier.stage import ClassifyParams, train_classifier

pytestmark = pytest.mark.pipeline

POSITIVES, NEGATIVES = ROOT / "data" / "select" / "openwebmath", ROOT / "data" / "fetch" / "cc_en"


@pytest.fixture(autouse=True)
def _reproduced() -> None:
    if not (POSITIVES.is_dir() and NEGATIVES.is_dir()):
        pytest.skip("needs what `make repro` makes")


def copy_documents(folder: Path, out: Path, start: str = "", more: list[str] | None = None) -> Path:
    """Write a folder's documents whose address begins so, and further texts."""
    rows = [{name: row[name] for name in DOCUMENT.names} for row in read_rows(folder) if row["url"].startswith(start)]
    fields = {"source": "more", "url": "", "license": "", "metadata": "{}"}
    rows += [fields | {"id": document_id("more", text), "text": text} for text in more or []]
    write_shards(out, [pa.RecordBatch.from_pylist(rows, schema=DOCUMENT)], DOCUMENT)
    return out


def test_documentation_of_mathematical_packages_is_told_from_that_of_others(tmp_path: Path, project: Path) -> None:
    positives = copy_documents(POSITIVES, tmp_path / "p", "pkg:")
    negatives = copy_documents(NEGATIVES, tmp_path / "n", "pkg:")
    params = load("classify", ClassifyParams)
    measured = train_classifier(positives, negatives, tmp_path / "m", tmp_path / "plots", params, [1])
    print(measured)
    assert measured["held_out_positives"] > 100 and measured["held_out_negatives"] > 100
    assert measured["f1"] >= 0.97


def test_half_of_real_problems_and_solutions_finds_the_other_half(
    tmp_path: Path, project: Path, real_data: Path
) -> None:
    columns = ("problem", "question", "solution", "answer")
    lines = [
        line
        for path in sorted((real_data / "documents").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
    ]
    rows = [json.loads(line) for line in lines if line]
    texts = ["\n\n".join(row[name] for name in columns if name in row) for row in rows]
    positives = copy_documents(POSITIVES, tmp_path / "p", more=texts[::2])
    negatives = copy_documents(NEGATIVES, tmp_path / "n")
    params = load("classify", ClassifyParams)
    # The sample's limit would leave most of the half out.
    most = params.max_documents_per_label * math.ceil(len(texts) / params.max_documents_per_label)
    params = params.model_copy(update={"max_documents_per_label": most})
    train_classifier(positives, negatives, tmp_path / "m", tmp_path / "plots", params, [1])
    scores = Scorer(tmp_path / "m" / MODEL_FILE).score(pa.array(texts[1::2]))
    sources = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["sources"]
    recall = (scores >= sources["cc_en"]["threshold"]).mean()
    print(f"recall on {len(scores)} documents: {recall:.4f}")
    assert recall >= 0.95
