"""Say how the run in this folder differs from the one that the last commit records."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from stages.report.recorded import CORPUS

TRAINING = "pretrain"


def compare_with_commit(folder: Path = Path()) -> list[str]:
    """Return sentences on dvc.lock and the last commit's: is the corpus the same, and what else differs."""
    shown = subprocess.run(["git", "show", "HEAD:./dvc.lock"], cwd=folder, capture_output=True, text=True)
    if shown.returncode:
        return ["The last commit has no dvc.lock, so there is no recorded run to compare with."]
    made, recorded = (_stages(text) for text in ((folder / "dvc.lock").read_text(encoding="utf-8"), shown.stdout))
    ours, theirs = (_outs(stages.get("corpus", {})).get(CORPUS) for stages in (made, recorded))
    if ours == theirs:
        lines = [f"{CORPUS} has the recorded hash {ours}."]
    else:
        lines = [f"{CORPUS} has the hash {ours}; the last commit records {theirs}."]
    others = [name for name in made if _outs(made[name]) != _outs(recorded.get(name, {})) and name != "corpus"]
    if TRAINING in others and _inputs(made[TRAINING]) == _inputs(recorded.get(TRAINING, {})):
        lines.append(
            "Training read the same input, but its last digits depend on the processor. So dvc.lock and metrics/ "
            f"differ from the commit in {', '.join(others)}. `git checkout dvc.lock metrics` brings the recorded "
            "figures back; the next `make repro` would then train again."
        )
    elif others:
        lines.append(f"These stages have other outputs than the last commit records: {', '.join(others)}.")
    return lines


def _stages(lock: str) -> dict[str, Any]:
    stages: dict[str, Any] = yaml.load(lock, yaml.CSafeLoader)["stages"]
    return stages


def _outs(stage: dict[str, Any]) -> dict[str, str]:
    return {out["path"]: out["md5"] for out in stage.get("outs", [])}


def _inputs(stage: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stage.items() if key != "outs"}
