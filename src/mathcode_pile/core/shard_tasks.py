"""One shard's work: what it reads, the folder in the scratch folder that its result takes, and how it is done."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core import scratch
from mathcode_pile.core.funnel import Report

Work = Callable[..., Report]
"""work(shard, folder), or work(shard, folder, companion) where shards have one."""


class ShardTask(NamedTuple):
    """A shard that is still to be worked on."""

    done: Path
    """The folder that the finished result takes."""
    shard: Path
    companion: Path | None = None
    """A second file, which the work needs for this shard alone."""

    @property
    def files(self) -> list[Path]:
        """The files that the work reads."""
        return [self.shard, *([self.companion] if self.companion else [])]


def work_in(work: Work, folder: Path, files: list[Path]) -> Report:
    """Do the work on a shard, and on its companion if it has one; write its result and its report into a folder."""
    shard, *companion = files
    report = work(shard, folder, *companion)
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    return report


def run_task(work: Work, task: ShardTask) -> Report:
    """Do a task and give its result the name of the finished one."""
    with scratch.atomic_folder(task.done) as folder:
        return work_in(work, folder, task.files)
