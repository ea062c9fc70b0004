"""Deduplication: all planted copies are dropped, nothing else is, and the same document is always kept."""

import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.errors import InputError, ParamsError, PipelineError
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import read_rows, write_shards
from stages.deduplicate.signatures import DeduplicateParams, map_minima, memory_bytes, minima_bytes
from stages.deduplicate.stage import deduplicate

PARAMS = DeduplicateParams(
    ngram=5,
    bands=20,
    rows_per_band=6,
    min_similarity=0.8,
    max_numbers_changed=0.1,
    seed=1,
    priority=["books", "web", "code"],
)
COMPONENTS = {"crawl": "web", "pages": "web", "scans": "books"}
SCHEMA = DOCUMENT.append(pa.field("component", pa.string(), nullable=False))


def write_source(root: Path, source: str, texts: dict[str, str], shard_bytes: int = 1 << 20) -> None:
    rows = [
        {
            "id": document_id(source, key),
            "text": text,
            "source": source,
            "url": key,
            "license": "",
            "metadata": "{}",
            "component": COMPONENTS[source],
        }
        for key, text in texts.items()
    ]
    batches = [pa.RecordBatch.from_pylist(rows, schema=SCHEMA)] if rows else []
    write_shards(root / source, batches, SCHEMA, shard_bytes)


def write_sources(root: Path, **texts: dict[str, str]) -> Path:
    for source in COMPONENTS:
        write_source(root, source, texts.get(source, {}))
    return root


def kept_keys(out: Path, component: str) -> set[str]:
    return {row["url"] for row in read_rows(out / component)}


def dropped_rows(out: Path, component: str) -> dict[str, dict]:
    return {row["id"]: row for row in read_rows(out / component / "dropped")}


