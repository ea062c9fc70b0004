"""The report: the funnel as text and as a page that a browser shows whole."""

import html
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from mathcode_pile.core.funnel import CoreReason
from stages.classify.reasons import Reason
from stages.report.stage import explain_steps, headlines, read_funnel, read_metrics, summarize, write_report

METRICS = read_metrics(ROOT / "metrics")


def test_the_summary_names_every_stage_and_its_reasons() -> None:
    text = summarize(read_funnel(METRICS), METRICS, "sample")
    for name, values in METRICS.items():
        if "in" in values:
            assert f"{name} " in text
    assert "type_not_kept" in text and "data/report/index.html" in text
    assert list(headlines(METRICS))[:2] == ["documents in the corpus", "snippets that verify kept"]


def test_the_page_is_the_same_each_time_and_needs_no_data(tmp_path: Path) -> None:
    pages = []
    for name in ("a", "b"):
        write_report(ROOT / "metrics", tmp_path / "none", tmp_path / name, "sample")
        pages.append((tmp_path / name / "index.html").read_bytes())
    assert pages[0] == pages[1] and b"<svg" in pages[0]
    assert b"src=" not in pages[0] and b'href="http' not in pages[0]


def test_a_reason_is_explained_by_its_stages_sentence_and_one_without_a_sentence_is_shown_bare(tmp_path: Path) -> None:
    counts = {"in": 9, "kept": 2, "dropped": 7}
    for name, reasons in (("a", "below_floor 3, failed 1, unheard_of 2"), ("b", "below_floor 1")):
        (tmp_path / "classify").mkdir(exist_ok=True)
        (tmp_path / "classify" / f"{name}.json").write_text(json.dumps(counts | {"reasons": reasons}))
    (tmp_path / "corpus.json").write_text(json.dumps(counts | {"reasons": "failed 7"}))
    assert explain_steps(read_funnel(read_metrics(tmp_path))) == [
        ("below_floor", Reason.BELOW_FLOOR.sentence, ["classify"]),
        ("failed", CoreReason.FAILED.sentence, ["classify", "corpus"]),
    ]
    write_report(tmp_path, tmp_path, tmp_path / "out", "sample")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "unheard_of 2" in page and f"<dd>{html.escape(Reason.BELOW_FLOOR.sentence, quote=False)}" in page.replace(
        "&#39;", "'"
    )


def test_a_run_that_has_just_begun_has_a_report_too(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    write_report(tmp_path / "metrics", tmp_path, tmp_path / "out", "sample")
    assert "MathCode-Pile" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.browser
def test_a_browser_shows_the_page_whole(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    write_report(ROOT / "metrics", ROOT / "data", tmp_path / "out", "sample")
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        *quiet,
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    shot, page = tmp_path / "page.png", f"file://{tmp_path / 'out' / 'index.html'}"
    done = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("<tr>") > len(read_funnel(METRICS))
    assert 'id="funnel-table"' in done.stdout and "{{" not in done.stdout
    subprocess.run(
        [*command, f"--screenshot={shot}", "--window-size=1060,4000", page],
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert shot.stat().st_size > 50_000


def test_metrics_of_an_entry_that_params_no_longer_name_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "verify").mkdir()
    for name in ("verify/web", "verify/left", "pack"):
        (tmp_path / f"{name}.json").write_text('{"in": 1, "kept": 1}')
    assert set(read_metrics(tmp_path, {"web"})) == {"verify@web", "pack"}
