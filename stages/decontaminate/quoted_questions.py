"""What is looked for: each question as documents may quote it, with its options, and its solution."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.documents import QUESTION
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import strip_letters
from mathcode_pile.core.shards import read_rows
from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.index import Item


class Question(NamedTuple):  # one question of one benchmark
    id: str
    benchmark: str
    question: str
    options: tuple[str, ...]
    solution: str

    def asked(self) -> str:
        """Return the question as it is put: with its labelled options, where it has some."""
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
        raise InputError(f"{folder}: no questions; nothing could be found to leak")
    return questions


def list_items(questions: Sequence[Question], ngram: int) -> list[Item]:
    """Return the texts to look for.

    Options count with their question, labelled or not; without them a question counts where it has `ngram`
    words, since a shorter one ("Which of the following is true?") says nothing on its own.
    """
    items = []
    for number, question in enumerate(questions):
        if not question.options or len(canonical(question.question)) >= ngram:
            items.append(Item(number, "question", question.question))
        if question.options:
            bare = "\n".join([question.question, *strip_letters(question.options)])
            items += [Item(number, "question", bare), Item(number, "question", question.asked())]
        if question.solution.strip():
            items.append(Item(number, "solution", question.solution))
    return items
