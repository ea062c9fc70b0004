"""Checkpoints in the scratch folder: written aside, synced, renamed; a stated number is kept."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from mathcode_pile.shards import sync_folder


def find_checkpoints(home: Path) -> list[Path]:
    """Return the whole checkpoints below a folder, the oldest first."""
    return sorted(p for p in home.glob("step-*") if (p / "state.json").is_file())


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what a checkpoint holds besides tensors: steps done and the curve."""
    return dict(json.loads((checkpoint / "state.json").read_text(encoding="utf-8")))


def save_checkpoint(accelerator: Any, home: Path, step: int, state: dict[str, Any], keep: int) -> None:
    """Save the run after `step` steps, all processes together, and remove all but the last `keep` checkpoints."""
    final = home / f"step-{step:08d}"
    partial = home / f".{final.name}.partial"
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        (partial / "state.json").write_text(json.dumps(state), encoding="utf-8")
        for path in partial.rglob("*"):
            if path.is_file():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        sync_folder(home)
        for old in find_checkpoints(home)[:-keep]:
            shutil.rmtree(old)
    accelerator.wait_for_everyone()
