"""Find the hash of the corpus that a dvc.lock records."""

from pathlib import Path

import yaml

CORPUS = "data/corpus"


def corpus_hash(lock: str) -> str:
    """Return the hash of data/corpus that a dvc.lock records."""
    outs: list[dict[str, str]] = yaml.load(lock, yaml.CSafeLoader)["stages"]["corpus"]["outs"]
    return next(out["md5"] for out in outs if out["path"] == CORPUS)


def present_corpus_hash(folder: Path = Path()) -> str:
    """Return the hash of data/corpus in a project's dvc.lock, an empty text where the stage corpus never ended."""
    path = folder / "dvc.lock"
    lock = path.read_text(encoding="utf-8") if path.is_file() else ""
    return corpus_hash(lock) if "\n  corpus:\n" in lock else ""
