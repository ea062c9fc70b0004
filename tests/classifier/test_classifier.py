"""Classifiers: scores equal the library's, training is reproducible, no held-out document is trained on."""

import json
import random
import sysconfig
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest
import sympy

from mathcode_pile.classifier.fasttext_file import read_model
from mathcode_pile.classifier.fasttext_scores_kernel import score_texts
from mathcode_pile.classifier.fasttext_words_kernel import join_words
from mathcode_pile.classifier.scorer import MODEL_FILE, Scorer
from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import read_rows, write_shards
from stages.classify.stage import classify
from stages.train_classifier import measures
from stages.train_classifier.samples import by_types, find_limits, gather
from stages.train_classifier.stage import ClassifyParams, label_sources, train_classifier

PARAMS = ClassifyParams(
    learning_rate=0.5,
    epochs=5,
    word_ngrams=2,
    buckets=20_000,
    dimension=20,
    loss="one_vs_all",
    min_count=2,
    max_documents_per_label=500_000,
    held_out_share=0.1,
    seed=0,
)
WORDS = {"positive": "theorem lemma proof integral prime", "negative": "bucket server cookie socket upload"}


def write_documents(folder: Path, texts: list[str], source: str, shard_bytes: int = 1 << 20, **columns: list) -> Path:
    rows = {name: [source] * len(texts) for name in ("source", "url", "license")}
    rows |= {"id": [document_id(source, f"{source}{i}") for i in range(len(texts))], "text": texts}
    rows["metadata"] = ["{}"] * len(texts)
    schema = DOCUMENT
    for name, values in columns.items():
        rows[name] = values
        schema = schema.append(pa.field(name, pa.list_(pa.int8())))
    batch = pa.RecordBatch.from_arrays([pa.array(rows[f.name], f.type) for f in schema], schema=schema)
    write_shards(folder, [batch], schema, shard_bytes)
    return folder


def labelled_texts(label: str, count: int, seed: int = 0) -> list[str]:
    rng = random.Random(f"{label}{seed}")
    words = WORDS[label].split() * 3 + ["the", "a", "of", "and", "to", "in", "is", "that", "for", "it"]
    return [" ".join(rng.choices(words, k=rng.randint(8, 40))) + f"\n{label[0]}{i}" for i in range(count)]


def source_pieces(count: int) -> dict[str, list[str]]:
    """Return pieces of real source files, of the standard library and of sympy."""
    folders = {"negative": Path(sysconfig.get_paths()["stdlib"]), "positive": Path(sympy.__file__).parent / "core"}
    pieces: dict[str, list[str]] = {}
    for label, folder in folders.items():
        rng = random.Random(label)
        files = [p.read_text(encoding="utf-8", errors="replace") for p in sorted(folder.glob("*.py"))[:150]]
        pieces[label] = []
        for _ in range(count):
            text = rng.choice(files)
            start = rng.randrange(max(1, len(text)))
            pieces[label].append(text[start : start + int(10 ** rng.uniform(0, 4))])
    return pieces


