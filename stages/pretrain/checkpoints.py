"""Checkpoints in the scratch folder: written aside, synced, renamed; a stated number is kept."""

import json
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list

from mathcode_pile.core.scratch import atomic_folder


def find_checkpoints(home: Path) -> list[Path]:
    """Return the whole checkpoints below a folder, the oldest first."""
    return sorted(p for p in home.glob("step-*") if (p / "state.json").is_file())


def remove_partial(home: Path) -> None:
    """Remove what a killed run had begun to write."""
    for partial in home.glob(".step-*.partial"):
        shutil.rmtree(partial)


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what a checkpoint holds besides tensors: steps done and the curve."""
    return dict(json.loads((checkpoint / "state.json").read_text(encoding="utf-8")))


def save_checkpoint(accelerator: Any, home: Path, step: int, state: dict[str, Any], keep: int) -> None:
    """Save the run after `step` steps, all processes together, and remove all but the last `keep` checkpoints."""
    is_main = accelerator.is_main_process
    with ExitStack() as stack:
        name = str(stack.enter_context(atomic_folder(home / f"step-{step:08d}"))) if is_main else ""
        # The folder that the first process writes aside is everybody's.
        partial = Path(broadcast_object_list([name])[0])
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if is_main:
            (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
    if is_main:
        for old in find_checkpoints(home)[:-keep]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()
