"""Rows: the tokens that the mixture asks for, no token lost, hardly any padding, independent of the shards."""

import csv
import json
import pickle
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import write_shards
from mathcode_pile.tokens.packed import IGNORED, PackedRows, Vocabulary, token_schema
from stages.pack import row_files, row_plan
from stages.pack.mixture import ShareParams, ask_tokens, cut_documents
from stages.pack.packing_kernel import pack_pieces
from stages.pack.stage import PackParams, pack, write_mixture

VOCABULARY = Vocabulary(60_000, 1, 2, 2)
SCHEMA = token_schema(VOCABULARY)
HELD_OUT = 59_999  # a token that only held-out documents have
# Entries of a mixture; at most 3 epochs, which is under the limits used here.
SHARES = st.one_of(
    st.floats(0, 3).map(lambda x: ShareParams(weight=x)),
    st.floats(0, 3).map(lambda x: ShareParams(epochs=x)),
    st.integers(0, 400).map(lambda x: ShareParams(tokens=x)),
)


def make_documents(lengths: list[int], component: str) -> list[dict[str, Any]]:
    """Return documents of these lengths; their tokens depend on document and place."""
    rows = []
    for i, length in enumerate(lengths):
        inner = [3 + (i * 131 + k) % 59_000 for k in range(max(0, length - 2))]
        rows.append({"id": f"{component}/{i}", "source": "s", "tokens": ([1, *inner, 2])[:length]})
    return rows


def write_tokens(folder: Path, components: dict[str, list[int]], shard_bytes: int = 1 << 20) -> Path:
    for name, lengths in components.items():
        batches = [pa.RecordBatch.from_pylist(make_documents(lengths, name), SCHEMA)] if lengths else []
        write_shards(folder / name, batches, SCHEMA, shard_bytes)
        apart = [{"id": f"{name}/held-out", "source": "s", "tokens": [1, HELD_OUT, 2]}]
        write_shards(folder / name / "held_out", [pa.RecordBatch.from_pylist(apart, SCHEMA)], SCHEMA)
        values = {"vocabulary_size": VOCABULARY.size, "bos_id": 1, "eos_id": 2, "pad_id": 2}
        (folder / name / "vocabulary.json").write_text(json.dumps(values))
    return folder


def params(**changed: Any) -> PackParams:
    return PackParams.model_validate({"sequence_length": 64, "tokens": None, "max_epochs": 4, "seed": 0} | changed)


def read_pieces(rows: PackedRows) -> list[list[int]]:
    """Return every document or piece of one, as lists of tokens, from the stored rows."""
    pieces = []
    for number in range(len(rows)):
        tokens, bounds = rows.row(number)
        pieces += [tokens[a:b].tolist() for a, b in pairwise(bounds)]
    return pieces


def spell(tokens: list[int]) -> str:
    return f" {' '.join(map(str, tokens))} "


def assert_pieces_are_of(pieces: list[list[int]], components: dict[str, list[int]], epochs: int) -> None:
    """Check that each piece is a run of a document's tokens, and that no document that fits a row is cut."""
    documents = [row["tokens"] for name, lengths in components.items() for row in make_documents(lengths, name)]
    everything = "|".join(spell(tokens) for tokens in documents)
    assert all(spell(piece) in everything for piece in pieces)
    whole = Counter(tuple(tokens) for tokens in documents if len(tokens) <= 64)
    found = Counter(map(tuple, pieces))
    assert all(found[tokens] >= epochs * count for tokens, count in whole.items())


