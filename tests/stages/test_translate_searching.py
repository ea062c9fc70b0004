"""The symbolic translator's quick tests before its long patterns, and what it keeps of trees."""

import re

import pytest

from stages.translate.symbolic import other_arithmetic, posed, quantity_words, result_forms
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
