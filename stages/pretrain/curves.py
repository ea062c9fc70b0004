"""The curves of a run: loss, learning rate, gradient norm and held-out losses, in files in Git.

Numbers that depend on the clock go only to DVCLive's log.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from mathcode_pile.models.held_out import Loss

# One row a step. Machines with the same build of torch write the same numbers.
COLUMNS = ("step", "tokens", "loss", "learning_rate", "gradient_norm")


class Curves:
    """Collects a run's numbers and writes them to CSV files; DVCLive also gets the throughput."""

    def __init__(self, rows: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.held_out = held_out
        self._live: Any = None

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the curves that a checkpoint holds."""
        return cls(list(state.get("rows", [])), list(state.get("held_out", [])))

    def to_state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of the curves."""
        return {"rows": self.rows, "held_out": self.held_out}

    @contextmanager
    def live(self, folder: Path) -> Iterator[None]:
        """Make DVCLive write to a scratch folder, from which editors show the run while it trains.

        Outside a DVC repository there is no log: DVCLive would turn the surrounding Git repository into one.
        """
        here = Path.cwd()
        if not any((parent / ".dvc").is_dir() for parent in (here, *here.parents)):
            yield
            return
        from dvclive import Live

        # With its defaults it would edit dvc.yaml and save an experiment in the middle of a stage.
        with Live(dir=str(folder), dvcyaml=None, save_dvc_exp=False, resume=True) as self._live:
            yield

    def add_step(self, row: dict[str, Any], throughput: dict[str, float]) -> None:
        """Add a step's numbers; throughput goes only to DVCLive."""
        self.rows.append(row)
        self._log(row["step"], row | throughput)

    def add_held_out(self, step: int, tokens: int, losses: dict[str, Loss]) -> None:
        """Add the held-out losses after `step` steps."""
        row = {"step": step, "tokens": tokens} | {name: loss.mean for name, loss in losses.items()}
        self.held_out.append(row)
        self._log(step, {f"held_out/{name}": loss.mean for name, loss in losses.items()})

    def _log(self, step: int, numbers: dict[str, Any]) -> None:
        if self._live is not None:
            self._live.step = step
            for name, value in numbers.items():
                if name != "step":
                    self._live.log_metric(name, value)
            self._live.sync()

    def write(self, folder: Path) -> None:
        """Write curves.csv and held_out.csv."""
        folder.mkdir(parents=True, exist_ok=True)
        _write_csv(folder / "curves.csv", list(COLUMNS), self.rows)
        _write_csv(folder / "held_out.csv", ["step", "tokens", "component", "loss"], list(self._held_out_rows()))

    def _held_out_rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each measured component of each step, so that a new component is no new column."""
        for row in self.held_out:
            for name in sorted(row.keys() - {"step", "tokens"}):
                yield {"step": row["step"], "tokens": row["tokens"], "component": name, "loss": row[name]}


def _write_csv(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        # Nine digits represent a 32-bit float exactly.
        writer.writerows([{k: f"{v:.9g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows])
