"""Of programs that compute the same from the same numbers one is written, whatever they call them."""

import pytest

from stages.corpus.repeated import computed_of
from stages.corpus.translated import _without_repeated

TERSE = "from math import comb\n\nprint(comb(6, 4))"
NAMED = "from math import comb\n\nplayers = 6\nk = 4\nways = comb(players, k)\nprint(ways)"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TERSE, NAMED),
        ("a = 36\nb = 160\ntotal = a**2 + b**2\nprint(total**0.5)", "print((36**2 + 160**2) ** 0.5)"),
        ("n = 28\nprint(sum(k**2 for k in range(1, n)))", "last = 28\nprint(sum(k**2 for k in range(1, last)))"),
    ],
)
def test_names_make_no_difference(one: str, other: str) -> None:
    assert computed_of(one) == computed_of(other) != ""


@pytest.mark.parametrize(
    "code", ["print(comb(4, 6))", "print(comb(6, 4) + 0)", "print(15)", "k = 4\nprint(comb(7, k))"]
)
def test_other_numbers_or_another_way_do(code: str) -> None:
    assert computed_of(code) != computed_of(NAMED)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = (",
        "for i in range(3):\n    print(i)",
        "a, b = 1, 2\nprint(a + b)",
        "x = 2\n" + "x = x * x\n" * 20 + "print(x)",
    ],
)
def test_what_is_more_than_assignments_is_compared_with_nothing(code: str) -> None:
    assert computed_of(code) == ""


def test_a_model_goes_first_and_then_the_first_of_the_page() -> None:
    def row(position: int, code: str, translator: str = "symbolic") -> dict[str, object]:
        return {"position": position, "anchor": position, "code": code, "translator": translator}

    loop = "for i in range(3):\n    print(i)"
    rows = [row(0, NAMED), row(1, loop), row(2, TERSE, "Qwen/x"), row(3, TERSE), row(4, loop), row(5, "print(3)")]
    assert [row["position"] for row in _without_repeated(rows)] == [1, 2, 4, 5]
    assert [row["position"] for row in _without_repeated([row(0, NAMED), row(1, TERSE)])] == [0]
