"""Show experiments side by side: a row for each changed param, token share and held-out loss."""

import csv
import io
import subprocess
import sys

# What of dvc's columns is shown, and how its name is shortened.
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
    """Return the table of what `dvc exp show --csv` gave: a column for each experiment, newest first."""
    runs = [row for row in csv.DictReader(io.StringIO(exported)) if row["Experiment"] or row["rev"] != "workspace"]
    heads = [run["Experiment"] or run["rev"] for run in runs]
    rows = []
    for column in runs[0] if runs else ():
        if (label := name_row(column)) and any(run[column] for run in runs):
            rows.append([label, *(run[column] for run in runs)])
    rows.sort(key=lambda row: (":" in row[0], row[0].partition(":")[0] != "share of tokens", row[0]))
    widths = [max(len(row[i]) for row in [["", *heads], *rows]) for i in range(len(heads) + 1)]
    lines = [["", *heads], *rows]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def main() -> None:
    """Print the experiments of the present commit, changed values only."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--only-changed", "--csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip() or "dvc exp show failed")
    table = tabulate(done.stdout)
    print(table if "\n" in table else "no experiments yet: dvc exp run -S mixture.translated_code.weight=2")


if __name__ == "__main__":
    main()
