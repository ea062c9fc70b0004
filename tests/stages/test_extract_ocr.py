"""Which pages OCR reads, and how a vision model behind OpenAI's protocol reads them."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formula_pdf import make_book
from PIL import Image
from scripted import Server
from test_extract_textbooks import PARAMS, write_books

from mathcode_pile.core.errors import ParamsError, PipelineError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.asker import close_askers
from mathcode_pile.llm.settings import ServerParams
from stages.extract_textbooks.formulas import is_mathematical_font
from stages.extract_textbooks.pdf import read_text_layer
from stages.extract_textbooks.stage import ExtractTextbooksParams, choose_pages, extract_textbooks
from stages.extract_textbooks.vision import ServedOcrParams, clean_reply

KINDS = ("prose", "tex", "symbols", "list", "variables")


def test_pages_with_formulas_are_told_by_their_fonts_and_symbols() -> None:
    layers = read_text_layer(make_book(*KINDS), timeout_s=60)
    assert [layer.signs.show_formulas for layer in layers] == [False, True, True, False, False]
    _, tex, symbols, marks, variables = (layer.signs for layer in layers)
    assert tex.in_mathematical_fonts >= 7 and tex.symbols == 0
    assert symbols.in_mathematical_fonts == 0 and symbols.symbols >= 5
    assert marks == (0, 0) and variables.in_mathematical_fonts == 2
    chosen = {
        reader: choose_pages(layers, PARAMS.model_copy(update={"reader": reader})) for reader in ("text", "auto", "ocr")
    }
    assert chosen == {"text": [], "auto": [1, 2], "ocr": [0, 1, 2, 3, 4]}
    scan = PARAMS.model_copy(update={"reader": "auto", "min_characters_per_page": 10_000})
    assert choose_pages(layers, scan) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "name",
    ["ABCDEF+CMMI10", "XYZ+CMSY8", "CMEX10", "MSBM10", "EUFM7", "LMMathItalic10-Regular", "SymbolMT", "CambriaMath",
     "txmia", "NewTXMI", "MTExtra", "MTSYN", "MathematicalPi-One", "rsfs10", "STIXMath-Regular"],
)  # fmt: skip
def test_fonts_for_mathematics_are_known(name: str) -> None:
    assert is_mathematical_font(name)


@pytest.mark.parametrize(
    "name", ["CMR10", "ABCDEF+CMBX12", "CMTI10", "LMRoman10-Regular", "TimesNewRomanPSMT", "Helvetica", "STIXGeneral",
             "NimbusRomNo9L-Regu", "SFRM1000", "Palatino-Roman", "CMTT10", "ArialMT"],
)  # fmt: skip
def test_fonts_for_text_are_not_taken_for_them(name: str) -> None:
    assert not is_mathematical_font(name)


def test_a_reader_that_needs_a_model_says_so() -> None:
    values = PARAMS.model_dump(exclude={"served"}) | {"reader": "auto"}
    with pytest.raises(ParamsError, match="reader: auto needs a model: set ocr"):
        parse_section("extract_textbooks", values, ExtractTextbooksParams)
    with pytest.raises(ParamsError, match="ocr: served needs the section served"):
        parse_section("extract_textbooks", values | {"ocr": "served"}, ExtractTextbooksParams)


def make_params(**more: Any) -> ExtractTextbooksParams:
    values = {"backend": "openai", "model": "eyes", "longest_side_pixels": 500} | more.pop("served", {})
    served = ServedOcrParams(**values)
    return PARAMS.model_copy(update={"reader": "auto", "ocr": "served", "served": served} | more)


def make_llm(*urls: str) -> LlmParams:
    server = ServerParams(base_urls=urls, concurrency=4, timeout_s=5, max_attempts=2, backoff_s=0.01)
    return LlmParams(models={"eyes": ModelParams(id="eyes", revision="1", context_tokens=8192, openai=server)})


REPLY = "A page that was read: $\\\\sum_{k=1}^{n} k$."


def test_a_served_model_reads_the_pages_with_formulas_once(
    tmp_path: Path, project: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--reply", REPLY)
    books = write_books(tmp_path / "in", plain=make_book("prose"), mixed=make_book("prose", "tex", "list", "symbols"))
    report = extract_textbooks(books, tmp_path / "out", make_params(), make_llm(server.url))
    assert report.to_metrics() == {"in": 2, "kept": 2, "dropped": 0, "reasons": "", "pages_ocr": 2}
    texts = {row["id"]: row["text"] for row in read_rows(tmp_path / "out")}
    assert "A page of the kind prose" in texts["plain"] and REPLY not in texts["plain"]
    kinds = re.findall(r"A page (?:of the kind (\w+)|that was (read))", texts["mixed"])
    assert kinds == [("prose", ""), ("", "read"), ("list", ""), ("", "read")] and REPLY in texts["mixed"]
    # Other params of the stage ask no page again, and nobody need listen.
    server.stop()
    again = make_params(max_line_share=0.9)
    assert extract_textbooks(books, tmp_path / "again", again, make_llm(server.url)).counts["pages_ocr"] == 2
    assert len(server.requests()) == 2


def test_the_page_is_sent_as_a_picture_beside_the_instruction(
    tmp_path: Path, project: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--reply", REPLY)
    books = write_books(tmp_path / "in", book=make_book("tex"))
    params = make_params(served={"instruction": "Read this.", "max_completion_tokens": 100})
    extract_textbooks(books, tmp_path / "out", params, make_llm(server.url))
    extract_textbooks(books, tmp_path / "bare", make_params(served={"instruction": ""}), make_llm(server.url))
    told, bare = server.requests()
    (message,) = told["messages"]
    picture, text = message["content"]
    assert text == {"type": "text", "text": "Read this."} and told["max_tokens"] == 100
    head, _, data = picture["image_url"]["url"].partition(",")
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == "data:image/png;base64" and max(image.size) == 500 and image.convert("L").getextrema()[0] < 100
    assert [part["type"] for part in bare["messages"][0]["content"]] == ["image_url"]


def test_pages_without_a_reply_are_lost_by_name(tmp_path: Path, project: Path, serve: Callable[..., Server]) -> None:
    server = serve("--reply", REPLY)
    books = write_books(tmp_path / "in", book=make_book("tex", "tex", "symbols"))
    params = make_params(served={"instruction": "play http_400 9;", "max_failed_share": 1}, max_pages_lost_share=1)
    report = extract_textbooks(books, tmp_path / "out", params, make_llm(server.url))
    assert report.counts == {"pages_ocr": 3, "pages_lost": 3}
    (dropped,) = read_rows(tmp_path / "out" / "dropped")
    assert dropped["reason"] == "no_text"
    strict = make_params(served={"instruction": "play http_400 9;", "max_failed_share": 1})
    extract_textbooks(books, tmp_path / "strict", strict, make_llm(server.url))
    (dropped,) = read_rows(tmp_path / "strict" / "dropped")
    assert (dropped["reason"], dropped["detail"]) == ("pages_lost", "3 of 3 pages: refused_by_server 3")
    close_askers()  # a process asks with the first share that it was given
    stopped = make_params(served={"instruction": "play http_400 9; now"})
    with pytest.raises(PipelineError, match="extract_textbooks: 3 of 3 prompts failed .refused_by_server 3."):
        extract_textbooks(books, tmp_path / "stopped", stopped, make_llm(server.url))


def test_no_server_stops_the_stage_with_one_line(tmp_path: Path, project: Path, serve: Callable[..., Server]) -> None:
    server = serve()
    server.stop()
    books = write_books(tmp_path / "in", book=make_book("tex"))
    with pytest.raises(PipelineError, match="extract_textbooks: no answer from http") as error:
        extract_textbooks(books, tmp_path / "out", make_params(), make_llm(server.url))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("# Sums\n\n$x$", "# Sums\n\n$x$"),
        ("<think>A page.</think># Sums", "# Sums"),
        ("---\nprimary_language: en\nis_rotation_valid: True\n---\n# Sums", "# Sums"),
        ("```markdown\n# Sums\n\n$x$\n```", "# Sums\n\n$x$"),
        ("```\n# Sums\n", "# Sums"),
        ("```python\nx\n```\n\nText\n\n```python\ny\n```", "```python\nx\n```\n\nText\n\n```python\ny\n```"),
        ("---\n\nA rule, then text.\n\n---", "---\n\nA rule, then text.\n\n---"),
        ("# Sums\n" + "and again so\n" * 30, "# Sums"),
    ],
)
def test_what_surrounds_a_pages_text_in_a_reply_is_cut(reply: str, text: str) -> None:
    assert clean_reply(reply) == text


def test_a_model_that_params_do_not_have_is_named(tmp_path: Path, project: Path) -> None:
    books = write_books(tmp_path / "in", book=make_book("tex"))
    with pytest.raises(ParamsError, match=re.escape("extract_textbooks.model: llm.models has no 'ears'")):
        extract_textbooks(books, tmp_path / "out", make_params(served={"model": "ears"}), make_llm("http://a/v1"))
