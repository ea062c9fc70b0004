"""What our task files call: read a benchmark's questions, find the answer in a reply, compare it.

`PYTHONPATH=src:. lm_eval --include_path stages/evaluate/tasks --tasks math` uses the task files without this pipeline.
It reads data/fetch_benchmarks, or the folder in the environment variable MATHCODE_BENCHMARKS.
"""

import atexit
import os
import re
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from mathcode_pile.answers import Checker, last_box
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import LETTERS, strip_letters
from mathcode_pile.core.shards import read_rows

MULTIPLE_CHOICE = ("sat", "mmlu_math")

# A reply states its answer after these words; the last of them counts.
STATED = re.compile(r"(?:the (?:final )?answer is|final answer:|answer:|####)", re.IGNORECASE)
# A number in running text: sign, dollar, thousands, decimals, fraction, percent.
NUMBER = re.compile(r"[-+]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?%?")
# The letter that a reply chooses. Source: DeepSeek-Math's evaluation, which the paper uses for SAT.
CHOICE = re.compile(r"final answer is:? *\(?([A-Z])\b", re.IGNORECASE)
# The same LaTeX may be written with or without these.
SPACING = re.compile(r"\\left|\\right|\\(?:display|text)style|\\[,;!:()\[\]]|[\s$]")


def answerable_questions(benchmark: str, folder: Path) -> list[dict[str, Any]]:
    """Return the questions of a benchmark that have an answer. Raises InputError if the folder is missing.

    MATH has no column of answers: the last box of each solution holds one.
    """
    rows = read_rows(folder / benchmark)
    if benchmark in MULTIPLE_CHOICE:
        return [row for row in rows if _option_index(row) is not None]
    answered = (row | {"answer": row["answer"] or last_box(row["solution"]) or ""} for row in rows)
    return [row for row in answered if row["answer"]]


def read_questions(benchmark: str, folder: str | None = None, **_: Any) -> dict[str, Any]:
    """Return a benchmark as a dataset for lm-eval: its questions in the split `test`."""
    import datasets

    where = Path(folder or os.environ.get("MATHCODE_BENCHMARKS") or "data/fetch_benchmarks")
    rows = answerable_questions(benchmark, where)
    if not rows:
        raise InputError(f"{where / benchmark}: no question has an answer")
    return {"test": datasets.Dataset.from_list(rows)}


def find_answer(reply: str) -> str:
    """Return the answer in a reply: the last box, else what follows the last `the answer is`, else the last number."""
    box = last_box(reply)
    if box is not None:
        return box
    stated = list(STATED.finditer(reply))
    if stated:
        rest = reply[stated[-1].end() :].strip()
        line = rest.splitlines()[0] if rest else ""
        # The answer ends with its sentence; the point of a decimal has a digit after it.
        return re.split(r"\.(?:\s|$)", line.strip(), maxsplit=1)[0].strip(" :*")
    numbers = NUMBER.findall(reply)
    return numbers[-1] if numbers else ""


def is_right(answer: str, found: str) -> bool:
    """Whether an answer found in a reply has the same characters or the same meaning as the benchmark's."""
    if found and plain(found) == plain(answer):
        return True
    return bool(found) and _checker().compare(answer, found).verdict == "verified"


def plain(answer: str) -> str:
    """Return an answer without what changes only how it looks."""
    return SPACING.sub("", answer.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))


@cache
def _checker() -> Checker:
    # One for all replies, since its helper process is slow to start.
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(Checker())


def score_reply(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Return 1 if the reply's answer is right, else 0."""
    return {"right": float(is_right(doc["answer"], find_answer(results[0])))}


def score_program(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Run the program of a reply in the sandbox; return whether it printed the answer, and whether it ran."""
    return _score_program(doc, results[0], "")


def score_completion(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """As score_program, for a reply that continues the lines of a program in the prompt."""
    return _score_program(doc, results[0], doc["solution"])


def _score_program(doc: dict[str, Any], reply: str, given: str) -> dict[str, float]:
    # Imported here, so that the other tasks do without `stages` on the path.
    from stages.evaluate.tasks.programs import run_program

    printed = run_program(reply, given).printed
    return {"right": float(printed is not None and is_right(doc["answer"], printed)), "ran": float(printed is not None)}


def find_choice(reply: str) -> str:
    """Return the letter after the reply's first `final answer is`, empty where it has none."""
    found = CHOICE.search(reply)
    return found[1].upper() if found else ""


def score_choice(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Return 1 if the letter that the reply states is the right option's, else 0."""
    return {"right": float(find_choice(results[0]) == LETTERS[choice_target(doc)])}


def option_text(doc: dict[str, Any]) -> str:
    """Return the options, one on each line, each after its letter."""
    return "\n".join(f"{LETTERS[i]}. {option}" for i, option in enumerate(strip_letters(doc["options"])))


def choices(doc: dict[str, Any]) -> list[str]:
    """Return the letters of the options."""
    return list(LETTERS[: len(doc["options"])])


def _option_index(doc: dict[str, Any]) -> int | None:
    """Return the index of the right option, which is given by its letter or its text; None if neither fits."""
    answer = doc["answer"].strip().strip("()").rstrip(".):")
    if answer in LETTERS[: len(doc["options"])] and len(answer) == 1:
        return LETTERS.index(answer)
    texts = [option.strip() for option in strip_letters(doc["options"])]
    return texts.index(doc["answer"].strip()) if doc["answer"].strip() in texts else None


def choice_prompt(doc: dict[str, Any]) -> str:
    """Return a multiple-choice question as the model reads it."""
    return f"Question: {doc['question'].strip()}\n{option_text(doc)}\nAnswer:"


def choice_target(doc: dict[str, Any]) -> int:
    """Return the index of the right option, which lm-eval looks up in `choices`."""
    index = _option_index(doc)
    assert index is not None  # answerable_questions leaves out the others
    return index


def bare_choice_prompt(doc: dict[str, Any]) -> str:
    """Return a multiple-choice question as lm-eval's task for MMLU writes it."""
    return choice_prompt(doc).removeprefix("Question: ")


def explained_choice_prompt(doc: dict[str, Any]) -> str:
    """Return a multiple-choice question whose answer the model explains, in the form of DeepSeek-Math's evaluation."""
    options = ", ".join(f"({LETTERS[i]}) {option}" for i, option in enumerate(strip_letters(doc["options"])))
    asked = "What of the following is the right choice? Explain your answer."
    return f"Problem:\n{doc['question'].strip()}\n{asked}\n{options}\nSolution:\n"


def explained_choice_target(doc: dict[str, Any]) -> str:
    """Return the worked solution of an example; a question of the benchmark has none."""
    return (
        f"{doc['solution']}\nFinal Answer: The final answer is ({LETTERS[choice_target(doc)]}). I hope it is correct."
    )
