"""Duplicates planted into the sample, as `make repro` selected it: they are found, and nothing else is dropped."""

import random
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import ROOT

from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.params import load, read_yaml
from mathcode_pile.core.shards import read_rows, write_shards
from stages.deduplicate.signatures import DeduplicateParams
from stages.deduplicate.stage import deduplicate
from stages.select.stage import COMPONENT

pytestmark = pytest.mark.pipeline

SELECTED = ROOT / "data" / "select"
SCHEMA = DOCUMENT.append(COMPONENT)
COPIES = 1400


def shingles(text: str, ngram: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W\d_][^\W_]*|\d+|[-+*/=<>^|!≤≥≠±]", text.lower())
    return {tuple(words[i : i + ngram]) for i in range(max(1, len(words) - ngram + 1))}


def change(text: str, share: float, rng: random.Random) -> str:
    """Replace a share of a text's words; its spaces and lines stay the same."""
    parts = re.split(r"(\s+)", text)
    places = range(0, len(parts), 2)
    for place in rng.sample(places, max(1, round(share * len(places)))):
        parts[place] = f"changed{rng.randrange(10**6)}"
    return "".join(parts)


def test_planted_copies_are_found_and_nothing_else_is_lost(tmp_path: Path, project: Path) -> None:
    if not SELECTED.is_dir():
        pytest.skip("needs what `make repro` makes")
    params = load("deduplicate", DeduplicateParams)
    components = {name: source["component"] for name, source in read_yaml(ROOT / "params.yaml")["sources"].items()}
    shutil.copytree(SELECTED, tmp_path / "select")
    deduplicate(tmp_path / "select", tmp_path / "before", components, params)
    # Copies go into the component that is last in priority, so that the originals are kept.
    *others, last = params.priority
    kept = {row["id"]: row["text"] for name in others for row in read_rows(tmp_path / "before" / name)}
    rng = random.Random(0)
    long_enough = [identity for identity, text in sorted(kept.items()) if len(text.split()) >= 60]
    copied = rng.sample(long_enough, COPIES)
    planted, similarity, is_exact = [], {}, {}
    for number, original in enumerate(copied):
        text = kept[original]
        is_same = number % 3 == 0
        copy = " \n" + "\n\n".join(text.split()) if is_same else change(text, rng.uniform(0.001, 0.06), rng)
        identity = document_id("planted", str(number))
        one, other = shingles(text, params.ngram), shingles(copy, params.ngram)
        similarity[identity], is_exact[identity] = len(one & other) / len(one | other), is_same
        fields = {"source": "planted", "url": original, "license": "", "metadata": "{}", "component": last}
        planted.append(fields | {"id": identity, "text": copy})
    write_shards(tmp_path / "select" / "planted", [pa.RecordBatch.from_pylist(planted, schema=SCHEMA)], SCHEMA)
    deduplicate(tmp_path / "select", tmp_path / "after", components | {"planted": last}, params)

    kept |= {row["id"]: row["text"] for row in read_rows(tmp_path / "before" / last)}
    stays = {row["id"] for name in params.priority for row in read_rows(tmp_path / "after" / name)}
    exact = {identity for identity in similarity if is_exact[identity]}
    near = {i for i, value in similarity.items() if not is_exact[i] and value >= params.min_similarity}
    unlike = {i for i, value in similarity.items() if value < 0.6}
    print(f"found: exact {len(exact - stays)} of {len(exact)}, near {len(near - stays)} of {len(near)}")
    print(f"kept: below 0.6 {len(unlike & stays)} of {len(unlike)}, others {len(kept.keys() & stays)} of {len(kept)}")
    assert len(exact) > 400 and len(near) > 250
    assert not exact & stays
    assert len(near - stays) >= 0.99 * len(near)
    assert kept.keys() <= stays
    assert unlike <= stays
