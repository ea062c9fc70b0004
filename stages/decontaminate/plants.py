"""Plant leaks into copies of the stage's own documents, to measure how many of them are found."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.quoted_questions import Question
from stages.decontaminate.rewriting import CHANGES

FILLER = "Let us go on with what was said before and see where it leads."
# How many words of other text are around a question that is planted as it is.
SURROUNDINGS = {"verbatim": 0, "within_20": 20, "within_80": 80, "within_1000": 1000}
# A question of fewer words is planted as it is, as the kind `short`.
SHORT = 13
# Solutions, planted as they are and in plain text.
SOLUTIONS = {"solution": None, "plain_solution": CHANGES["plain_text"]}
KINDS = [*SURROUNDINGS, *CHANGES, "short", *SOLUTIONS]


class Plant(NamedTuple):  # one document with one question in it
    kind: str
    question: int
    text: str


def plant_leaks(
    questions: Sequence[Question], carriers: Sequence[str], min_words: int, count: int, seed: int
) -> list[Plant]:
    """Return `count` leaks of each kind, or fewer if there are fewer questions that the kind changes.

    Changed questions have 80 words around them.
    """
    sizes = [len(canonical(question.asked())) for question in questions]
    long = [number for number, size in enumerate(sizes) if size >= SHORT]
    short = [number for number, size in enumerate(sizes) if min_words <= size < SHORT]
    solved = [number for number in long if len(canonical(questions[number].solution)) >= 2 * SHORT]
    plants = []
    for kind in KINDS:
        rng = random.Random(f"{seed} {kind}")
        choice = short if kind == "short" else solved if kind in SOLUTIONS else long
        change = SOLUTIONS[kind] if kind in SOLUTIONS else CHANGES.get(kind)
        planted = 0
        for number in rng.sample(choice, len(choice)):
            original = questions[number].solution if kind in SOLUTIONS else questions[number].asked()
            text = change(original, rng) if change else original
            if change and text == original:
                continue
            around = _words(carriers, SURROUNDINGS.get(kind, 80), rng)
            half = rng.randint(0, len(around))
            plants.append(Plant(kind, number, " ".join([*around[:half], text, *around[half:]])))
            planted += 1
            if planted == count:
                break
    return plants


def _words(carriers: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Return consecutive words of a document, or of several if one has too few."""
    words: list[str] = []
    while len(words) < count:
        more = (rng.choice(carriers) if carriers else FILLER).split() or FILLER.split()
        start = rng.randrange(len(more))
        words += more[start : start + count - len(words)]
    return words
