"""Read from dvc.yaml which parameters each stage depends on."""

from pathlib import Path
from typing import Any

import yaml


def read_stage_params(root: Path) -> dict[str, tuple[str, ...]]:
    """Return the keys of params.yaml and of the profile that each stage of dvc.yaml lists."""
    stages: dict[str, Any] = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: tuple(_keys(entry.get("do", entry).get("params", []))) for name, entry in stages.items()}


def _keys(params: list[Any]) -> list[str]:
    keys: list[str] = []
    for item in params:
        keys += [item] if isinstance(item, str) else [key for inner in item.values() for key in inner or []]
    return keys
