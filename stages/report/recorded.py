"""Read dvc.lock: what each stage of a run read and wrote."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CORPUS = "data/corpus"
Stages = dict[str, Any]
"""The cmd, deps, params and outs of each stage, by its name."""


def parse_lock(text: str) -> Stages:
    """Return what the text of a dvc.lock records of each stage; nothing for an empty text."""
    stages: Stages = (yaml.load(text, yaml.CSafeLoader) or {}).get("stages", {})
    return stages


def read_lock(folder: Path = Path()) -> Stages:
    """Return what a project's dvc.lock records of each stage; nothing where no stage has ended yet."""
    path = folder / "dvc.lock"
    return parse_lock(path.read_text(encoding="utf-8")) if path.is_file() else {}


def list_outs(stage: Mapping[str, Any]) -> dict[str, str]:
    """Return the MD5 of each of a stage's outs by its path; a folder's ends in .dir."""
    return {out["path"]: out["md5"] for out in stage.get("outs", []) if "md5" in out}


def corpus_hash(stages: Stages) -> str:
    """Return the hash of data/corpus, an empty text where the stage corpus never ended."""
    return list_outs(stages.get("corpus", {})).get(CORPUS, "")
