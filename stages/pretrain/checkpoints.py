"""Checkpoints in the scratch folder: written under another name, synced, then renamed; the last few are kept."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list

from mathcode_pile.core.scratch import atomic_folder


def find_checkpoints(home: Path) -> list[Path]:
    """Return the complete checkpoints in a folder, the oldest first."""
    return sorted(p for p in home.glob("step-*") if (p / "state.json").is_file())


def remove_partial(home: Path) -> None:
    """Remove a checkpoint that a killed run did not finish."""
    for partial in home.glob(".step-*.partial"):
        shutil.rmtree(partial)


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what a checkpoint holds besides tensors: the steps done and the curves."""
    return dict(json.loads((checkpoint / "state.json").read_text(encoding="utf-8")))


def save_checkpoint(accelerator: Any, home: Path, step: int, state: dict[str, Any], keep: int) -> None:
    """Save the run after `step` steps and remove all but the last `keep` checkpoints; every process must call this."""
    is_main = accelerator.is_main_process
    with ExitStack() as stack:
        name = str(stack.enter_context(atomic_folder(home / f"step-{step:08d}"))) if is_main else ""
        # All processes write to the folder that the first one has made.
        partial = Path(broadcast_object_list([name])[0])
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if is_main:
            (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
    if is_main:
        for old in find_checkpoints(home)[:-keep]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()
