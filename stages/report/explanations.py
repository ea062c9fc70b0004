"""Find the sentences that explain why records were dropped: in the reasons.py of stages and of shared folders."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import mathcode_pile
import stages
from mathcode_pile.core.funnel import CoreReason, DropReason


class Explanation(NamedTuple):  # one reason that occurs in a run
    reason: str
    sentence: str
    stages: list[str]
    """The stages that dropped records for it, in the order of the funnel."""


def explain_reasons(reasons: Mapping[str, list[str]]) -> list[Explanation]:
    """Return the explanations of the reasons of each stage, in their order; reasons without a sentence are left out."""
    by_stage = {name: dict(sentences) for name, sentences in _read_sentences(stages)}
    shared = {reason.value: reason.sentence for reason in CoreReason}
    for _, sentences in _read_sentences(mathcode_pile):
        shared |= sentences
    found: dict[tuple[str, str], list[str]] = {}
    for stage, names in reasons.items():
        for name in names:
            sentence = by_stage.get(stage, {}).get(name) or shared.get(name)
            if sentence:
                found.setdefault((name, sentence), []).append(stage)
    return [Explanation(name, sentence, where) for (name, sentence), where in found.items()]


def _read_sentences(package: ModuleType) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each folder of a package that has a reasons.py, and the sentence of each of its reasons."""
    for path in sorted(Path(package.__path__[0]).glob("*/reasons.py")):
        folder = path.parent.name
        # Imported by name, so that a new stage needs no change here. import-linter does not see this import of another
        # stage. It is harmless: a reasons.py has only names and sentences.
        module = import_module(f"{package.__name__}.{folder}.reasons")
        enums = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, DropReason)]
        yield folder, {reason.value: reason.sentence for enum in enums for reason in enum}
