"""Pages of HTML become text with formulas as LaTeX; what is no text of the page stays out."""

import re
import time
from collections import Counter

import pytest
from labelled_html import LabelledPage, find_missing, formulas_of, labelled_pages

from mathcode_pile.sources.html import MAX_PAGE_BYTES, Fault, Page, read_page

PAGES = labelled_pages()
MARKED_UP = [page for page in PAGES if page.notation not in ("scripts", "plain")]
NOTATIONS = {"attributes", "image", "katex", "mathjax2", "mathjax3", "mathml", "plain", "scripts", "wiki"}


def read(content: bytes, charset: str = "") -> Page:
    page = read_page(content, charset)
    assert isinstance(page, Page), page
    return page


def body(markup: str) -> str:
    """The text of a page with this markup in its body."""
    return read(f"<html><body><div><p>Words before it.</p>{markup}</div></body></html>".encode()).text


def test_at_least_98_percent_of_the_labelled_formulas_arrive() -> None:
    assert len(PAGES) >= 40
    assert {page.notation for page in PAGES} == NOTATIONS
    expected: Counter[str] = Counter()
    missing: list[tuple[str, str]] = []
    for page in PAGES:
        expected[page.notation] += len(page.formulas)
        missing += [(page.path.name, formula) for formula in find_missing(page, read(page.content).text)]
    assert len(missing) <= 0.02 * expected.total(), missing
    assert min(expected.values()) >= 10, expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_no_menu_script_style_or_notice_arrives(page: LabelledPage) -> None:
    text = read(page.content).text
    assert [words for words in page.absent if words in text] == []
    assert not re.search(r"function\s*\(|\bvar \w+ =|mjx-|\{\s*display:", text)


@pytest.mark.parametrize("page", MARKED_UP, ids=lambda page: page.path.stem)
def test_no_formula_arrives_that_the_page_does_not_have(page: LabelledPage) -> None:
    found = read(page.content)
    assert formulas_of(found.text).total() == len(page.formulas)
    assert (found.formulas, found.formulas_unread) == (len(page.formulas), 0)


def test_code_keeps_its_lines_and_tables_their_cells() -> None:
    code = '<pre class="brush: python">if x:\n    y = 1\n\nz = "&lt;"</pre>'
    assert body(code).endswith('```python\nif x:\n    y = 1\n\nz = "<"\n```')
    assert body("<pre>a<br>  b</pre>").endswith("```\na\n  b\n```")
    assert body("<pre><div>a</div><div>  b</div><span>c</span></pre>").endswith("```\na\n  bc\n```")
    assert read(b"<pre>first\n  line</pre>").text == "```\nfirst\n  line\n```"
    assert body("<p>Call <code>f(x)  </code> now.</p>").endswith("Call `f(x)` now.")
    table = "<table><tr><th>a|b<th>n</tr><tr><td><script type='math/tex'>|x|</script><td>2</tr></table>"
    assert body(table).endswith("| a\\|b | n |\n| --- | --- |\n| $\\vert x\\vert$ | 2 |")


def test_numbers_of_lines_beside_code_are_left_out() -> None:
    rows = '<tr><td class="gutter"><pre>1\n2</pre></td><td class="code"><pre>a = 1\nb = 2</pre></td></tr>'
    assert body(f"<table class='highlighttable'>{rows}</table>").endswith("```\na = 1\nb = 2\n```")


def test_a_display_in_a_list_stays_in_its_item() -> None:
    items = "<ul><li>First <script type='math/tex; mode=display'>a=b</script>, then more.</li><li>Second.</li></ul>"
    assert body(items).endswith("- First\n  $$a=b$$,\n  then more.\n- Second.")