def test_every_token_is_in_exactly_one_row_and_no_document_that_fits_is_cut(project: Path) -> None:
    rng = np.random.default_rng(0)
    components = {"a": rng.integers(2, 300, 200).tolist(), "b": [64, 65, 63, 128, 1, 2, 640]}
    folder = write_tokens(project / "tokens", components, 3000)
    metrics = pack(folder, project / "out", params(), {n: ShareParams(weight=1) for n in components})
    rows = PackedRows(project / "out")
    pieces = read_pieces(rows)
    assert_pieces_are_of(pieces, components, 1)
    documents = [row["tokens"] for name, lengths in components.items() for row in make_documents(lengths, name)]
    assert Counter(t for piece in pieces for t in piece) == Counter(t for tokens in documents for t in tokens)
    assert metrics["tokens"] == rows.tokens == sum(map(sum, components.values()))
    assert metrics["rows"] == len(rows)
    assert metrics["padding"] == pytest.approx(1 - rows.tokens / (64 * len(rows)), abs=1e-6)
    assert metrics["a_epochs"] == metrics["b_epochs"] == 1.0 and metrics["a_repeated"] == 0


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(1, 200), min_size=1, max_size=40), min_size=1),
    st.data(),
    st.integers(0, 3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mixtures_are_met_to_within_one_row_whatever_shards_and_workers_and_nothing_held_out_is_in_them(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, components: dict, data: Any, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("mixture")
    monkeypatch.setenv("MATHCODE_SCRATCH", str(folder / "scratch"))
    mixture = {name: data.draw(SHARES) for name in components}
    budget = data.draw(st.none() | st.integers(1, 4000))
    settings_ = params(tokens=budget, seed=seed)
    outs = []
    for number, shard_bytes in enumerate((1 << 20, 400)):
        tokens = write_tokens(folder / f"tokens{number}", components, shard_bytes)
        monkeypatch.setenv("MATHCODE_WORKERS", str(number + 1))
        try:
            metrics = pack(tokens, folder / f"out{number}", settings_, mixture)
        except ParamsError as error:
            assert any(
                word in str(error) for word in ("over pack.max_epochs", "pack.tokens", "no component has tokens")
            )
            outs.append(str(error))
            continue
        outs.append((metrics, (folder / f"out{number}" / "rows-00000.arrow").read_bytes()))
        rows = PackedRows(folder / f"out{number}")
        pieces = read_pieces(rows)
        assert not any(HELD_OUT in piece for piece in pieces)
        for name, lengths in components.items():
            size, got = sum(lengths), metrics[f"{name}_tokens"]
            share = mixture[name]
            assert abs(got - metrics[f"{name}_asked"]) <= 64
            assert got <= 4 * size
            if share.weight is None:
                wanted = share.tokens if share.tokens is not None else share.epochs * size
                assert abs(got - wanted) <= 64
        if budget is not None and any(s.weight for s in mixture.values()):
            assert abs(metrics["tokens"] - budget) <= 64 * len(components)
        assert sum(map(len, pieces)) == metrics["tokens"]
        assert_pieces_are_of(pieces, components, 0)
    assert outs[0] == outs[1]


def test_weights_share_what_the_budget_leaves() -> None:
    mixture = {
        "a": ShareParams(weight=1),
        "b": ShareParams(weight=2),
        "c": ShareParams(epochs=0.5),
        "d": ShareParams(tokens=100),
        "e": ShareParams(weight=1),
    }
    sizes = {"a": 1000, "b": 1000, "c": 200, "d": 1000}
    assert ask_tokens(mixture, sizes, None, 4) == {"a": 1000, "b": 2000, "c": 100, "d": 100, "e": 0}
    assert ask_tokens(mixture, sizes, 800, 4) == pytest.approx({"a": 200, "b": 400, "c": 100, "d": 100, "e": 0})


@pytest.mark.parametrize(
    ("mixture", "budget", "message"),
    [
        ({"a": {"weight": 5}}, None, r"mixture\.a: 500 tokens are 5\.00 epochs, over pack\.max_epochs 4"),
        ({"a": {"tokens": 401}}, None, "over pack.max_epochs"),
        ({"a": {"weight": 1}}, 401, "over pack.max_epochs"),
        ({"a": {"epochs": 2}}, 199, "less than the 200 that mixture fixes"),
        ({"a": {"epochs": 2}}, 201, "no component has a weight"),
        ({}, None, "mixture has no entry 'a'"),
        ({"a": {"weight": 1}, "b": {"tokens": 5}}, None, "asks for tokens, and the component has none"),
    ],
)
def test_a_mixture_that_cannot_be_met_is_a_clear_error(mixture: dict, budget: int | None, message: str) -> None:
    shares = {name: ShareParams.model_validate(value) for name, value in mixture.items()}
    with pytest.raises(ParamsError, match=message):
        ask_tokens(shares, {"a": 100}, budget, 4)


@pytest.mark.parametrize("values", [{}, {"weight": 1, "epochs": 1}, {"weight": -1}, {"share": 1}])
def test_a_mixture_entry_says_one_thing(values: dict) -> None:
    with pytest.raises(ParamsError, match=r"mixture\.a"):
        parse_section("mixture.a", values, ShareParams)


@given(st.lists(st.integers(1, 130), max_size=300), st.sampled_from([64, 100, 130]))
@settings(max_examples=60, deadline=None)
def test_best_fit_decreasing_is_what_it_is_called(lengths: list[int], sequence_length: int) -> None:
    pieces = cut_documents(np.array(lengths, np.int32), sequence_length)
    plan = pack_pieces(pieces.length, sequence_length)
    # The textbook's algorithm, slowly.
    room: list[int] = []
    for length in sorted(pieces.length.tolist(), reverse=True):
        fitting = [r for r in room if r >= length]
        if fitting:
            room.remove(min(fitting))
        room.append((min(fitting) if fitting else sequence_length) - length)
    assert plan.rows == len(room)
    used = np.zeros((plan.rows, sequence_length), int)
    for row, start, length in zip(plan.row, plan.start, pieces.length, strict=True):
        used[row, start : start + length] += 1
    assert used.max(initial=0) <= 1 and used.sum() == sum(lengths)
    assert sorted(sequence_length - used.sum(axis=1)) == sorted(room)


def test_padding_is_under_a_thousandth_on_long_tailed_lengths() -> None:
    lengths = np.maximum(3, np.random.default_rng(0).lognormal(6.3, 1.1, 60_000)).astype(np.int32)
    for sequence_length in (1024, 8192):
        pieces = cut_documents(lengths, sequence_length)
        plan = pack_pieces(pieces.length, sequence_length)
        assert 1 - lengths.sum() / (plan.rows * sequence_length) <= 0.001


def test_ends_of_long_documents_fill_the_gaps(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_plan, "MIN_FRAGMENT", 8)
    # Whole rows and ends of 40 alone would leave 24 of 64 empty in every second row.
    folder = write_tokens(project / "tokens", {"a": [104] * 3 + [30] * 4})
    metrics = pack(folder, project / "out", params(), {"a": ShareParams(weight=1)})
    assert metrics["rows"] == -(-(104 * 3 + 30 * 4) // 64)
    assert_pieces_are_of(read_pieces(PackedRows(project / "out")), {"a": [104] * 3 + [30] * 4}, 1)


def test_lengths_out_of_range_are_refused() -> None:
    for wrong in (0, 65):
        with pytest.raises(ValueError, match="a row has 64 tokens"):
            pack_pieces(np.array([3, wrong], np.int32), 64)


def test_several_files_and_batches_hold_what_one_does(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components = {"a": np.random.default_rng(1).integers(1, 200, 300).tolist()}
    folder = write_tokens(project / "tokens", components, 2000)
    mixture = {"a": ShareParams(weight=1.5)}
    pack(folder, project / "one", params(), mixture)
    monkeypatch.setattr(row_files, "ROWS_FILE_TOKENS", 64 * 50)
    monkeypatch.setattr(row_files, "BATCH_TOKENS", 64 * 7)
    pack(folder, project / "many", params(), mixture)
    one, many = PackedRows(project / "one"), PackedRows(project / "many")
    assert len(list((project / "many").glob("rows-*.arrow"))) > 5 and len(one) == len(many)
    for a, b in zip(one.take(range(len(one))), many.take(range(len(many))), strict=True):
        assert np.array_equal(a, b)
    assert not list((project.parent / "scratch" / "working" / "pack").glob("*/")), "temporary files are gone"


def test_another_seed_puts_the_rows_in_another_order(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [60] * 100})
    for seed in (0, 1):
        pack(folder, project / f"out{seed}", params(seed=seed), {"a": ShareParams(weight=1)})
    first, second = (PackedRows(project / f"out{seed}").take(range(100)).input_ids for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert sorted(map(tuple, first.tolist())) == sorted(map(tuple, second.tolist()))


def test_the_reader_tells_documents_positions_and_padding(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [40, 20]})
    pack(folder, project / "out", params(), {"a": ShareParams(weight=1)})
    rows = pickle.loads(pickle.dumps(PackedRows(project / "out")))
    row = rows.take([0])
    assert row.input_ids.shape == (1, 64) and row.input_ids[0, [0, 39, 40, 59, 60]].tolist() == [1, 2, 1, 2, 2]
    assert row.position_ids[0].tolist() == [*range(40), *range(20), *range(4)]
    assert row.document_index[0].tolist() == [0] * 40 + [1] * 20 + [-1] * 4
    assert np.flatnonzero(row.labels[0] == IGNORED).tolist() == [0, 40, 60, 61, 62, 63]
    with pytest.raises(IndexError):
        rows.take([1])


def test_datasets_maps_the_rows_into_memory(project: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folder = write_tokens(project / "tokens", {"a": [40, 20, 64]})
    pack(folder, project / "out", params(), {"a": ShareParams(weight=1)})
    rows = datasets.Dataset.from_file(str(project / "out" / "rows-00000.arrow")).with_format("numpy")
    own = PackedRows(project / "out")
    assert np.array_equal(rows[0]["tokens"], own.row(0)[0]) and np.array_equal(rows[0]["bounds"], own.row(0)[1])


def test_files_that_are_not_complete_are_named(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [60] * 50})
    pack(folder, project / "out", params(), {"a": ShareParams(weight=1)})
    path = project / "out" / "rows-00000.arrow"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"rows-00000\.arrow"):
        PackedRows(project / "out")


def test_the_folder_of_a_component_that_params_no_longer_name_is_not_packed(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [60], "left": [50]})
    mixture = {"a": ShareParams(weight=1)}
    with pytest.raises(ParamsError, match="left"):
        pack(folder, project / "out", params(), mixture, ["a", "left"])
    assert pack(folder, project / "out", params(), mixture, ["a"])["tokens"] == 60


def test_different_tokenizers_do_not_mix(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [60], "b": [60]})
    path = folder / "b" / "vocabulary.json"
    path.write_text(path.read_text().replace("60000", "70000"))
    with pytest.raises(InputError, match="different tokenizers"):
        pack(folder, project / "out", params(), {n: ShareParams(weight=1) for n in "ab"})


def test_the_table_shows_the_mixture_as_packed(project: Path) -> None:
    folder = write_tokens(project / "tokens", {"a": [50, 50], "b": [100]})
    metrics = pack(folder, project / "out", params(), {"a": ShareParams(epochs=2), "b": ShareParams(weight=1)})
    write_mixture(project / "plots" / "mixture.csv", metrics, ["a", "b"])
    with open(project / "plots" / "mixture.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table == [
        {"component": "a", "tokens": "200", "share": "0.666667", "epochs": "2.0"},
        {"component": "b", "tokens": "100", "share": "0.333333", "epochs": "1.0"},
    ]
