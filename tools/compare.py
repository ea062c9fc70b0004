"""Show experiments side by side: a row for each changed param, token share and held-out loss."""

import csv
import io
import subprocess
import sys

from mathcode_pile.core.errors import PipelineError

# The metrics that are shown, by a part of dvc's name for them, and what they are called here.
MEASURES = (
    ("_share", "share of tokens: "),
    ("metrics/evaluate/pretrained.json:held_out_loss_", "held-out loss: "),
)


def name_row(column: str) -> str | None:
    """Return what a column of `dvc exp show` is called here, None where it is left out."""
    metric = column.rpartition(":")[2]
    for part, label in MEASURES:
        if part in column and "stderr" not in column:
            return label + metric.replace("held_out_loss_", "").removesuffix("_share").replace("_", " ")
    is_param = "." in column and "/" not in column and ":" not in column
    return column if is_param else None


def tabulate(exported: str) -> str:
    """Return the table of what `dvc exp show --only-changed --csv` printed: a column for each experiment.

    Without an experiment DVC leaves out the column `Experiment`, whatever else has changed.
    """
    if "Experiment" not in exported.partition("\n")[0].split(","):
        return "no experiments yet: dvc exp run -S mixture.translated_code.weight=2"
    runs = [row for row in csv.DictReader(io.StringIO(exported)) if row["Experiment"] or row["rev"] != "workspace"]
    heads = [run["Experiment"] or run["rev"] for run in runs]
    rows = []
    for column in runs[0]:
        if (label := name_row(column)) and any(run[column] for run in runs):
            rows.append([label, *(run[column] for run in runs)])
    rows.sort(key=lambda row: (":" in row[0], row[0].partition(":")[0] != "share of tokens", row[0]))
    widths = [max(len(row[i]) for row in [["", *heads], *rows]) for i in range(len(heads) + 1)]
    lines = [["", *heads], *rows]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def compare_experiments() -> str:
    """Return the table of the present commit's experiments."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--only-changed", "--csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().partition("\n")[0].removeprefix("ERROR: ")
        raise PipelineError(f"dvc exp show: {reason}")
    return tabulate(done.stdout)