def odd_texts() -> list[str]:
    rng = random.Random(5)
    ranges = [(0, 127), (128, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    noise = ["".join(chr(rng.randint(*rng.choice(ranges))) for _ in range(rng.randint(1, 200))) for _ in range(800)]
    return [
        *noise,
        "",
        " ",
        "\n\n",
        "\0",
        "x",
        "</s>",
        "a </s> b",
        "__label__positive",
        "漢字 " * 99,
        "import os " * 400_000,
    ]


@pytest.fixture(scope="module")
def pieces() -> dict[str, list[str]]:
    return source_pieces(2600)


def train_model(folder: Path, pieces: dict[str, list[str]], **settings: object) -> Path:
    lines = [
        f"__label__{label} {line}"
        for label, texts in pieces.items()
        for line in join_words(pa.array(texts[:500])).to_pylist()
    ]
    random.Random(0).shuffle(lines)
    (folder / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    defaults = {"lr": 0.3, "epoch": 3, "wordNgrams": 2, "bucket": 50_000, "dim": 16, "loss": "ova", "minCount": 2}
    model = fasttext.train_supervised(str(folder / "lines.txt"), **(defaults | settings), thread=1, verbose=0)
    model.save_model(str(folder / MODEL_FILE))
    return folder / MODEL_FILE


@pytest.mark.parametrize(
    "settings",
    [{}, {"wordNgrams": 1}, {"wordNgrams": 4, "bucket": 999}, {"loss": "softmax"}, {"minCount": 400, "bucket": 7}],
    ids=["paper", "words", "four words", "softmax", "few words known"],
)
def test_scores_and_labels_are_the_librarys(
    tmp_path: Path, pieces: dict[str, list[str]], settings: dict[str, object]
) -> None:
    path = train_model(tmp_path, pieces, **settings)
    texts = [*pieces["positive"], *pieces["negative"], *odd_texts()]
    assert len(texts) >= 5000
    column = pa.array(texts, pa.large_string())
    model = read_model(path)
    assert model is not None
    scores = score_texts(model, column)
    labels, values = fasttext.load_model(str(path)).predict(join_words(column).to_pylist(), k=-1)
    for row in range(len(texts)):
        expected = dict(zip((name.removeprefix("__label__") for name in labels[row]), values[row], strict=True))
        for index, label in enumerate(model.labels):
            assert abs(scores[row, index] - min(1.0, expected.get(label, 0.0))) <= 1e-5, (row, texts[row][:50])
        if scores[row, 0] != scores[row, 1]:
            assert model.labels[int(np.argmax(scores[row]))] == labels[row][0].removeprefix("__label__")


def test_a_quantized_model_is_left_to_the_library(tmp_path: Path, pieces: dict[str, list[str]]) -> None:
    path = train_model(tmp_path, pieces)
    model = fasttext.load_model(str(path))
    model.quantize(input=str(tmp_path / "lines.txt"), cutoff=2000, retrain=False)
    model.save_model(str(tmp_path / "small.ftz"))
    assert read_model(tmp_path / "small.ftz") is None
    texts = ["import os\nimport sys", "a sympy Expr", ""]
    scores = Scorer(tmp_path / "small.ftz").score(pa.array(texts))
    library = fasttext.load_model(str(tmp_path / "small.ftz"))
    for text, score in zip(texts, scores, strict=True):
        labels, values = library.predict([text.replace("\n", " ")], k=-1)
        expected = dict(zip(labels[0], values[0], strict=True)).get("__label__positive", 0.0)
        assert score == pytest.approx(min(1.0, expected), abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"no model", b"\xba\x16\x4f\x2f\x0c\x00\x00\x00 cut"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / MODEL_FILE
    path.write_bytes(content)
    with pytest.raises(InputError, match=MODEL_FILE):
        read_model(path)


def test_a_model_cut_anywhere_is_refused(tmp_path: Path, pieces: dict[str, list[str]]) -> None:
    whole = train_model(tmp_path, pieces, bucket=10).read_bytes()
    cut = tmp_path / "cut.bin"
    for length in np.linspace(1, len(whole) - 1, 40).astype(int):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_model(cut)


def test_the_same_documents_make_the_same_model_and_plots(project: Path) -> None:
    positives = write_documents(project / "p", labelled_texts("positive", 300), "p", shard_bytes=4000)
    negatives = write_documents(project / "n", labelled_texts("negative", 300), "n")
    resharded = write_documents(project / "q", labelled_texts("positive", 300), "p")
    metrics = [
        train_classifier(folder, negatives, project / "m" / str(i), project / "plots" / str(i), PARAMS, [1, 2])
        for i, folder in enumerate([positives, positives, resharded])
    ]
    assert metrics[0] == metrics[1] == metrics[2]
    assert len({hash_folder(project / "m" / str(i)) for i in range(3)}) == 1
    assert len({hash_folder(project / "plots" / str(i)) for i in range(3)}) == 1
    assert metrics[0]["f1"] > 0.95
    assert {path.name for path in (project / "m" / "0").iterdir()} == {MODEL_FILE, "mistakes.jsonl"}


@pytest.mark.parametrize("count", [8, 25, 400])
def test_held_out_documents_never_reach_training(project: Path, count: int) -> None:
    positives = write_documents(project / "p", labelled_texts("positive", count), "p")
    negatives = write_documents(project / "n", labelled_texts("negative", count), "n")
    sources = label_sources(positives, negatives, [1])
    limits = find_limits(sources, 10_000, 0.1, seed=3)
    sample = gather(sources, limits, 3, project)
    trained = set(sample.training.read_text(encoding="utf-8").splitlines())
    held_out = sample.held_out.to_pylist()
    assert len(trained) == sum(sample.trained_on.values())
    assert len(trained) + len(held_out) == 2 * count
    for document in held_out:
        label = "positive" if document["is_positive"] else "negative"
        assert f"__label__{label} {document['line']}" not in trained
    for is_positive in (True, False):
        assert sum(d["is_positive"] == is_positive for d in held_out) >= min(5, count // 4)


def test_a_copy_of_a_training_document_is_not_measured_on(project: Path) -> None:
    texts = labelled_texts("positive", 40)
    positives = write_documents(project / "p", texts + texts, "p")
    negatives = write_documents(project / "n", labelled_texts("negative", 80), "n")
    sources = label_sources(positives, negatives, [1])
    sample = gather(sources, find_limits(sources, 10_000, 0.3, seed=1), 1, project)
    trained = {line.partition(" ")[2] for line in sample.training.read_text(encoding="utf-8").splitlines()}
    assert sample.held_out.num_rows > 0
    assert not trained & set(sample.held_out.column("line").to_pylist())


def test_sampling_takes_at_most_the_stated_documents(project: Path) -> None:
    positives = write_documents(project / "p", labelled_texts("positive", 200), "p", shard_bytes=3000)
    negatives = write_documents(project / "n", labelled_texts("negative", 30), "n")
    sources = label_sources(positives, negatives, [1])
    limits = find_limits(sources, 50, 0.1, seed=0)
    assert [limit.sampled for limit in limits] == [50, 30]
    sample = gather(sources, limits, 0, project)
    assert sum(sample.trained_on.values()) + sample.held_out.num_rows == 80


def test_a_share_of_the_negatives_is_sampled_by_their_ids(project: Path) -> None:
    positives = write_documents(project / "p", labelled_texts("positive", 30), "p")
    negatives = write_documents(project / "n", labelled_texts("negative", 400), "n", shard_bytes=3000)
    whole, tenth, third = (
        find_limits(label_sources(positives, negatives, [1], share), 10_000, 0.1, seed=0) for share in (1.0, 0.1, 0.3)
    )
    assert {whole[0].sampled, tenth[0].sampled, third[0].sampled} == {30}
    assert whole[1].sampled == 400 and 25 < tenth[1].sampled < 60 and 90 < third[1].sampled < 150
    assert tenth[1].sampled_last < third[1].sampled_last < whole[1].sampled_last  # the smaller sample is in the larger
    sample = gather(label_sources(positives, negatives, [1], 0.1), tenth, 0, project)
    assert sum(sample.trained_on.values()) + sample.held_out.num_rows == 30 + tenth[1].sampled


def test_one_annotated_folder_is_split_by_kept_types(project: Path) -> None:
    texts = [*labelled_texts("positive", 60), *labelled_texts("negative", 60)]
    types = [[7, 2] if i % 2 else [1] for i in range(60)] + [[3, 4], [], None, [-1]] * 15
    folder = write_documents(project / "a", texts, "a", types=types)
    metrics = train_classifier(folder, folder, project / "m", project / "plots", PARAMS, [1, 2])
    assert metrics["trained_on_positives"] + metrics["held_out_positives"] == 60
    assert metrics["trained_on_negatives"] + metrics["held_out_negatives"] == 60
    assert metrics["f1"] > 0.9


def test_types_choose_documents_by_any_piece() -> None:
    batch = pa.RecordBatch.from_pydict({"types": pa.array([[1], [3, 2], [3], [], None], pa.list_(pa.int8()))})
    assert by_types([1, 2], wanted=True)(batch).tolist() == [True, True, False, False, False]
    assert by_types([1, 2], wanted=False)(batch.slice(1)).tolist() == [False, True, True, True]


def write_labels(project: Path, counts: tuple[int, int]) -> tuple[Path, Path]:
    positives = write_documents(project / "p", labelled_texts("positive", counts[0]), "p")
    return positives, write_documents(project / "n", labelled_texts("negative", counts[1]), "n")


@pytest.mark.parametrize("counts", [(0, 5), (5, 0), (0, 0)])
def test_where_a_label_has_no_documents_there_is_no_classifier(project: Path, counts: tuple[int, int]) -> None:
    metrics = train_classifier(*write_labels(project, counts), project / "m", project / "plots", PARAMS, [1])
    assert metrics == {"trained_on_positives": 0, "trained_on_negatives": 0}
    assert [path.name for path in (project / "m").iterdir()] == ["mistakes.jsonl"]


@pytest.mark.parametrize("counts", [(1, 5), (5, 1)])
def test_a_label_with_one_document_is_a_clear_error(project: Path, counts: tuple[int, int]) -> None:
    positives, negatives = write_labels(project, counts)
    with pytest.raises(PipelineError, match="needs two of each label"):
        train_classifier(positives, negatives, project / "m", project / "plots", PARAMS, [1])
    assert not (project / "m").exists()


def test_documents_without_words_are_a_clear_error(project: Path) -> None:
    positives = write_documents(project / "p", [" "] * 5, "p")
    negatives = write_documents(project / "n", ["\n"] * 5, "n")
    with pytest.raises(PipelineError):
        train_classifier(positives, negatives, project / "m", project / "plots", PARAMS, [1])


@pytest.fixture
def trained(project: Path) -> Path:
    positives = write_documents(project / "p", labelled_texts("positive", 200), "p")
    negatives = write_documents(project / "n", labelled_texts("negative", 200), "n")
    train_classifier(positives, negatives, project / "m", project / "plots", PARAMS, [1])
    return project / "m"


def test_every_document_is_kept_with_its_score_or_named(project: Path, trained: Path) -> None:
    texts = [*labelled_texts("positive", 30, seed=1), *labelled_texts("negative", 30, seed=1), "", "\n" * 50]
    documents = write_documents(project / "d", texts, "d", shard_bytes=2000)
    report = classify(documents, trained, project / "out", "round1", 0.5)
    kept = {row["id"]: row for row in read_rows(project / "out")}
    dropped = {row["id"]: row for row in read_rows(project / "out" / "dropped")}
    assert report.read == len(texts) == len(kept) + len(dropped) == report.kept + report.dropped["below_floor"]
    scores = Scorer(trained / MODEL_FILE).score(pa.array(texts, pa.large_string()))
    for document, score in zip(read_rows(documents), scores, strict=True):
        if document["id"] in kept:
            assert kept[document["id"]] == document | {"score_round1": pytest.approx(score)}
            assert score >= 0.5
        else:
            assert dropped[document["id"]]["reason"] == "below_floor"
            assert float(dropped[document["id"]]["detail"].split()[1]) == pytest.approx(score, abs=1e-4)


def test_any_number_of_workers_writes_the_same_bytes(
    project: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = write_documents(project / "d", labelled_texts("positive", 400, seed=2), "d", shard_bytes=9000)
    hashes = set()
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(project / f"scratch{workers}"))
        classify(documents, trained, project / f"out{workers}", "round1", 0.9)
        hashes.add(hash_folder(project / f"out{workers}"))
    assert len(hashes) == 1


def test_a_shard_that_was_scored_already_is_refused(project: Path, trained: Path) -> None:
    documents = write_documents(project / "d", labelled_texts("positive", 5), "d")
    classify(documents, trained, project / "once", "round1", 0.0)
    with pytest.raises(InputError, match="score_round1"):
        classify(project / "once", trained, project / "twice", "round1", 0.0)


def test_a_missing_model_is_named(project: Path) -> None:
    documents = write_documents(project / "d", ["text"], "d")
    with pytest.raises(InputError, match=MODEL_FILE):
        classify(documents, project / "nothing", project / "out", "round1", 0.0)


def test_average_precision_follows_its_definition() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(300), 2).astype(np.float32)
    is_positive = rng.random(300) < scores
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        kept = scores >= np.float32(threshold)
        recall = (kept & is_positive).sum() / is_positive.sum()
        total += (recall - recall_before) * (kept & is_positive).sum() / kept.sum()
        recall_before = recall
    assert measures.average_precision(scores, is_positive) == pytest.approx(total, abs=1e-5)


def test_mistakes_are_listed_the_worst_first(project: Path) -> None:
    positives = write_documents(project / "p", labelled_texts("positive", 200), "p")
    wrong = labelled_texts("negative", 150) + labelled_texts("positive", 50, seed=9)
    negatives = write_documents(project / "n", wrong, "n")
    train_classifier(positives, negatives, project / "m", project / "plots", PARAMS, [1])
    listed = [json.loads(line) for line in (project / "m" / "mistakes.jsonl").read_text("utf-8").splitlines()]
    assert listed
    errors = [1 - m["score"] if m["label"] == "positive" else m["score"] for m in listed]
    assert errors == sorted(errors, reverse=True)
    assert (project / "plots" / "precision_recall.csv").read_text().count("\n") == 102


def test_half_of_real_worked_mathematics_finds_the_other_half(project: Path, real_data: Path) -> None:
    lines = (real_data / "documents" / "math_worked_solutions.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [f"{row['problem']}\n{row['solution']}" for row in map(json.loads, lines)]
    positives = write_documents(project / "p", texts[::2], "p")
    negatives = write_documents(project / "n", source_pieces(1500)["negative"], "n")
    train_classifier(positives, negatives, project / "m", project / "plots", PARAMS, [1])
    scores = Scorer(project / "m" / MODEL_FILE).score(pa.array(texts[1::2]))
    assert (scores >= 0.5).mean() >= 0.95
