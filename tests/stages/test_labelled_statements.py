"""Statements in the manner of textbooks: right ones are not contradicted, wrong ones not verified, posed ones left out.

`true`: nothing in it may be contradicted. `false`: nothing in it may be verified, and the mistake is most often found.
`posed`: a wrong statement that the page asks about, supposes or rejects.
"""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mathcode_pile.answers import Checker
from stages.translate.symbolic import translate_document

STATEMENTS = [
    json.loads(line)
    for file in sorted((Path(__file__).parents[1] / "data").glob("labelled_statements*.jsonl"))
    for line in file.read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker(timeout_s=10) as one:
        yield one


def verdicts(text: str, checker: Checker) -> list[str]:
    """Return the verdict on each computation of a page, as translate, execute and verify find it."""
    found = []
    for computation in translate_document(text).computations:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(computation.code, {})  # noqa: S102 - the code under test, written a moment ago
        pair = computation.result, output.getvalue()
        found.append(checker.compare(*pair, computation.expression, computation.relation).verdict)
    return found


def goes_wrong(label: str, found: list[str]) -> bool:
    """Whether verdicts contradict what is right or quoted, or verify what is wrong."""
    return ("verified" if label == "false" else "contradicted") in found


def test_labelled_statements_are_at_least_1800_of_many_kinds() -> None:
    assert len({statement["text"] for statement in STATEMENTS}) == len(STATEMENTS) >= 1800
    kinds = Counter(statement["kind"] for statement in STATEMENTS)
    assert len(kinds) >= 20 and min(kinds.values()) >= 5
    assert {statement["label"] for statement in STATEMENTS} == {"true", "false", "posed"}


def test_no_wrong_statement_is_verified_and_hardly_a_right_one_contradicted(checker: Checker) -> None:
    found = {statement["text"]: verdicts(statement["text"], checker) for statement in STATEMENTS}
    wrong = [item for item in STATEMENTS if goes_wrong(item["label"], found[item["text"]])]
    assert [item for item in wrong if item["label"] == "false"] == []
    assert len(wrong) / len(STATEMENTS) <= 0.005, wrong
    # They are not merely left out.
    shares = {
        (label, verdict): sum(verdict in found[item["text"]] for item in STATEMENTS if item["label"] == label)
        / sum(item["label"] == label for item in STATEMENTS)
        for label, verdict in (("true", "verified"), ("false", "contradicted"))
    }
    assert shares["true", "verified"] > 0.5 and shares["false", "contradicted"] > 0.7, shares


def test_the_shared_cases_come_out_right(real_data: Path, checker: Checker) -> None:
    folder = real_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip("no cases beside the real data")
    statements = [json.loads(line) for line in (folder / "statements.jsonl").read_text("utf-8").splitlines()]
    assert [item for item in statements if goes_wrong(item["label"], verdicts(item["text"], checker))] == []
    pairs = [json.loads(line) for line in (folder / "answers.jsonl").read_text("utf-8").splitlines()]
    is_right = [
        (checker.compare(p["stated"], p["printed"]).verdict == "verified") == (p["label"] == "right") for p in pairs
    ]
    assert [pair for pair, right in zip(pairs, is_right, strict=True) if not right] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r"Determine whether $7 \cdot 8 = 54$.", "posed"),
        (r"Which is right? (a) $2^3 = 6$ (b) $3^2 = 6$", "posed"),
        (r"Suppose that $1 + 1 = 3$.", "supposed"),
        (r"Note that $-3^2 = -9$, not $-3^2 = 9$.", "denied"),
        (r"It is $17 \div 5 = 3$ R $2$.", "remainder"),
        (r"$2^{10} \approx 10^3$", "approximate"),
        (r"$\frac{1000}{7} = 143$", "rounded"),
        (r"$12.25 \cdot 0.577 = 7.08$.", "rounded_input"),
    ],
)
def test_what_a_page_does_not_state_or_not_exactly_is_left_out_by_name(text: str, reason: str) -> None:
    found, reasons = translate_document(text)
    assert reasons[reason] and all(computation.result in ("25", "-9") for computation in found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (r"$\log 1000 = 3$", "base = 10\n"),
        (r"$\sin 30 = \frac12$", "sin(rad(30))"),
        (r"Use $\pi = \frac{22}{7}$. It is $\pi \cdot 7^2 = 154$.", "22"),
        (r"$\left[\frac{1000}{7}\right] = 142$", "floor"),
        (r"$1{,}125 \cdot 8 = 9$", 'Fraction("1.125") * 8'),
        (r"$\sum_{x=0}^{2} 2x + 1 = 9$", "2 * x + 1 for"),
    ],
)
def test_of_two_readings_the_one_that_makes_the_statement_true_is_meant_and_counted(text: str, code: str) -> None:
    found, reasons = translate_document(text)
    assert len(found) == 1 and reasons["reading_chosen"] == 1
    assert code in found[0].code
