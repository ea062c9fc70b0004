"""CONTRIBUTING.md names only files and folders that exist."""

import re

import pytest
from conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TOP = {path.name for path in ROOT.iterdir()}
# A path below the repository's root; data/ is empty before the first run.
NAMED = {
    name
    for name in re.findall(r"`([\w.<>*/-]+)`", TEXT)
    if name.partition("/")[0] in TOP and not name.startswith("data/")
}


def test_the_text_names_paths() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_path_that_is_named_exists(name: str) -> None:
    pattern = re.sub(r"<\w+>", "*", name.rstrip("/"))
    assert any(path.is_dir() or not name.endswith("/") for path in ROOT.glob(pattern))
