"""A real browser shows the report: no error, no overflow, accessible by axe-core's rules, everything in print."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from PIL import Image

from mathcode_pile.core.params import read_yaml
from stages.report.stage import write_report
from tools.browser import Browser, find_chromium
from tools.browser_files import AXE
from tools.diff import Comparison
from tools.diff_page import write_page
from tools.screenshots import PICTURES, take_pictures

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the recorded metrics, with the data that `make repro` made here."""
    out = tmp_path_factory.mktemp("report")
    write_report(ROOT / "metrics", ROOT / "data", out, read_yaml(ROOT / "params.yaml"))
    return out / "index.html"


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What changed since the last commit, as a page."""
    path = tmp_path_factory.mktemp("changes") / "diff.html"
    write_page(Comparison("HEAD", "workspace", 3), path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium with one page."""
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    with Browser(chromium, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_page_of_this_width_shows_everything_without_an_error(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width, dark)
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    # What is wider than the screen is in a box that scrolls.
    wide = """[...document.querySelectorAll('main *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1
        && !one.closest('.scroll, pre, .statement, blockquote, .katex, svg')).map(one => one.outerHTML.slice(0, 80))"""
    assert browser.run(wide) == []


def test_on_a_phone_no_table_needs_a_swipe_and_each_number_has_its_label(browser: Browser, page: Path) -> None:
    browser.open(page, 360)
    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.run("document.querySelectorAll('.stack').length") >= 10
    wide = """[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth)
        .map(one => one.getAttribute('aria-label'))"""
    assert browser.run(wide) == []
    bare = """[...document.querySelectorAll('.stack td.n')]
        .filter(one => getComputedStyle(one, '::before').content.length < 3).map(one => one.outerHTML.slice(0, 80))"""
    assert browser.run(bare) == []
    # What was lost at a step stands below what is left, and says why when it is opened.
    ends = """[...document.querySelectorAll('.why')].filter(one => {
        const range = document.createRange(); range.selectNodeContents(one.querySelector('summary'));
        const left = one.parentElement.querySelector('.count b').getBoundingClientRect().right;
        return Math.abs(range.getBoundingClientRect().right - left) > 2
            || !one.querySelector('p').getBoundingClientRect().height;
    }).length"""
    assert browser.run("document.querySelectorAll('.why').length") > 5 and browser.run(ends) == 0


def test_every_formula_is_rendered_or_left_as_its_source(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    assert browser.run("[...document.querySelectorAll('.formula, .math')].every(one => one.textContent.trim())")
    assert browser.run("katex.renderToString('\\\\frac{1}{2}').includes('mfrac')")


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, False), (1280, True)])
def test_axe_core_finds_nothing(browser: Browser, page: Path, width: int, dark: bool) -> None:
    if not AXE.is_file():
        pytest.skip(f"no {AXE.relative_to(ROOT)}: python -m tools browser-files")
    browser.open(page, width, dark)
    browser.run(AXE.read_text(encoding="utf-8") + ";0")
    found = browser.run(
        "axe.run().then(said => said.violations.map(one => [one.id, one.nodes.map(node => node.html.slice(0, 200))]))"
    )
    assert found == [], json.dumps(found, indent=1)


def test_print_shows_what_is_folded_and_cuts_nothing(browser: Browser, page: Path) -> None:
    browser.open(page, 794, media="print")
    assert browser.run("document.documentElement.scrollWidth") <= 794
    assert browser.run("document.querySelector('#funnel-table').getBoundingClientRect().height") > 300
    cut = """[...document.querySelectorAll('pre, blockquote')]
        .filter(one => one.scrollHeight > one.clientHeight + 2).length"""
    assert browser.run(cut) == 0
    assert len(browser.picture(1000)) > 20_000


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_changes_shows_both_sides_and_fits(browser: Browser, changes: Path, width: int) -> None:
    browser.open(changes, width)
    assert browser.complaints == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.querySelectorAll('#training ~ .charts polyline').length") == 4
    if AXE.is_file():
        browser.run(AXE.read_text(encoding="utf-8") + ";0")
        found = browser.run("axe.run().then(said => said.violations.map(one => [one.id, one.nodes[0].html]))")
        assert found == []


def test_the_pictures_of_the_documentation_are_taken(browser: Browser, page: Path, tmp_path: Path) -> None:
    for path, wanted in zip(take_pictures(page, tmp_path), PICTURES, strict=True):
        with Image.open(path) as picture:
            assert picture.size == (wanted.width + 2 * wanted.margin, wanted.height + 2 * wanted.margin)
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
