"""A model's name for a number is taken back where the text calls the number something else."""

import pytest

from stages.translate.said_names import rename_unsaid

BUSES = "If they slept for 12 years.\n\nThe buses come every 12 and every 15 minutes, together at six."
GAMES = "Everybody meets everyone once, so there are 91 games. Seven at once, so 13 rounds."
QUILT = "You need 2 × (4 + 5) = 18 side triangles and 4 corners."


@pytest.mark.parametrize(
    ("text", "result", "code", "renamed"),
    [
        # Another unit; the name that the text has is taken.
        (BUSES, "60", "minutes = 12\nhours = 15\nprint(minutes * hours // 3)", "minutes = 12\nminutes_2 = 15\n"),
        # Other things that are counted, in the name that is printed.
        (GAMES, "91 games", "n = 14\nrounds = n * 13 // 2\nprint(rounds)", "n = 14\ngames = n * 13 // 2\n"),
        (QUILT, "18", "corner_triangles = 2 * (4 + 5)\nprint(corner_triangles)", "side_triangles = 2 * (4 + 5)\n"),
        # Another dimension.
        ("It is $8 \\times 2.54 = 20.32$ cm across.", "20.32 cm", "area = 8 * 2.54\nprint(area)", "centimetres = 8"),
        ("A field of 6 square metres.", "12", "width = 6\nprint(2 * width)", "square_metres = 6\n"),
    ],
)
def test_a_name_that_the_text_contradicts_becomes_the_texts_own(
    text: str, result: str, code: str, renamed: str
) -> None:
    assert rename_unsaid(code, result, text, len(text)).startswith(renamed)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # The text says nothing of the number, or in words that agree.
        ("We take 15 of them.", "hours = 15\nprint(hours * 4)"),
        ("It takes 15 minutes.", "time = 15\nprint(time * 4)"),
        ("The wall is 15 m long.", "distance = 15\nprint(distance * 4)"),
        ("A tank of 15 cubic metres.", "volume = 15\nprint(volume * 4)"),
        ("There are 15 red balls.", "balls = 15\nprint(balls * 4)"),
        # One of two mentions agrees.
        ("After 15 minutes there were 15 rabbits and 3 hens.", "rabbits = 15\nprint(rabbits * 4)"),
        # Things that the text does not count.
        ("There are 15 guests.", "people = 15\nprint(people * 4)"),
        # A letter, a value that changes, and code that Python does not read.
        ("Wait 15 minutes.", "t = 15\nprint(t * 4)"),
        ("Wait 15 minutes, 3 hours.", "hours = 15\nhours = hours * 4\nprint(hours)"),
        ("Wait 15 minutes.", "hours = 15\nprint(hours *"),
        ("", "hours = 15\nprint(hours * 4)"),
        ("Wait 15 minutes.", "hours = 0x" + "f" * 5000 + "\nprint(hours)"),
        ("Wait 15 minutes.", "hours = '" + "9" * 5000 + "'\nprint(hours)"),
    ],
)
def test_other_names_stay(text: str, code: str) -> None:
    assert rename_unsaid(code, "60", text, len(text)) == code


def test_a_paragraph_goes_before_the_rest_of_the_text() -> None:
    code = "minutes = 12\nprint(minutes * 5)"
    assert rename_unsaid(code, "60", "12 years ago.\n\nEvery 12 of them.", 31) == code
    assert rename_unsaid(code, "60", "12 years ago.\n\nEach of them.", 28) == "years = 12\nprint(years * 5)"
    few = "minutes = 3\nprint(minutes * 20)"
    assert rename_unsaid(few, "60", "3 years ago.\n\nEach of them.", 27) == few
