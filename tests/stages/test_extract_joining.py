"""Pages become one text: broken words are made whole, formulas are not, and only running heads and feet go."""

import pytest

from stages.extract_textbooks.joining import join_pages, join_words


@pytest.mark.parametrize(
    ("broken", "joined"),
    [
        ("every inte-\ngral is", "every integral is"),
        ("on-\nly one", "only one"),
        ("a func-\ntion (see there)", "a function (see there)"),
        ("Fig-\nure 3 shows", "Figure 3 shows"),
        ("the pro-\n\ngram", "the program"),  # over the end of a page
        ("die Glei-\nchung, équa-\ntion", "die Gleichung, équation"),
        ("a well-\nknown sum, as well-known as any", "a well-known sum, as well-known as any"),
        ("the x-\naxis is an x-axis", "the x-axis is an x-axis"),
        ("the fre-\nquency = 3, where frequency is", "the frequency = 3, where frequency is"),
    ],
)
def test_a_word_that_a_lines_end_broke_is_made_whole(broken: str, joined: str) -> None:
    assert join_words(broken) == joined


@pytest.mark.parametrize(
    "text",
    [
        "a-\nb = 3",
        "so ab-\ncd = 5",
        "x = ab-\ncd",
        "sin x-\ncos x",
        "2x-\ny",
        "2xy-\nxz",
        "f(ab-\nsin(x))",
        "a b^2-\nbc^2",
        "the n-\nth term",
        "\\alpha-\nbeta^2",
        "10-\nfold",
        "Euler-\nMaclaurin",
        "a^{n}-\nb",
        "α-\nβ",
    ],
)
def test_a_minus_at_a_lines_end_stays(text: str) -> None:
    assert join_words(text) == text


def make_pages(*tops: str, foot: str = "{page}") -> list[str]:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    return [
        f"{top}\nHere begins {words[n]}.\nIn it is {words[n]}.\nHere ends {words[n]}.\n{foot.format(page=n + 7)}"
        for n, top in enumerate(tops)
    ]


@pytest.mark.parametrize(
    "tops",
    [
        ["Practice in Sums"] * 6,
        [f"Practice in Sums, page {n}" for n in range(40, 46)],
        ["Chapter 3"] * 3 + ["Chapter 4"] * 3,
        [f"{n} Chapter 3 Sums" for n in range(6)],
        [f"Chapter {3 + n // 3} - {n + 12}" for n in range(6)],
        ["The book", "Chapter 1"] * 3,
    ],
)
def test_running_heads_and_page_numbers_go(tops: list[str]) -> None:
    text = join_pages(make_pages(*tops), 0.4)
    assert [line.split()[0] for line in text.split("\n") if line] == ["Here", "In", "Here"] * 6


@pytest.mark.parametrize(
    "rows",
    [
        ["1. 3 + 4 = 7", "2. 5 + 2 = 7", "3. 8 + 1 = 9", "4. 6 + 6 = 12", "5. 1 + 4 = 5", "6. 2 + 9 = 11"],
        ["12. 34", "15. 70", "19. 3", "22. 81", "27. 6", "30. 18"],
        ["70", "93", "12", "48", "5", "61"],
        ["1. Find the sum of 12 and 35.", "2. Find the sum of 14 and 20.", "3. Find the sum of 9 and 1."] * 2,
        ["a) 3x = 12", "a) 5x = 40", "a) 7x = 91", "a) 2x = 8", "a) 4x = 64", "a) 9x = 81"],
        ["$x_1 = 2$", "$x_3 = 5$", "$x_9 = 4$", "$x_2 = 8$", "$x_4 = 1$", "$x_7 = 3$"],
    ],
)
def test_rows_of_exercises_at_the_edges_of_pages_stay(rows: list[str]) -> None:
    text = join_pages(make_pages(*rows), 0.4)
    assert [line for line in text.split("\n") if line and not line.startswith(("Here", "In"))] == rows


def test_paragraphs_of_a_page_stay_apart_and_pages_with_nothing_else_are_left_out() -> None:
    pages = [f"Title\n\nFirst {word}.\n\n\n$$x$$\n\nLast {word}.\n\n{n}" for n, word in enumerate("abcd")]
    text = join_pages([*pages, "Title\n4", ""], 0.5)
    assert text.split("\n\n")[:4] == ["First a.", "$$x$$", "Last a.", "First b."] and "Title" not in text
    assert text.endswith("Last d.")
