"""removed.csv: which documents its lines match, and what is wrong with a line that cannot be used."""

from pathlib import Path

import pytest

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.removals import Removal, Removals, hash_text, read_removals

PAGE = ("openwebmath/0123456789abcdef", "https://www.Example.org/a/b/?q=1#top", "A text.")
HEADER = "kind,value,date,reason\n"


def _only(kind: str, value: str) -> Removals:
    return Removals([Removal(kind, value, "2025-12-31", "copyright")])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("id", PAGE[0]),
        ("url", "http://example.org/a/b?q=1"),
        ("url", PAGE[1]),
        ("domain", "example.org"),
        ("domain", "WWW.example.org"),
        ("text", hash_text("A text.")),
    ],
)
def test_a_line_matches_its_document(kind: str, value: str) -> None:
    found = _only(kind, value).find(*PAGE)
    assert found and found.name == f"{kind} {value}"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("id", "openwebmath/0123456789abcdee"),
        ("url", "https://example.org/a/b"),
        ("url", "https://example.org/a"),
        ("domain", "ample.org"),
        ("domain", "a.example.org"),
        ("text", hash_text("A text")),
    ],
)
def test_a_line_matches_nothing_else(kind: str, value: str) -> None:
    assert _only(kind, value).find(*PAGE) is None


@pytest.mark.parametrize("url", ["", "pkg:pypi/sympy@1.14.0#sympy/a.py:f@5", "http://[half", "sample/pages/a.md"])
def test_any_address_can_be_compared(url: str) -> None:
    assert _only("domain", "example.org").find("s/0", url, "") is None
    assert _only("url", url or "x").find("s/0", url, "") == (_only("url", url).lines[0] if url else None)


def test_the_part_of_a_package_is_part_of_its_address() -> None:
    assert _only("url", "pkg:pypi/sympy@1.14.0#a").find("s/0", "pkg:pypi/sympy@1.14.0#b", "") is None


def test_the_file_is_read_as_csv(tmp_path: Path) -> None:
    (tmp_path / "removed.csv").write_text(HEADER + 'domain,example.org,2025-12-31,"asked, twice"\n')
    assert read_removals(tmp_path / "removed.csv").lines == [
        Removal("domain", "example.org", "2025-12-31", "asked, twice")
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the first line must be kind,value,date,reason"),
        (HEADER + "name,x,2025-12-31,r\n", "row 2: kind must be one of id, url, domain, text, got 'name'"),
        (HEADER + "id,x,2025-12-31,r\n", "row 2: 'x' is no id"),
        (HEADER + "domain,https://example.org/a,2025-12-31,r\n", "row 2: 'https://example.org/a' is no domain"),
        (HEADER + "text,ABC,2025-12-31,r\n", "row 2: 'ABC' is no text"),
        (HEADER + "domain,a.org,2025-12-31,r\ndomain,b.org,31.12.2025,r\n", "row 3: date must be as 2025-12-31"),
        (HEADER + "domain,a.org,2025-12-31,\n", "row 2: the reason is missing"),
        (HEADER + "domain,a.org\n", "row 2: 4 values are needed, got 2"),
        (HEADER + 'domain,"a.org,2025-12-31,r\n', "not a CSV file in UTF-8"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "removed.csv").write_text(content)
    with pytest.raises(InputError) as raised:
        read_removals(tmp_path / "removed.csv")
    assert said in str(raised.value)


def test_a_missing_file_is_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_removals(tmp_path / "removed.csv")
