"""Check that the corpus in dvc.lock has the hash which the last commit records: same input, same bytes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml


def corpus_hash(lock: str) -> Any:
    """Return the hash of data/corpus that a dvc.lock records."""
    outs = yaml.safe_load(lock)["stages"]["corpus"]["outs"]
    return next(out["md5"] for out in outs if out["path"] == "data/corpus")


def main() -> None:
    """Compare the working tree's dvc.lock with the committed one."""
    committed = subprocess.run(["git", "show", "HEAD:dvc.lock"], check=True, capture_output=True, text=True).stdout
    made, recorded = corpus_hash(Path("dvc.lock").read_text(encoding="utf-8")), corpus_hash(committed)
    if made != recorded:
        sys.exit(f"data/corpus is {made}; the commit records {recorded}")
    print(f"data/corpus has the recorded hash {recorded}")


if __name__ == "__main__":
    main()
