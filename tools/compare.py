"""Show experiments side by side: a row for each param, summary figure, token share and held-out loss that differs.

`dvc exp show` has a column for each of about 200 params and folders, which no terminal is wide enough for.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain

from mathcode_pile.core.errors import PipelineError
from tools.recorded import Objects, Version

# What is shown of the metrics that Git has of an experiment: file, a part of the figure's name, what stands before it.
MEASURES = (
    ("summary", "", ""),
    ("pack", "_share", "share of tokens: "),
    ("evaluate/pretrained", "held_out_loss_", "held-out loss: "),
)


def read_measures(objects: Objects, revision: str) -> dict[str, str]:
    """Return the summary, token shares and held-out losses that a revision records, by what they are called here."""
    found: dict[str, str] = {}
    for name, part, label in MEASURES:
        content = json.loads(Version(revision, objects).read_text(f"metrics/{name}.json") or "{}")
        named = {key.replace(part, "").replace("_", " "): value for key, value in content.items() if part in key}
        found |= {label + key: str(value) for key, value in (sorted(named.items()) if part else named.items())}
    return found


def tabulate(exported: str, read: Callable[[str], dict[str, str]]) -> str:
    """Return the table of what `dvc exp show --only-changed --csv` printed: a column for each experiment.

    read: returns the measures of a revision. Those of an experiment that has not ended are left out, and so are those
        that are the same in all columns.
    Without an experiment DVC leaves out the column `Experiment`, whatever else has changed.
    """
    if "Experiment" not in exported.partition("\n")[0].split(","):
        return "no experiments yet: dvc exp run -S mixture.translated_code.weight=2"
    runs = [row for row in csv.DictReader(io.StringIO(exported)) if row["Experiment"] or row["rev"] != "workspace"]
    params = sorted(column for column in runs[0] if "." in column and "/" not in column and ":" not in column)
    measured = [read(run["rev"]) if run.get("State", "") in ("", "Success") else {} for run in runs]
    rows = [["", *(run["Experiment"] or run["rev"] for run in runs)]]
    rows += [[param, *(run[param] for run in runs)] for param in params]
    found = [[label, *(own.get(label, "") for own in measured)] for label in dict.fromkeys(chain(*measured))]
    rows += [row for row in found if len(known := list(filter(None, row[1:]))) == 1 or len(set(known)) > 1]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    )


def compare_experiments() -> str:
    """Return the table of the present commit's experiments."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--only-changed", "--csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().partition("\n")[0].removeprefix("ERROR: ")
        raise PipelineError(f"dvc exp show: {reason}")
    return tabulate(done.stdout, partial(read_measures, Objects()))
