"""The symbolic translator's quick tests before its long patterns, and what it keeps of trees."""

import re

import pytest

from stages.translate.reasons import Reason
from stages.translate.symbolic import chains, other_arithmetic, posed, quantity_words, result_forms
from stages.translate.symbolic.breaks import mark_breaks
from stages.translate.symbolic.nodes import Node, free_symbols, number, operations, with_args
from stages.translate.symbolic.quantity_words import find_mentions, name_of_result
from stages.translate.symbolic.searching import has_any


@pytest.mark.parametrize(
    ("pattern", "words", "text"),
    [
        (posed._REJECTED, posed._REJECTING, "this is neither "),
        (posed._REJECTED, posed._REJECTING, "it is 5 rather than "),
        (posed._REJECTED, posed._REJECTING, "the sum isn’t "),
        (posed._SUPPOSED, posed._SUPPOSED_BY, "assuming that "),
        (posed._SUPPOSED, posed._SUPPOSED_BY, "a pupil wrote "),
        (posed._SUPPOSED, posed._SUPPOSED_BY, "unless "),
        (posed._ASKED, posed._ASKED_BY, "decide whether "),
        (posed._ASKED, posed._ASKED_BY, "is it possible that "),
        (posed._ASKED, posed._ASKED_BY, "find the mistake: "),
        (posed._ASKED, posed._ASKED_BY, "prove or disprove: "),
        (posed._ASKED, posed._ASKED_BY, "what's wrong here: "),
        (posed._SUPPOSING, posed._SUPPOSING_WORDS, "by contradiction"),
        (posed._SUPPOSING, posed._SUPPOSING_WORDS, "assume it"),
        (result_forms._ROUNDED, result_forms._ROUNDED_WORDS, "approximately 5"),
        (result_forms._ROUNDED, result_forms._ROUNDED_WORDS, "at most 5"),
        (other_arithmetic._TWO_DIGITS, other_arithmetic._TWO_DIGITS_WORDS, "in gf(2)"),
        (other_arithmetic._OTHER_DIGITS, other_arithmetic._DIGITS, "in hexadecimal"),
    ],
)
def test_a_text_that_matches_has_one_of_the_words(pattern: re.Pattern[str], words: tuple[str, ...], text: str):
    assert pattern.search(text) and has_any(text, words)


def test_numbers_in_digits_and_in_words_are_in_the_order_of_the_text():
    text = "Often two pens, then 2 cups and two more; 1,200 of twenty-two, 12.5% off, x2."
    mentions = find_mentions(text)
    assert [text[m.start : m.end] for m in mentions[2]] == ["two", "2", "two", "two"]
    assert [text[m.start : m.end] for m in mentions[1200]] == ["1,200"]
    assert 10 not in mentions  # of Often
    assert [m.is_percent for m in mentions[quantity_words.Fraction(1, 8)]] == [True]


def test_a_result_is_named_by_the_words_before_it_whatever_follows_the_verb():
    text = "The cost comes to about : 5"
    assert name_of_result(text, 0, len(text) - 1, len(text)) == "cost"


def test_a_tree_keeps_its_symbols_and_stays_itself_where_nothing_changes():
    body = Node("mul", (Node("sym", (), "k"), Node("sym", (), "a")))
    series = Node("sum", (body, Node("sym", (), "k"), number("1"), Node("sym", (), "n")))
    assert free_symbols(series) == {"a", "n"} == free_symbols(series)
    assert operations(series) == {"sum", "mul", "sym", "num"}
    assert with_args(series, series.args) is series
    changed = with_args(series, (body, Node("sym", (), "k"), number("1"), number("9")))
    assert free_symbols(changed) == {"a"} and changed != series


@pytest.mark.parametrize(
    "latex",
    [
        r"a \tag{1}", r"a \tag*{1}", r"a \label{x}", r"a \nonumber", r"a \notag", r"a \\[2pt] b", r"a \cr b",
        r"a \newline b", r"\intertext{so} b", r"\shortintertext{so} b", r"a \hspace{1cm} b", r"a \hskip 2 em b",
        r"a \enspace b", "a ~~ b", r"a \;\; b", r"a\ \ b", r"\boxed{x = 1}", r"a \overset{!}{=} b",
        r"a \stackrel{*}{\approx} b", r"\hfill b", r"\left(\!\binom{3}{2}\!\right)",
    ],
)  # fmt: skip
def test_each_mark_that_breaks_a_formula_is_looked_for(latex: str):
    for before in ("", r"\frac{1}{2} \cdot 3 + ", r"\text{x} + "):
        assert mark_breaks(before + latex) != before + latex


def test_a_table_of_statements_is_looked_for():
    for name in ("cases", "aligned", "array"):
        latex = rf"\begin{{{name}}} a = 1 \\ b = 2 \end{{{name}}}"
        assert mark_breaks(latex).strip() == r"a = 1 \\ b = 2"


def test_common_commands_break_nothing():
    latex = r"\frac{1}{2} \cdot 3 \times \sqrt{4} \div \left( 5 \right) = 15\%"
    assert mark_breaks(latex) == latex


def test_what_may_end_a_chain_is_looked_at_closely():
    for token in (*chains._ENDS, *chains._ALIGNMENT, "\\\\", r"\Rightarrow", r"\text{hence}", r"\begin{aligned}", "‚"):
        assert not chains._continues_always(token)
    for token in ("1234567", "+", r"\times", r"\frac", "x", "("):
        assert chains._continues_always(token)


@pytest.mark.parametrize("label", ["(a) ", "B. ", r"\textbf{(C)} ", "2) $", "e. \\(", "(D)~", r"\text{A} $"])
def test_a_choice_is_seen_whatever_is_between_its_label_and_the_formula(label: str):
    text = f"Which of these equations holds for all x in the book? \n{label}2 + 2 = 5"
    start = text.index("2 + 2")
    assert posed.why_not_stated(text, start, len(text), "2 + 2 = 5", "") is Reason.POSED


def test_the_longest_name_of_a_quantity_before_a_number_is_seen():
    longest = max(quantity_words._QUANTITY_NAMES, key=len)
    text = f"the {longest} equals $25$"
    (mention,) = find_mentions(text)[25]
    assert quantity_words.name_of_mention(text, mention, is_formula=True) == longest
