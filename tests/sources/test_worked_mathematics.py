"""The generator of worked mathematics is varied and reproducible, and its labels tell the truth."""

import contextlib
import io
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from mathcode_pile.answers import Checker
from mathcode_pile.sources.worked_mathematics import KINDS, generate, page
from stages.translate.computation import Computation
from stages.translate.symbolic import translate_document

PAGES = list(generate(700, 11))


def test_the_same_seed_gives_the_same_pages_whatever_the_hash_seed() -> None:
    program = (
        "from mathcode_pile.sources.worked_mathematics import generate; import hashlib; "
        "print(hashlib.sha256(repr(list(generate(60, 5))).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(digests) == 1


def test_a_page_does_not_depend_on_how_many_there_are() -> None:
    assert list(generate(5, 3)) == list(generate(40, 3))[:5]
    assert page(11, 17) == PAGES[17]


def test_another_seed_gives_other_pages() -> None:
    assert not {item["text"] for item in generate(50, 1)} & {item["text"] for item in generate(50, 2)}


def test_keys_are_unique_and_every_page_has_title_and_text() -> None:
    assert len({item["key"] for item in PAGES}) == len(PAGES)
    assert all(item["title"].strip() and len(item["text"]) > 80 for item in PAGES)
    assert not any("\x01" in item["text"] for item in PAGES)


def test_every_kind_of_problem_appears() -> None:
    seen = {kind for item in PAGES for kind in item["metadata"]["problems"]}
    assert len(KINDS) >= 40
    assert seen == {kind.__name__ for kind in KINDS}


def test_the_shares_of_special_pages_are_as_announced() -> None:
    pages = list(generate(3000, 4))
    kinds = Counter(item["metadata"]["kind"] for item in pages)
    wrong = sum(item["metadata"]["has_wrong_result"] for item in pages)
    long = sum(len(item["text"]) > 5000 for item in pages)
    assert 0.04 < kinds["none"] / 3000 < 0.08
    assert 0.025 < kinds["uncheckable"] / 3000 < 0.055
    assert 0.03 < wrong / 3000 < 0.05
    assert 10 < long < 120


def test_nearly_all_pages_survive_the_removal_of_near_duplicates() -> None:
    shingles = [shingles_of(item["text"]) for item in PAGES]
    dropped = {
        later
        for (first, a), (later, b) in combinations(enumerate(shingles), 2)
        if min(len(a), len(b)) * 4 >= max(len(a), len(b)) * 3 and len(a & b) >= 0.75 * len(a | b)
    }
    assert len(dropped) < 0.15 * len(PAGES)


def shingles_of(text: str) -> set[tuple[str, ...]]:
    """Return the runs of five words of a text."""
    words = text.lower().split()
    return {tuple(words[index : index + 5]) for index in range(max(1, len(words) - 4))}


def test_pages_without_a_computation_yield_none() -> None:
    for item in PAGES:
        if item["metadata"]["computations"] == 0:
            assert translate_document(item["text"])[0] == [], item["text"]


def test_most_stated_results_are_found_by_the_symbolic_translator() -> None:
    stated = sum(item["metadata"]["computations"] for item in PAGES)
    found = sum(len(translate_document(item["text"])[0]) for item in PAGES)
    # The steps that lead to one result are one program.
    assert 0.7 * stated < found <= 1.05 * stated


@pytest.mark.parametrize("wrong", [False, True])
def test_results_are_right_unless_the_page_says_that_one_is_wrong(wrong: bool) -> None:
    pages = [item for item in PAGES if item["metadata"]["has_wrong_result"] is wrong and len(item["text"]) < 5000]
    with Checker(5) as checker:
        for item in pages[: 60 if wrong else 45]:
            verdicts = [judge(computation, checker) for computation in translate_document(item["text"])[0]]
            if wrong:
                assert verdicts.count("contradicted") == 1 or "verified" not in verdicts, item["text"]
            else:
                assert set(verdicts) <= {"verified"}, item["text"]


def judge(computation: Computation, checker: Checker) -> str:
    """Run a snippet and return the verdict on it."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(computation.code, {})  # noqa: S102 - written by our own translator
    return checker.compare(computation.result, output.getvalue()).verdict
