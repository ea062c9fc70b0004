"""Check that the corpus in dvc.lock has the hash that the last commit records: same input, same bytes."""

import subprocess
from pathlib import Path

from mathcode_pile.core.errors import PipelineError
from stages.report.recorded import corpus_hash


def compare_hashes() -> str:
    """Return the corpus's hash in dvc.lock; raises PipelineError where the committed dvc.lock has another one."""
    committed = subprocess.run(["git", "show", "HEAD:dvc.lock"], check=True, capture_output=True, text=True).stdout
    made, recorded = corpus_hash(Path("dvc.lock").read_text(encoding="utf-8")), corpus_hash(committed)
    if made != recorded:
        raise PipelineError(f"data/corpus has the hash {made}; the last commit records {recorded}")
    return recorded
