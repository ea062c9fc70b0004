"""The parser of replies: every reply gives computations or a named reason, in time that grows with its length."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.translate.replies import parse_reply
from stages.translate.replies.relation import read_relation

REPLIES = [
    json.loads(line) for line in (Path(__file__).parents[1] / "data/replies/replies.jsonl").open(encoding="utf-8")
]
PARTS = ("title", "conditions", "expression", "result", "code")
WHOLE = "**Conditions:** n = 3\n**Expression:** $3!$\n**Result:** 6\n**Code:**\n```python\nprint(6)\n```\n"


def test_labelled_replies_are_parsed_exactly_and_no_block_is_invented() -> None:
    wanted = found = invented = 0
    for reply in REPLIES:
        computations = parse_reply(reply["reply"], reply["cut"]).computations
        blocks = [{name: getattr(c, name) for name in PARTS} for c in computations]
        wanted += len(reply["blocks"])
        found += sum(block in blocks for block in reply["blocks"])
        invented += sum(block not in reply["blocks"] for block in blocks)
    assert len(REPLIES) >= 200
    assert found / wanted >= 0.99
    assert invented == 0


@pytest.mark.parametrize("reply", [r for r in REPLIES if r["reasons"]], ids=lambda r: ",".join(r["reasons"]))
def test_what_cannot_be_used_has_its_reason(reply: dict[str, Any]) -> None:
    assert dict(parse_reply(reply["reply"], reply["cut"]).reasons) == reply["reasons"]


@pytest.mark.parametrize("reply", ["", "```python", "no code at all", "```\n```", "**Code:**", "\x00", "# " * 50])
def test_malformed_reply_yields_no_blocks(reply: str) -> None:
    parsed = parse_reply(reply)
    assert parsed.computations == []
    assert parsed.reasons.total() >= 1


def test_no_reply_is_cut_inside_a_block_that_ended_before_the_limit() -> None:
    for length in range(len(WHOLE)):
        parsed = parse_reply(WHOLE + WHOLE[:length], is_cut=True)
        assert len(parsed.computations) == (2 if length >= len(WHOLE) - 1 else 1)


def block(conditions: str, expression: str, result: str) -> str:
    lines = [f"**Conditions:** {conditions}", f"**Expression:** {expression}", f"**Result:** {result}"]
    return "\n".join([*(line for line in lines if not line.endswith(":** ")), "**Code:**", "```python", "f(3)", "```"])


@pytest.mark.parametrize(
    "conditions, expression, result, wanted",
    [
        # The result is the last side of the expression, or a number in its place.
        (
            "n = 3",
            r"$\vec{a} \times \vec{b} = (-10, 7, 9)$",
            "",
            (r"\vec{a} \times \vec{b}", "(-10, 7, 9)"),
        ),
        ("n = 3", r"$\sum_{k=1}^3 k \approx 6.0$", "", (r"\sum_{k=1}^3 k", "6.0")),
        (r"We want $\int_0^1 x e^x \, dx$.", "1", "", (r"\int_0^1 x e^x \, dx", "1")),
        # The expression is the formula of the conditions that states the result, or else one without an equality.
        (r"$\binom{12}{2} = 66$, so $\frac{66}{6} = 11$ suffice", "", "66 games", (r"\binom{12}{2}", "66 games")),
        (
            r"$$\lim_{x \to 3} \frac{x^2 - 9}{x - 3} = 6.$$",
            "",
            "6",
            (r"\lim_{x \to 3} \frac{x^2 - 9}{x - 3}", "6"),
        ),
        (r"Maximize $xy$ under $2x + y = 60$.", "", "450 square metres", ("xy", "450 square metres")),
        # Neither is invented.
        ("The base is 6.", r"$\frac{1}{2} \cdot 6 \cdot 4$", "", "no_result"),
        ("The base is 6.", r"$x = \frac{5 \pm \sqrt{25 - 24}}{2}$", "", "no_result"),
        ("The side is 4.", "24", "", "no_expression"),
        ("The side is 4.", "", "24", "no_expression"),
        ("We have $2x + y = 60$.", "", "450", "no_expression"),
    ],
)
def test_a_missing_expression_or_result_is_taken_from_the_other_parts(
    conditions: str, expression: str, result: str, wanted: tuple[str, str] | str
) -> None:
    parsed = parse_reply(block(conditions, expression, result))
    if isinstance(wanted, str):
        assert not parsed.computations and dict(parsed.reasons) == {wanted: 1}
    else:
        (computation,) = parsed.computations
        assert (computation.expression, computation.result) == wanted


FRAGMENTS = st.sampled_from(
    ["```", "```python", "~~~", "````", "**", "**Conditions:**", "Expression:", "### Computation 1: a", "Result:", "\n",
     "\r\n",
     " ", "$", "1. ", "> ", '"""', "'''", "#", "print(1)", "Code: ", "---",
     "\\[", "x", "(", "：", "\t", "None"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=60).map("".join), st.booleans())
def test_every_reply_gives_computations_or_a_reason(reply: str, is_cut: bool) -> None:
    parsed = parse_reply(reply, is_cut)
    assert parsed.computations or parsed.reasons.total()
    for computation in parsed.computations:
        assert computation.expression and computation.result and computation.code.strip()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.booleans())
def test_any_text_is_parsed(reply: str, is_cut: bool) -> None:
    parsed = parse_reply(reply, is_cut)
    assert parsed.computations or parsed.reasons.total()


@settings(max_examples=60, deadline=None)
@given(st.lists(FRAGMENTS, min_size=1, max_size=4).map("".join))
def test_time_grows_with_the_length_and_not_with_its_square(unit: str) -> None:
    start = time.process_time()
    parse_reply((unit * 100_000)[:200_000])
    # About 0.1 s on one core; a square or an exponential would take minutes.
    assert time.process_time() - start < 8


@pytest.mark.parametrize(
    ("expression", "result", "conditions", "expected"),
    [
        (r"\sqrt{2}", r"\approx 1.41", "", (r"\sqrt{2}", "1.41", "≈")),
        (r"\sqrt{2} \approx", "1.41", "", (r"\sqrt{2}", "1.41", "≈")),
        (r"\sqrt{2}", "≈ 1.41", "", (r"\sqrt{2}", "1.41", "≈")),
        ("100 / 7", "approximately 14.29", "", ("100 / 7", "14.29", "≈")),
        ("100 / 7", "14.29", "Share 100. The share is rounded to cents.", ("100 / 7", "14.29", "≈")),
        ("100 / 7", "14.29 (rounded)", "", ("100 / 7", "14.29 (rounded)", "≈")),
        ("100 / 8", "12.5", "There are about 8 people. They share 100.", ("100 / 8", "12.5", "=")),
        ("3 + 4", "= 7", "A book about numbers", ("3 + 4", "7", "=")),
    ],
)
def test_a_result_is_approximate_where_the_reply_says_so(
    expression: str, result: str, conditions: str, expected: tuple[str, str, str]
) -> None:
    assert read_relation(expression, result, conditions) == expected
