"""The programs of the symbolic translator: one for the steps that lead to a result, with the names of the page."""

import ast
import builtins
import contextlib
import io
import json
import keyword
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_pile.core.program_size import count_operations
from mathcode_pile.sources.worked_mathematics import generate
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.restated import is_restated
from stages.translate.selection import select, why_left_out
from stages.translate.symbolic import translate_document

DATA = Path(__file__).parents[1] / "data"
CASES = (DATA / "symbolic_programs.md").read_text(encoding="utf-8").split("## Text\n\n")[1:]
PROGRAM = re.compile(r"States (.) `([^`]*)`:\n\n```python\n(.*?)```\n\n```output\n(.*?)\n```", re.DOTALL)
LABELLED = [json.loads(line) for line in (DATA / "restated_programs.jsonl").open(encoding="utf-8")]


def run(code: str) -> str:
    """Run a program as one of its own."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})  # noqa: S102 - the code under test, written a moment ago
    return output.getvalue().strip()


def only(text: str) -> Computation:
    """Return the one computation of a text."""
    found, _ = translate_document(text)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_text_gives_exactly_these_programs(case: str) -> None:
    text, _, _ = case.partition("\n\nStates ")
    found, _ = translate_document(text)
    written = [(item.relation, item.result, item.code, run(item.code)) for item in found]
    assert written == PROGRAM.findall(case)


def test_there_are_at_least_30_texts_with_a_program() -> None:
    assert len(CASES) >= 30 and all(map(PROGRAM.search, CASES))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (r"So $12 \cdot 15 = 180$ and $180 - 30 = 150$.", 1),
        (r"So $12 \cdot 15 = 180$ and $7 \cdot 8 + 1 = 57$.", 2),
        # 180 stands before its computation: which of the two is meant is open.
        (r"Of 180 pupils $12 \cdot 15 = 180$ came and $180 - 30 = 150$ stayed.", 2),
        ("## Exercise 1\n\n$12 \\cdot 15 = 180$\n\n## Exercise 2\n\n$180 - 30 = 150$", 2),
        (r"So $12 \cdot 15 = 180$, $180 - 30 = 150$ and $180 + 20 = 200$.", 2),
    ],
)
def test_steps_share_a_program_where_one_uses_the_value_of_the_other(text: str, count: int) -> None:
    assert len(translate_document(text)[0]) == count


def test_programs_that_share_a_step_share_their_chain() -> None:
    found, _ = translate_document(r"So $12 \cdot 15 = 180$, $180 - 30 = 150$, $180 + 20 = 200$ and $7 \cdot 9 = 63$.")
    assert [item.chain for item in found] == [0, 0, 3]


@pytest.mark.parametrize(
    "text", [r"Clearly $17 \cdot 8 = 54$, and $54 + 6 = 60$.", r"It is $6 - 10 = 4$, so $-4 - 10 = -6$."]
)
def test_nothing_is_computed_from_a_wrong_value(text: str) -> None:
    found, reasons = translate_document(text)
    assert [run(computation.code) != computation.result for computation in found] == [True]
    assert reasons["wrong_step"] == 1


@pytest.mark.parametrize(
    "text",
    [
        r"First $x = 3$ and then $x = 5$, whence $x^2 + 1 = 26$.",
        r"Let $x = 3$. We solve $2x + 1 = 11$ for another number.",
        r"So $c = 0$ or $4 - 5c = 0$.",
        r"Hence $3x + 1 = 7$, since $x = 2$.",
        r"With $x = 3$ we come to $2x + 1 = 7$, not to $x = 8$.",
        "## Exercise 1\n\nLet $r = 3$.\n\n## Exercise 2\n\nThe area is $A = r^2 + 1 = 10$.",
        r"With $x = 0$ we get $y = \frac{1}{x} = 1$.",
    ],
)
def test_a_formula_is_left_alone_where_its_letters_are_not_certain(text: str) -> None:
    assert translate_document(text)[0] == []


def test_a_letter_with_a_new_value_belongs_to_another_problem() -> None:
    problem = r"From $y = 2x - 5$ and $3x + y = 10$ we get $x = 3$ and $y = 2 \cdot 3 - 5 = 1$."
    assert [computation.result for computation in translate_document(problem)[0]] == ["1"]
    text = problem + "\n\nFor another pair, add the lines: $6x = 18$. Hence $x = 3$, $y = 2$."
    assert {computation.result for computation in translate_document(text)[0]} == {"1", "3"}


def test_the_conditions_are_the_sentences_of_the_givens_and_the_steps_each_once() -> None:
    text = (
        "A shop buys 24 notebooks. The weather is fine. The price is 3.50 euros each. Nobody knows why. "
        r"The cost is $24 \cdot 3.50 = 84$. The discount is $0.15 \cdot 84 = 12.60$, and $84 - 12.60 = 71.40$ is paid."
    )
    assert only(text).conditions == (
        r"A shop buys 24 notebooks. The price is 3.50 euros each. The cost is $24 \cdot 3.50 = 84$. "
        r"The discount is $0.15 \cdot 84 = 12.60$, and $84 - 12.60 = 71.40$ is paid."
    )


PARTS = ["so ", "we get $x. 1 + 2$, ", r"$\frac{1}{2} + 3$ ", "and then, ", "word " * 30]


@given(st.lists(st.sampled_from(PARTS), max_size=40))
@settings(max_examples=60, deadline=None)
def test_conditions_are_never_cut_inside_a_formula(parts: list[str]) -> None:
    text = "".join(parts) + r"the total is $17 \cdot 3 + 5 = 56$ " + "".join(reversed(parts))
    for computation in translate_document(text)[0]:
        assert computation.conditions.count("$") % 2 == 0
        assert r"$17 \cdot 3 + 5 = 56$" in computation.conditions


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        (r"It is $\sqrt{50} \approx 7.07$.", "≈"),
        (r"It is $100 / 7 = 14.29$, rounded.", "≈"),
        (r"It is $100 / 8 = 12.5$, not rounded.", "="),
        (r"There are about $3 \cdot 4 + 1 = 13$ people.", "="),
    ],
)
def test_approximately_stays_so(text: str, relation: str) -> None:
    assert only(text).relation == relation


@given(
    st.lists(st.decimals(min_value="0.01", max_value=999, places=2), min_size=2, max_size=4),
    st.sampled_from([r" \cdot ", " + ", " - "]),
)
@settings(max_examples=80, deadline=None)
def test_decimals_print_no_noise(numbers: list[object], sign: str) -> None:
    """A value halfway between two roundings is printed whole: it may have one digit more than stated."""
    found, _ = translate_document(f"The bill is ${sign.join(map(str, numbers))} = 12.34$.")
    for computation in found:
        assert re.fullmatch(r"-?\d+\.\d{1,3}", run(computation.code)), computation.code


@given(st.integers(3, 60), st.integers(3, 60), st.integers(3, 60))
@settings(max_examples=60, deadline=None)
def test_a_program_computes_what_its_text_computes(a: int, b: int, c: int) -> None:
    first, second = a * b, a * b + c
    text = rf"With $u = {a}$ and $v = {b}$ the product is $p = uv = {first}$, and $p + {c} = {second}$."
    found, _ = translate_document(text)
    assert [run(item.code) for item in found if item.result == str(second)] == [str(second)]


def test_names_are_python_and_no_builtin_is_hidden() -> None:
    for page in generate(150, 3):
        for computation in translate_document(page["text"])[0]:
            names = {
                node.id
                for node in ast.walk(ast.parse(computation.code))
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            imported = {
                alias.name
                for node in ast.walk(ast.parse(computation.code))
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            assert not names & imported
            assert not any(keyword.iskeyword(name) or hasattr(builtins, name) for name in names)


def test_plain_arithmetic_has_no_title() -> None:
    for text in (r"$3 \cdot 4 + 5 = 17$", r"$12 - 7 + 3 = 8$", r"$2^5 + 1 = 33$", r"$\frac{12 + 9}{7} = 3$"):
        assert only(text).title == ""


# Programs that are left out.


def test_restated_programs_are_found_and_honest_ones_are_kept() -> None:
    verdicts = [(item["label"], is_restated(item["code"], item["result"])) for item in LABELLED]
    restated = [found for label, found in verdicts if label == "restated"]
    honest = [found for label, found in verdicts if label == "honest"]
    assert len(restated) >= 30 and len(honest) >= 30
    assert sum(restated) / len(restated) >= 0.95  # recall
    assert sum(honest) / len(honest) <= 0.02  # false alarms


@pytest.mark.parametrize(
    "code",
    ["", "print(", "\x00", "(" * 500 + "1", "x = " + "-" * 3000 + "1\nprint(x)", "def f(): return f()\nprint(f())"],
)
def test_any_code_gets_an_answer(code: str) -> None:
    assert is_restated(code, "1") in (True, False)
    assert count_operations(code) >= 0


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("print(8 - 2)", 1),
        ("print(12 ** 2)", 1),
        ("from fractions import Fraction\nprint(Fraction(80, 5))", 1),
        ("from math import sqrt\nprint(sqrt(400))", 1),
        ("price = 3\nprint(round(float(price), 2))", 0),
        ("print(3 * 4 + 5)", 2),
        ("from math import comb\nprint(comb(5, 2))", 2),
        ("print(sum(k for k in range(10)))", 4),
        ("print(int('1001', 2))", 2),
    ],
)
def test_operations_are_counted(code: str, count: int) -> None:
    assert count_operations(code) == count


def test_a_program_is_left_out_by_name() -> None:
    assert why_left_out("print(8 - 2)", "6", 2) is Reason.TOO_SMALL
    assert why_left_out("print(8 - 2)", "6", 1) is None
    assert why_left_out("print(6)", "6", 0) is Reason.RESTATED
    small, large = (Computation("", "", "", "6", code) for code in ("print(8 - 2)", "print(8 - 2 * 1)"))
    assert select([small, large, small], 2) == ([large], [], {Reason.TOO_SMALL: 2})


def test_a_small_step_stays_where_a_later_one_uses_it() -> None:
    found = only(r"So $15 - 8 = 7$ are left, and $7 \cdot 12 = 84$ euros.")
    assert why_left_out(found.code, found.result, 2) is None
