"""Say how the run in this folder differs from the one that the last commit records."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mathcode_pile.core.errors import PipelineError
from stages.report.recorded import CORPUS, corpus_hash, list_outs, parse_lock, read_lock
from tools.recorded import git

TRAINING = "pretrain"


class Compared(NamedTuple):  # the run in this folder, with the recorded one
    is_same_corpus: bool
    lines: list[str]
    """Sentences on the corpus and on what else differs."""


def compare_with_commit() -> Compared:
    """Compare dvc.lock with the last commit's: is the corpus the same, and what else differs?"""
    made = read_lock()
    try:
        recorded = parse_lock(git("show", "HEAD:./dvc.lock"))
    except PipelineError:
        return Compared(False, ["The last commit has no dvc.lock, so there is no recorded run to compare with."])
    ours, theirs = corpus_hash(made), corpus_hash(recorded)
    if ours == theirs:
        lines = [f"{CORPUS} has the recorded hash {ours}."]
    else:
        lines = [f"{CORPUS} has the hash {ours}; the last commit records {theirs}."]
    others = [name for name in made if list_outs(made[name]) != list_outs(recorded.get(name, {})) and name != "corpus"]
    if TRAINING in others and _inputs(made[TRAINING]) == _inputs(recorded.get(TRAINING, {})):
        lines.append(
            "Training read the same input, but its last digits depend on the processor. So dvc.lock and metrics/ "
            f"differ from the commit in {', '.join(others)}. `git checkout dvc.lock metrics` brings the recorded "
            "figures back; the next `make repro` would then train again."
        )
    elif others:
        lines.append(f"These stages have other outputs than the last commit records: {', '.join(others)}.")
    return Compared(ours == theirs, lines)


def _inputs(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stage.items() if key != "outs"}
