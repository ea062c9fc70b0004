"""Find the sentences that explain why records were dropped: in the reasons.py of stages and of shared folders."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

from mathcode_pile.core.funnel import CoreReason, DropReason
from mathcode_pile.core.scratch import PROJECT

EVERY_STAGE = "every stage"


class Explanation(NamedTuple):  # one reason that occurs in a run
    reason: str
    sentence: str
    stages: list[str]
    """The stages that dropped records for it, in the order of the funnel."""


def explain_reasons(reasons: Mapping[str, list[str]]) -> list[Explanation]:
    """Return the explanations of the reasons of each stage, in their order; reasons without a sentence are left out."""
    sentences = {(folder, reason.value): reason.sentence for folder, reason in list_reasons()}
    shared = {name: sentence for (folder, name), sentence in sentences.items() if not folder.startswith("stages/")}
    found: dict[tuple[str, str], list[str]] = {}
    for stage, names in reasons.items():
        for name in names:
            if sentence := sentences.get((f"stages/{stage}", name)) or shared.get(name):
                found.setdefault((name, sentence), []).append(stage)
    return [Explanation(name, sentence, where) for (name, sentence), where in found.items()]


def list_reasons() -> Iterator[tuple[str, DropReason]]:
    """Yield every drop reason with the folder whose reasons.py defines it, in the order of the folders."""
    yield from ((EVERY_STAGE, reason) for reason in CoreReason)
    for path in sorted([*PROJECT.glob("stages/*/reasons.py"), *PROJECT.glob("src/mathcode_pile/*/reasons.py")]):
        folder = str(path.parent.relative_to(PROJECT)).removeprefix("src/")
        # Imported by name, so that a new stage needs no change here. import-linter does not see this import of another
        # stage. It is harmless: a reasons.py has only names and sentences.
        module = import_module(f"{folder.replace('/', '.')}.reasons")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, DropReason) and value.__module__ == module.__name__:
                yield from ((folder, reason) for reason in value)
