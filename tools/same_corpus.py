"""Check that the corpus in dvc.lock has the hash that the last commit records: same input, same bytes."""

from mathcode_pile.core.errors import PipelineError
from stages.report.recorded import corpus_hash, present_corpus_hash
from tools.recorded import git


def compare_hashes() -> str:
    """Return the corpus's hash in dvc.lock; raises PipelineError where the committed dvc.lock has another one."""
    made, recorded = present_corpus_hash(), corpus_hash(git("show", "HEAD:dvc.lock"))
    if made != recorded:
        raise PipelineError(f"data/corpus has the hash {made}; the last commit records {recorded}")
    return recorded
