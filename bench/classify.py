"""fastText filtering from Parquet to Parquet against the fastText command-line tool alone, on one core.

    python -m bench.classify --megabytes 100

The tool reads lines of plain text that are at hand already, and writes labels; we read Parquet, score,
and write the kept documents and the names of the others to Parquet. Also: a plain batch loop over the
library's predict, and datatrove's filter where DATATROVE names a Python that has it (its start-up included).
The tool is Debian's `fasttext` (or any other, by FASTTEXT).
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import typer

from bench.table import Row, best_seconds, describe_machine, to_markdown
from bench.texts import count_bytes, make_texts
from mathcode_pile.classifier.scorer import MODEL_FILE, Scorer, open_scorer
from mathcode_pile.classifier.scoring import score_shard
from mathcode_pile.classifier.train import ClassifyParams
from mathcode_pile.engine import Report
from mathcode_pile.kernels.fasttext import join_words
from mathcode_pile.params import load
from mathcode_pile.shards import ShardWriter, list_shards, read_batches

FLOOR = 0.5


def train(texts: Path, folder: Path) -> Path:
    """Train a model with the project's settings on every fifth batch of the texts."""
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
    """Write the texts as the tool is to read them; return the lines."""
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
    """Filter as a plain loop over the library's predict does: a batch of Python strings at a time."""
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
    """Run the tool over a file of lines, on one core."""
    with open(out, "wb") as file:
        subprocess.run(["taskset", "-c", _core(), tool, "predict-prob", model, lines, "2"], stdout=file, check=True)


def run_datatrove(arguments: list[str]) -> None:
    """Run the Python that DATATROVE names, without our packages on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([os.environ["DATATROVE"], *arguments], env=environment, check=True, stderr=subprocess.DEVNULL)


def _core() -> str:
    return str(min(os.sched_getaffinity(0)))


def compare_with_tool(texts: Path, model: Path, predictions: Path) -> tuple[int, int, float]:
    """Return the documents, how many have another label, and the greatest difference of a score."""
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


def measure(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark."""
    import fasttext

    texts = make_texts(megabytes)
    size = count_bytes(texts) / 1e6
    tool = os.environ.get("FASTTEXT") or shutil.which("fasttext")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = train(texts, folder)
        open_scorer(model)
        ours, report = best_seconds(lambda: filter_ours(texts, model, folder / "ours"))
        note = f"{size:.0f} MB, {report.read} documents, {report.kept} kept"
        if tool:
            write_lines(texts, folder / "lines.txt")
            alone, _ = best_seconds(lambda: run_tool(tool, model, folder / "lines.txt", folder / "predictions.txt"), 2)
            count, differing, worst = compare_with_tool(texts, model, folder / "predictions.txt")
            said = f"{note}; labels differ on {differing} of {count}, scores by {worst:.1e} at most"
            rows.append(
                Row("fastText filter, Parquet to Parquet", size / ours, size / alone, "MB/s", "the fasttext tool", said)
            )
        else:
            print("no fasttext tool (apt-get install fasttext): that comparison is left out")
        if os.environ.get("DATATROVE"):
            run = ["-m", "bench.datatrove_runs", "filter", str(texts), str(model), str(folder / "datatrove")]
            other, _ = best_seconds(lambda: run_datatrove(run), 1)
            rows.append(
                Row("fastText filter, Parquet to Parquet", size / ours, size / other, "MB/s", "datatrove", note)
            )
        library = fasttext.load_model(str(model))
        plain, _ = best_seconds(lambda: filter_plainly(texts, library, folder / "plain"), 1)
        rows.append(
            Row("fastText filter, Parquet to Parquet", size / ours, size / plain, "MB/s", "a loop over predict", note)
        )
    return rows


def main(megabytes: int = 100) -> None:
    """Print the table."""
    os.sched_setaffinity(0, {int(_core())})
    print(describe_machine())
    print(to_markdown(measure(megabytes)))


if __name__ == "__main__":
    typer.run(main)
