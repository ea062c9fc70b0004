"""What `python -m tools takedown` understands, and the copies that it warns of."""

import pytest

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.removals import hash_text
from mathcode_pile.core.shards import shard_name
from tools.recorded import DataFile
from tools.takedown import find_copies, find_kind


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("openwebmath/0123456789abcdef", "id"),
        ("https://example.org/a.html", "url"),
        ("sample/pages/a-page.md", "url"),
        ("pkg:pypi/sympy@1.14.0#sympy/a.py:f@5", "url"),
        ("example.org", "domain"),
        (hash_text("A text."), "text"),
    ],
)
def test_the_kind_of_a_target_is_recognized(target: str, kind: str) -> None:
    assert find_kind(target) == kind


@pytest.mark.parametrize("target", ["", "localhost", "two words", "a page/b"])
def test_what_can_be_nothing_is_refused(target: str) -> None:
    with pytest.raises(PipelineError, match="is no id, URL, domain or SHA-256 of a text"):
        find_kind(target)


class _Folder:
    """Stands for a version and its objects: the shards of a folder."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows

    def list_files(self, out: str) -> list[DataFile]:
        return [DataFile(out, f"web/dropped/{shard_name(0)}", "md5"), DataFile(out, f"web/{shard_name(0)}", "md5")]

    def read_rows(self, file: DataFile, columns: list[str]) -> list[list[dict[str, str]]]:
        return [self.rows] if file.is_dropped else [[{"id": "web/9"}]]


def test_copies_that_would_take_its_place_are_named() -> None:
    rows = [
        {"id": "web/1", "detail": "of web/2 97 percent"},
        {"id": "web/3", "detail": "of web/1 85 percent"},
        {"id": "web/4", "detail": "of web/5 90 percent"},
        {"id": "web/6", "detail": "ValueError: of nothing"},
    ]
    folder = _Folder(rows)
    assert find_copies({"web/1"}, folder, folder) == ["web/2", "web/3"]  # type: ignore[arg-type]
    assert find_copies({"web/7"}, folder, folder) == []  # type: ignore[arg-type]