def test_headings_and_lists_are_markdown() -> None:
    text = body("<h2>Sets</h2><ol><li>one<li>two<ul><li>inner</ul></ol>")
    assert text.endswith("## Sets\n\n1. one\n2. two\n  - inner")


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        ("x<sup>2</sup>", "x^2"),
        ("x<sup>n+1</sup><sub>i</sub>", "x^{n+1}_i"),
        ("e<sup>x<sup>2</sup></sup>", "e^{x^2}"),
        ("the 2<sup>nd</sup>", "the 2nd"),
        ("so it is<sup>[4]</sup> said", "so it is said"),
        ("so it is<sup><a href='#n'>4</a></sup> said", "so it is said"),
    ],
)
def test_raised_and_lowered_text(markup: str, written: str) -> None:
    assert body(f"<p>{markup}</p>").endswith(written)


def test_a_less_than_sign_before_a_letter_is_no_tag() -> None:
    assert formulas_of(body("<p>for $a<b$ and $b<c_1$ we stop</p>")) == {"a<b": 1, "b<c_1": 1}


def test_a_formula_without_its_source_is_counted() -> None:
    page = read(b"<div><p>Look: <span class='katex'><span class='katex-html'>x2</span></span> is it.</p></div>")
    assert (page.formulas, page.formulas_unread) == (0, 1)


def test_mathml_that_latex_cannot_write_is_counted_and_not_guessed() -> None:
    page = read(b"<div><p>Look: <math><apply><plus/><ci>x</ci><cn>1</cn></apply></math> is it.</p></div>")
    assert (page.formulas, page.formulas_unread) == (0, 1)
    assert read(b"<p>a <math>" + b"<mrow>" * 300 + b"<mi>x</mi></p>").formulas_unread == 1


def test_pages_in_several_encodings_are_read() -> None:
    text = "<html><head><meta charset='{}'></head><body><p>Eine Größe von 3 µm, „genau“.</p></body></html>"
    pairs = (("utf-8", "utf-8"), ("iso-8859-1", "utf-8"), ("windows-1252", "cp1252"), ("x-none", "cp1252"))
    for declared, used in pairs:
        assert "Größe von 3 µm, „genau“" in read(text.format(declared).encode(used)).text, (declared, used)
    assert "Größe" in read("<p>Eine Größe</p>".encode("cp1252"), "iso-8859-15").text
    assert "Größe" in read("<p>Eine Größe</p>".encode("utf-16")).text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no_main_text"),
        (b"  \n", "no_main_text"),
        (b"<!-- nothing -->", "no_main_text"),
        (b"<html><head><title>Only this</title></head><body><script>x</script></body></html>", "no_main_text"),
        (b"<p>a\0b</p>", "nul_character"),
        (b"<p>" + bytes(range(128, 160)) * 50 + b"</p>", "wrong_encoding"),
        (b"<div>" * 3000 + b"deep", "page_too_complex"),
        (b"<p " + b" ".join(b"a%d=1" % n for n in range(5000)) + b">x</p>", "page_too_complex"),
        (b"<p>" + b"x" * MAX_PAGE_BYTES, "page_too_large"),
    ],
)
def test_a_page_that_cannot_be_read_is_a_named_drop(content: bytes, reason: str) -> None:
    page = read_page(content)
    assert isinstance(page, Fault)
    assert page.reason == reason


@pytest.mark.parametrize("page", PAGES[:12], ids=lambda page: page.path.stem)
def test_a_page_cut_anywhere_is_read_or_dropped_by_name(page: LabelledPage) -> None:
    for end in range(0, len(page.content), 211):
        assert isinstance(read_page(page.content[:end]), Page | Fault)


ENDLESS = {
    "b": "<b><p>x" * 5000,
    "div": "<div><a href=x>y</a> t" * 1900,
    "ul": "<ul><li>x" * 900,
    "pre": "<pre>x" + "<br>x" * 50000,
    "dollars": "$$ " * 50001,
}


@pytest.mark.parametrize("markup", ENDLESS.values(), ids=ENDLESS)
def test_a_page_with_endless_markup_takes_no_minutes(markup: str) -> None:
    started = time.process_time()
    read(markup.encode())
    assert time.process_time() - started < 20
