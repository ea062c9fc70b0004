"""Kept replies go from one machine to another with `python -m tools replies`."""

from pathlib import Path

import pytest
from conftest import run_module

from mathcode_pile.llm import ask_plainly
from mathcode_pile.llm.cache import Completion, ReplyCache, reply_key


def test_exported_replies_are_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "here"))
    for i in range(3):
        ReplyCache().put(reply_key({"id": "m"}, ask_plainly(str(i))), "m", Completion(f"reply {i}", False, 1, 1))
    assert run_module("tools", "replies", "export", tmp_path / "out").stdout.startswith("3 replies written to ")
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "there"))
    for new in (3, 0):
        assert run_module("tools", "replies", "import", tmp_path / "out").stdout.startswith(f"{new} new replies from ")
    assert run_module("tools", "replies", "count").stdout.startswith("3 replies in ")
