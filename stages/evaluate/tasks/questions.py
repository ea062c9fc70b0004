"""What our task files call: read a benchmark's questions, find the answer in a reply, compare it.

Used alone, `lm_eval --include_path src/mathcode_pile/tasks --tasks math` reads data/fetch_benchmarks, or the folder
that MATHCODE_BENCHMARKS names.
"""

import atexit
import os
import re
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from mathcode_pile.answers import Checker
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import LETTERS, strip_letters
from mathcode_pile.core.shards import read_rows

MULTIPLE_CHOICE = ("sat", "mmlu_math")

# Words after which a reply states its answer; the last of them counts.
STATED = re.compile(r"(?:the (?:final )?answer is|final answer:|answer:|####)", re.IGNORECASE)
# Signs, thousands, decimals, fractions and percentages, as far as a number can stand alone.
NUMBER = re.compile(r"[-+]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?%?")
# What two writings of the same LaTeX may differ in.
SPACING = re.compile(r"\\left|\\right|\\(?:display|text)style|\\[,;!:()\[\]]|[\s$]")


def answerable_questions(benchmark: str, folder: Path) -> list[dict[str, Any]]:
    """Return a benchmark's questions that have an answer; raises InputError where the folder is missing.

    MATH has no column of answers: one stands in the last box of each solution.
    """
    rows = read_rows(folder / benchmark)
    if benchmark in MULTIPLE_CHOICE:
        return [row for row in rows if _option_index(row) is not None]
    answered = (row | {"answer": row["answer"] or _last_box(row["solution"]) or ""} for row in rows)
    return [row for row in answered if row["answer"]]


def read_questions(benchmark: str, folder: str | None = None, **_: Any) -> dict[str, Any]:
    """Return a benchmark as lm-eval wants a dataset: its questions under the split `test`."""
    import datasets

    where = Path(folder or os.environ.get("MATHCODE_BENCHMARKS") or "data/fetch_benchmarks")
    rows = answerable_questions(benchmark, where)
    if not rows:
        raise InputError(f"{where / benchmark}: no question has an answer")
    return {"test": datasets.Dataset.from_list(rows)}


def find_answer(reply: str) -> str:
    """Return the answer in a reply: the last box, else what follows the last `the answer is`, else the last number."""
    boxed = _last_box(reply)
    if boxed is not None:
        return boxed
    stated = list(STATED.finditer(reply))
    if stated:
        rest = reply[stated[-1].end() :].strip()
        line = rest.splitlines()[0] if rest else ""
        # A sentence's end is not the answer's; a decimal point is followed by a digit.
        return re.split(r"\.(?:\s|$)", line.strip(), maxsplit=1)[0].strip(" :*")
    numbers = NUMBER.findall(reply)
    return numbers[-1] if numbers else ""


def _last_box(reply: str) -> str | None:
    """Return what stands in the last \\boxed{...} or \\fbox{...}, braces balanced; None where there is none."""
    for start in reversed([m.end() for m in re.finditer(r"\\(?:boxed|fbox)\s*\{", reply)]):
        depth = 1
        for place in range(start, len(reply)):
            depth += {"{": 1, "}": -1}.get(reply[place], 0) if reply[place - 1] != "\\" else 0
            if depth == 0:
                return reply[start:place].strip()
    return None


def is_right(answer: str, found: str) -> bool:
    """Tell whether an answer found in a reply is the benchmark's: in the same words, or with the same meaning."""
    if found and _plain(found) == _plain(answer):
        return True
    return bool(found) and _checker().compare(answer, found).verdict == "verified"


def _plain(answer: str) -> str:
    return SPACING.sub("", answer.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))


@cache
def _checker() -> Checker:
    # Its helper, in which computer algebra can be ended, is kept for all replies.
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(Checker())


def score_reply(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Return whether the reply's answer is right."""
    return {"right": float(is_right(doc["answer"], find_answer(results[0])))}


def score_program(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Run the program of a reply in the sandbox; return whether it ended well and whether it printed the answer."""
    from stages.evaluate.tasks.programs import run_program

    printed = run_program(results[0])
    return {"right": float(printed is not None and is_right(doc["answer"], printed)), "ran": float(printed is not None)}


def option_text(doc: dict[str, Any]) -> str:
    """Return the options, one a line, each after its letter."""
    return "\n".join(f"{LETTERS[i]}. {option}" for i, option in enumerate(strip_letters(doc["options"])))


def choices(doc: dict[str, Any]) -> list[str]:
    """Return the letters that the options go by."""
    return list(LETTERS[: len(doc["options"])])


def _option_index(doc: dict[str, Any]) -> int | None:
    """Return which option is right, given by its letter or by its text; None where neither fits."""
    answer = doc["answer"].strip().strip("()").rstrip(".):")
    if answer in LETTERS[: len(doc["options"])] and len(answer) == 1:
        return LETTERS.index(answer)
    texts = [option.strip() for option in strip_letters(doc["options"])]
    return texts.index(doc["answer"].strip()) if doc["answer"].strip() in texts else None


def choice_prompt(doc: dict[str, Any]) -> str:
    """Return a multiple-choice question as the model reads it."""
    return f"Question: {doc['question'].strip()}\n{option_text(doc)}\nAnswer:"


def choice_target(doc: dict[str, Any]) -> int:
    """Return the right option's number, from 0, which lm-eval looks up among `choices`."""
    index = _option_index(doc)
    assert index is not None  # answerable_questions left the others out
    return index
