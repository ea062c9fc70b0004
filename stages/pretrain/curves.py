"""The curve of a run: what depends on the data alone goes to files in Git, what depends on the clock does not."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from mathcode_pile.models.held_out import Loss

# One row a step; numbers that any machine of the same build writes alike.
COLUMNS = ("step", "tokens", "loss", "learning_rate", "gradient_norm")


class Curves:
    """Gathers a run's numbers; writes them to CSV files, and with speeds to DVCLive and a bar."""

    def __init__(self, rows: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.held_out = held_out
        self._live: Any = None

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the curves as a checkpoint holds them."""
        return cls(list(state.get("rows", [])), list(state.get("held_out", [])))

    def to_state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of the curves."""
        return {"rows": self.rows, "held_out": self.held_out}

    @contextmanager
    def live(self, folder: Path) -> Iterator[None]:
        """Have DVCLive write to a scratch folder, where editors show it while the run goes on.

        Outside a DVC repository there is no such log: DVCLive would make one of the Git repository around it.
        """
        here = Path.cwd()
        if not any((parent / ".dvc").is_dir() for parent in (here, *here.parents)):
            yield
            return
        from dvclive import Live

        # Else it would edit dvc.yaml and save an experiment in the middle of a stage.
        with Live(dir=str(folder), dvcyaml=None, save_dvc_exp=False, resume=True) as self._live:
            yield

    def add_step(self, row: dict[str, Any], speeds: dict[str, float]) -> None:
        """Add a step's numbers; speeds go to DVCLive alone."""
        self.rows.append(row)
        self._log(row["step"], row | speeds)

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
        components = sorted({name for row in self.held_out for name in row} - {"step", "tokens"})
        _write_csv(folder / "held_out.csv", ["step", "tokens", *components], self.held_out)


def _write_csv(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        # Nine digits hold a 32-bit float.
        writer.writerows([{k: f"{v:.9g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows])
