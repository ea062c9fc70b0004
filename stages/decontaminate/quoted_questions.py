"""The texts to search for: each question in the ways that documents may quote it, and its solution."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.documents import QUESTION
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import strip_letters
from mathcode_pile.core.shards import read_rows
from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.index import Item

# A multiple-choice question of so many words is known by them, without its options.
OWN_WORDS = 13
# A solution is searched for in pieces of about so many words, so that a part of a long one is found too.
PIECE_WORDS = 250


class Question(NamedTuple):  # one question of one benchmark
    id: str
    benchmark: str
    question: str
    options: tuple[str, ...]
    solution: str

    def asked(self) -> str:
        """Return the question with its labelled options, if it has any."""
        options = (f"({chr(65 + i)}) {option}" for i, option in enumerate(strip_letters(self.options)))
        return "\n".join([self.question, *options])


def read_questions(folder: Path) -> list[Question]:
    """Return the questions of all benchmarks; raises InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    questions = [
        Question(row["id"], row["benchmark"], row["question"], tuple(row["options"]), row["solution"])
        for benchmark in sorted(path for path in folder.iterdir() if path.is_dir())
        for row in read_rows(benchmark, QUESTION.names)
    ]
    if not questions:
        raise InputError(f"{folder}: no questions, so no leak could be found")
    return questions


def list_items(questions: Sequence[Question]) -> list[Item]:
    """Return the texts to search for.

    A question with options is searched for together with them, with and without labels. It is searched for without
    them only if it has at least OWN_WORDS words: "Which of the following is true?" alone identifies no question.
    A solution is searched for in pieces.
    """
    items = []
    for number, question in enumerate(questions):
        if not question.options or len(canonical(question.question)) >= OWN_WORDS:
            items.append(Item(number, "question", question.question))
        if question.options:
            bare = "\n".join([question.question, *strip_letters(question.options)])
            items += [Item(number, "question", bare), Item(number, "question", question.asked())]
        words = question.solution.split()
        pieces = max(1, round(len(words) / PIECE_WORDS))
        bounds = [len(words) * piece // pieces for piece in range(pieces + 1)]
        for start, end in itertools.pairwise(bounds):
            if words:
                items.append(Item(number, "solution", " ".join(words[start:end])))
    return items