def prose(seed: object, words: int) -> list[str]:
    rng = random.Random(f"prose{seed}")
    return [f"w{rng.randrange(5000)}" for _ in range(words)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


def similarity(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def changed(words: list[str], places: int, seed: object) -> str:
    rng = random.Random(f"change{seed}")
    copy = list(words)
    for place in rng.sample(range(len(copy)), places):
        copy[place] = f"x{rng.randrange(10**9)}"
    return " ".join(copy)


def test_planted_duplicates_are_found_and_nothing_else_goes(project: Path) -> None:
    originals = {f"doc{i}": prose(i, random.Random(i).randint(60, 600)) for i in range(500)}
    exact = {f"exact{i}": "\n\n  ".join(originals[f"doc{i}"]) + " " for i in range(150)}
    near = {f"near{i}": changed(originals[f"doc{i}"], 1 + i % 9, i) for i in range(200, 500)}
    selected = write_sources(
        project / "select", scans={k: " ".join(words) for k, words in originals.items()}, crawl=exact | near
    )
    metrics = deduplicate(selected, project / "out", COMPONENTS, PARAMS)
    assert kept_keys(project / "out", "books") == set(originals)
    stays = kept_keys(project / "out", "web")
    assert not stays & set(exact)
    alike = {k: similarity(text, " ".join(originals[k.replace("near", "doc")])) for k, text in near.items()}
    wanted = {key for key, value in alike.items() if value >= PARAMS.min_similarity}
    assert len(wanted) > 150
    assert len(wanted - stays) >= 0.99 * len(wanted)
    unlike = {key for key, value in alike.items() if value < 0.55}
    assert len(unlike) > 10
    assert unlike <= stays
    assert metrics["in"] == metrics["kept"] + metrics["dropped"] == 950
    assert metrics["web_exact_duplicate"] == 150


def test_every_dropped_document_resembles_the_one_named(project: Path) -> None:
    chain = prose("chain", 200)
    texts = {"a00": " ".join(chain)}
    for step in range(
        1, 30
    ):  # each differs a little from the one before it, and the last one completely from the first
        chain[step * 6 : step * 6 + 3] = prose(f"step{step}", 3)
        texts[f"a{step:02d}"] = " ".join(chain)
    deduplicate(write_sources(project / "select", crawl=texts), project / "out", COMPONENTS, PARAMS)
    by_id = {document_id("crawl", key): text for key, text in texts.items()}
    kept = {row["id"] for row in read_rows(project / "out" / "web")}
    dropped = dropped_rows(project / "out", "web")
    assert len(kept) > 1 and len(dropped) > 1
    for identity, row in dropped.items():
        survivor = row["detail"].split()[1]
        assert survivor in kept
        assert similarity(by_id[identity], by_id[survivor]) > 0.5


def test_priority_then_words_then_id_decide_who_stays(project: Path) -> None:
    text, longer = " ".join(prose(1, 300)), " ".join([*prose(1, 300), "one", "more"])
    alone = " ".join(prose(2, 50))
    selected = write_sources(
        project / "select",
        crawl={"c": text, "long": longer, "alone-c": alone},
        pages={"p": text, "alone-p": alone},
        scans={"s": text},
    )
    deduplicate(selected, project / "out", COMPONENTS, PARAMS)
    assert kept_keys(project / "out", "books") == {"s"}
    lowest = min(["alone-c", "alone-p"], key=lambda k: document_id({"c": "crawl", "p": "pages"}[k[-1]], k))
    assert kept_keys(project / "out", "web") == {lowest}
    (project / "select" / "scans" / "part-00000.parquet").unlink()
    deduplicate(selected, project / "again", COMPONENTS, PARAMS)
    assert kept_keys(project / "again", "web") == {"long", lowest}


def test_an_exact_copy_of_a_near_duplicate_names_the_document_that_stays(project: Path) -> None:
    words = prose(3, 300)
    other = changed(words, 2, 3)
    selected = write_sources(project / "select", scans={"s": " ".join(words)}, crawl={"a": other, "b": other + "\n"})
    deduplicate(selected, project / "out", COMPONENTS, PARAMS)
    rows = dropped_rows(project / "out", "web").values()
    assert {row["reason"] for row in rows} == {"exact_duplicate", "near_duplicate"}
    assert {row["detail"].split()[1] for row in rows} == {document_id("scans", "s")}


def test_short_and_wordless_documents_go_only_as_copies(project: Path) -> None:
    texts = {"a": "one two", "b": "one two", "c": "one two three", "d": "", "e": " \n", "f": "+ = !", "g": "+ = ?"}
    selected = write_sources(project / "select", crawl=texts)
    metrics = deduplicate(selected, project / "out", COMPONENTS, PARAMS)
    assert metrics["reasons"] == "exact_duplicate 2"
    assert {"c", "f", "g"} <= kept_keys(project / "out", "web")


def test_any_number_of_workers_writes_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {f"t{i}": changed(prose(i % 40, 120), i % 3, i) for i in range(160)}
    for source in COMPONENTS:
        write_source(project / "select", source, texts, shard_bytes=20_000)
    found = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(project / f"scratch{workers}"))
        metrics = deduplicate(project / "select", project / f"out{workers}", COMPONENTS, PARAMS)
        found.append((hash_folder(project / f"out{workers}"), json.dumps(metrics)))
    assert len(set(found)) == 1


def test_survivors_do_not_depend_on_the_shards_of_the_documents(project: Path) -> None:
    texts = {f"t{i}": changed(prose(i % 30, 150), i % 4, i) for i in range(120)}
    shuffled = dict(sorted(texts.items(), key=lambda item: hash(item[0])))
    kept = []
    for name, chosen, shard_bytes in (("one", texts, 1 << 20), ("many", texts, 9000), ("other", shuffled, 20_000)):
        write_sources(project / name)
        write_source(project / name, "crawl", chosen, shard_bytes)
        deduplicate(project / name, project / f"out-{name}", COMPONENTS, PARAMS)
        kept.append(kept_keys(project / f"out-{name}", "web"))
    assert kept[0] == kept[1] == kept[2]


def test_a_component_without_documents_has_a_folder(project: Path) -> None:
    selected = write_sources(project / "select", crawl={"a": "some text"})
    deduplicate(selected, project / "out", COMPONENTS, PARAMS)
    assert list(read_rows(project / "out" / "books")) == []
    assert not (project / "out" / "code").exists()  # no source feeds it


def test_a_shard_added_leaves_the_finished_signatures_in_use(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.deduplicate import signatures

    write_sources(project / "select")
    write_source(project / "select", "crawl", {f"t{i}": " ".join(prose(i, 300)) for i in range(60)}, 20_000)
    deduplicate(project / "select", project / "out", COMPONENTS, PARAMS)
    write_source(project / "select", "pages", {"new": " ".join(prose("new", 300))})
    signed: list[Path] = []
    sign_texts = signatures.sign_texts
    monkeypatch.setenv("MATHCODE_WORKERS", "1")
    monkeypatch.setattr(
        signatures, "sign_texts", lambda text, *rest: signed.append(len(text)) or sign_texts(text, *rest)
    )
    deduplicate(project / "select", project / "out", COMPONENTS, PARAMS)
    assert signed == [1, 1]  # the warm-up's one text, and the added document


def test_clusters_are_described_with_examples(project: Path) -> None:
    texts = {f"t{i}": changed(prose(i % 20, 200), i % 2, i) for i in range(60)}
    deduplicate(write_sources(project / "select", crawl=texts), project / "out", COMPONENTS, PARAMS)
    described = json.loads((project / "out" / "clusters.json").read_text(encoding="utf-8"))
    assert described["clusters"] == 20
    assert described["sizes"] == {"3": 20}
    example = described["examples"][0]
    by_id = {document_id("crawl", key): text for key, text in texts.items()}
    assert by_id[example["stays"]].startswith(example["stays_text"])
    assert by_id[example["goes"]].startswith(example["goes_text"])


def test_a_billion_documents_fit_in_128_gb_with_their_signatures_on_disk() -> None:
    assert memory_bytes(10**9) < 128e9 and minima_bytes(10**9, PARAMS) < 500e9


def test_a_disk_without_room_for_the_signatures_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="minima: no room for the signatures: "):
        map_minima(tmp_path / "minima", 1 << 50, 216)


def test_a_component_without_priority_is_named(project: Path) -> None:
    selected = write_sources(project / "select", crawl={"a": "text"})
    with pytest.raises(ParamsError, match="priority lacks other"):
        deduplicate(selected, project / "out", COMPONENTS | {"pages": "other"}, PARAMS)


def test_a_missing_source_and_no_documents_at_all_are_errors(project: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        deduplicate(project / "nothing", project / "out", COMPONENTS, PARAMS)
    with pytest.raises(InputError, match="no documents"):
        deduplicate(write_sources(project / "select"), project / "out", COMPONENTS, PARAMS)


def test_the_same_shard_twice_is_an_error(project: Path) -> None:
    selected = write_sources(project / "select", crawl={"a": "text one", "b": "text two"})
    shard = selected / "crawl" / "part-00000.parquet"
    (selected / "crawl" / "part-00001.parquet").write_bytes(shard.read_bytes())
    with pytest.raises(InputError, match="document .* is in .* too"):
        deduplicate(selected, project / "out", COMPONENTS, PARAMS)


def test_a_broken_shard_is_named(project: Path) -> None:
    selected = write_sources(project / "select", crawl={"a": "text one"})
    (selected / "crawl" / "part-00001.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="part-00001"):
        deduplicate(selected, project / "out", COMPONENTS, PARAMS)
