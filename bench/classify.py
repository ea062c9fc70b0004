"""Compare fastText filtering, from Parquet to Parquet, with three other ways, on one core.

    python -m bench.classify --megabytes 100

The fastText command-line tool reads prepared lines of plain text and writes labels. Ours reads Parquet, scores, and
writes the kept documents and the ids of the others to Parquet. datatrove's filter and a plain batch loop over the
library's predict also work from Parquet to Parquet.
"""

import subprocess
import tempfile
from pathlib import Path

import typer

from bench.environment import find_fasttext, run_datatrove, seconds_beyond_start
from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.classifier.fasttext_words_kernel import join_words
from mathcode_pile.classifier.scorer import MODEL_FILE, Scorer, open_scorer
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches
from stages.classify.stage import score_shard
from stages.train_classifier.stage import ClassifyParams

WHAT = "fastText filter, Parquet to Parquet"
FLOOR = 0.5


def train(texts: Path, folder: Path) -> Path:
    """Train a model with the project's settings on every second batch of the texts."""
    import fasttext

    params = load("classify", ClassifyParams)
    lines = folder / "training.txt"
    with open(lines, "w", encoding="utf-8") as file:
        for shard in list_shards(texts):
            for batch in list(read_batches(shard, ["text", "source"]))[::2]:
                labels = ["positive" if s == "mathematical" else "negative" for s in batch.column("source").to_pylist()]
                for label, line in zip(labels, join_words(batch.column("text")).to_pylist(), strict=True):
                    file.write(f"__label__{label} {line}\n")
    model = fasttext.train_supervised(
        str(lines), lr=params.learning_rate, epoch=1, wordNgrams=params.word_ngrams, bucket=params.buckets,
        dim=params.dimension, loss="ova", minCount=params.min_count, thread=1, verbose=0,
    )  # fmt: skip
    model.save_model(str(folder / MODEL_FILE))
    return folder / MODEL_FILE


def write_lines(texts: Path, path: Path) -> int:
    """Write the texts as lines for the tool; return the number of lines."""
    count = 0
    with open(path, "wb") as file:
        for shard in list_shards(texts):
            for batch in read_batches(shard, ["text"]):
                for line in join_words(batch.column("text")).to_pylist():
                    file.write(line.encode() + b"\n")
                    count += 1
    return count


def filter_ours(texts: Path, model: Path, out: Path) -> Report:
    """Score and filter every shard in this process."""
    report = Report()
    for index, shard in enumerate(list_shards(texts)):
        report += score_shard(shard, out / str(index), model=model, classifier="bench", floor=FLOOR)
    return report


def filter_plainly(texts: Path, library: object, out: Path) -> int:
    """Filter with a plain loop over the library's predict, one batch of Python strings at a time."""
    kept = 0
    for index, shard in enumerate(list_shards(texts)):
        writer: ShardWriter | None = None
        for batch in read_batches(shard):
            lines = [text.replace("\n", " ") for text in batch.column("text").to_pylist()]
            labels, _ = library.predict(lines, k=1)  # type: ignore[attr-defined]
            writer = writer or ShardWriter(out / str(index) / "documents.parquet", batch.schema).__enter__()
            chosen = [row for row, label in enumerate(labels) if label[0] == "__label__positive"]
            writer.write(batch.take(chosen))
            kept += len(chosen)
        if writer:
            writer.__exit__(None, None, None)
    return kept


def run_tool(tool: str, model: Path, lines: Path, out: Path) -> None:
    """Run the tool on a file of lines."""
    with open(out, "wb") as file:
        subprocess.run([tool, "predict-prob", model, lines, "2"], stdout=file, check=True)


def compare_with_tool(texts: Path, model: Path, predictions: Path) -> tuple[int, int, float]:
    """Return the number of documents, how many get another label, and the greatest difference between scores."""
    scorer = Scorer(model)
    differing, worst, count = 0, 0.0, 0
    with open(predictions, encoding="utf-8") as file:
        for shard in list_shards(texts):
            for batch in read_batches(shard, ["text"]):
                for score in scorer.score(batch.column("text")).tolist():
                    fields = next(file).split()
                    values = dict(zip(fields[::2], map(float, fields[1::2]), strict=True))
                    expected = min(1.0, values["__label__positive"])
                    other = min(1.0, values["__label__negative"])
                    worst = max(worst, abs(score - expected))
                    differing += (score >= other) != (expected >= other)
                    count += 1
    return count, differing, worst


def compare(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark."""
    import fasttext

    texts = make_texts(megabytes)
    size = count_bytes(texts) / 1e6
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = train(texts, folder)
        open_scorer(model)
        ours, report = best_seconds(lambda: filter_ours(texts, model, folder / "ours"))
        note = f"{size:.0f} MB, {report.read} documents, {report.kept} kept"
        other, start = seconds_beyond_start(lambda t, o: run_datatrove("filter", model, t, o), texts, folder)
        library = fasttext.load_model(str(model))
        plain, _ = best_seconds(lambda: filter_plainly(texts, library, folder / "plain"), 1)
        return [
            _compare_tool(texts, model, folder, size, ours),
            Row(WHAT, size / ours, size / other, "MB/s", "datatrove", f"without its start-up of {start:.1f} s"),
            Row(WHAT, size / ours, size / plain, "MB/s", "a loop over predict", note),
        ]


def _compare_tool(texts: Path, model: Path, folder: Path, size: float, ours: float) -> Row:
    tool, against = find_fasttext(), "the fasttext tool alone"
    if tool is None:
        return Row(WHAT, size / ours, None, "MB/s", against, "neither g++ nor the fasttext tool is installed")
    write_lines(texts, folder / "lines.txt")
    (folder / "line.txt").write_text("a line\n")
    start, _ = best_seconds(lambda: run_tool(tool, model, folder / "line.txt", folder / "start.txt"), 2)
    alone, _ = best_seconds(lambda: run_tool(tool, model, folder / "lines.txt", folder / "predictions.txt"), 2)
    count, differing, worst = compare_with_tool(texts, model, folder / "predictions.txt")
    said = f"labels differ on {differing} of {count} documents, scores by at most {worst:.1e}; without its start-up"
    return Row(WHAT, size / ours, size / (alone - start), "MB/s", against, said)


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
