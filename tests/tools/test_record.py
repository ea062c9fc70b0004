"""`make record-replies`: the sample's pages are asked about once each, and the replies lie in a folder."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, run_module
from scripted import Server

PAGE = "---\ntitle: A page\nform: note\ntopics: [algebra]\n---\nThe product is $6 \\cdot {} = {}$.\n"
REPLY = "Type: 1\n**Expression:** $6 \\cdot 7$\n**Result:** 42\n**Code:**\n```python\nprint(6 * 7)\n```"


@pytest.fixture
def pages(project: Path) -> Path:
    """The project with three pages in place of each of the sample's folders."""
    folders = re.findall(r"path: (sample/\S+)\n +format: markdown", (ROOT / "profiles/coder.yaml").read_text())
    for number in range(3 * len(folders)):
        path = project / folders[number % len(folders)] / f"page-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(number, 6 * number))
    return project


def test_each_page_is_asked_about_once_and_the_rest_is_asked_by_the_next_call(tmp_path: Path, pages: Path) -> None:
    server = Server(tmp_path / "log", "--reply", REPLY)
    profile = pages / "profiles" / "coder.yaml"
    profile.write_text(profile.read_text().replace("http://127.0.0.1:8012/v1", server.url))
    folder = pages / "sample" / "replies"
    try:
        first = run_module("tools", "record-replies", "--pages", "2", folder=pages)
        asked = server.asked().total()
        again = run_module("tools", "record-replies", folder=pages)
        total = server.asked().total()
        idle = run_module("tools", "record-replies", folder=pages)
    finally:
        server.stop()
    assert first.returncode == again.returncode == idle.returncode == 0, first.stderr + again.stderr
    assert asked == 4 and total == server.asked().total()
    table = pq.read_table(folder / "part-00000.parquet")
    stages, urls = table.column("stage").to_pylist(), set(table.column("url").to_pylist())
    assert stages.count("translate") == stages.count("annotate") == len(urls) >= 3
    assert len(table) == total
    assert f"{total} of {total} replies are in sample/replies" in idle.stdout
    assert table.column("key").to_pylist() == sorted(table.column("key").to_pylist())


def test_without_a_server_it_is_one_line_and_what_is_recorded_stays(tmp_path: Path, pages: Path) -> None:
    profile = pages / "profiles" / "coder.yaml"
    text = profile.read_text().replace("http://127.0.0.1:8012/v1", "http://127.0.0.1:9/v1")
    profile.write_text(text.replace("timeout_s: 1800", "timeout_s: 1\n        max_attempts: 1"))
    done = run_module("tools", "record-replies", folder=pages)
    assert done.returncode == 1
    said = "error: translate: no answer from http://127.0.0.1:9/v1"
    assert any(line.startswith(said) for line in done.stderr.splitlines())
