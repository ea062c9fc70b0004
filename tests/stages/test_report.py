"""The report: the funnel as text, the same figures as tables, and a page in one file."""

import csv
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from markupsafe import Markup

from mathcode_pile.core.funnel import CoreReason
from mathcode_pile.core.params import read_yaml
from mathcode_pile.llm import NoReply
from stages.classify.reasons import Reason
from stages.decontaminate.reasons import Reason as Leaked
from stages.report.charts import APART, Axis, Line, choose_ticks, draw_histogram, draw_lines
from stages.report.funnel import explain_steps, read_funnel, read_metrics, tabulate_reasons
from stages.report.markdown import render_markdown
from stages.report.page import highlight, link, mark_formula
from stages.report.recorded import corpus_hash, read_lock
from stages.report.scores import compare_losses, compare_scores, mean_held_out_loss
from stages.report.stage import QUALITY, describe_quality, write_report
from stages.report.summary import count_summary, headlines, summarize
from stages.translate.reasons import Reason as Translate

METRICS = read_metrics(ROOT / "metrics")
PARAMS = read_yaml(ROOT / "params.yaml")


def read_table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_summary_names_every_stage_and_its_reasons() -> None:
    text = summarize(read_funnel(METRICS), METRICS, "sample")
    for name, values in METRICS.items():
        if "in" in values:
            assert f"{name} " in text
    assert "type_not_kept" in text and "data/report/index.html" in text
    assert list(headlines(METRICS))[:2] == ["documents in the corpus", "snippets that verify kept"]
    assert sum(line.endswith("(too few to compare)") for line in text.splitlines()) == len(compare_scores(METRICS))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the recorded metrics, without data."""
    out = tmp_path_factory.mktemp("report")
    write_report(ROOT / "metrics", out / "none", out, PARAMS, "0123456789abcdef0123456789abcdef.dir")
    return out


def test_the_page_is_one_file_that_is_the_same_each_time_and_needs_no_data(recorded: Path, tmp_path: Path) -> None:
    write_report(ROOT / "metrics", tmp_path / "none", tmp_path, PARAMS, "0123456789abcdef0123456789abcdef.dir")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in recorded.iterdir())
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in recorded.iterdir())
    page = (recorded / "index.html").read_text(encoding="utf-8")
    shown = page.partition("<script>")[0]
    assert len(page) < 3_000_000 and "<svg" in shown and "{{" not in shown
    assert not any(outside in shown for outside in ('src="', 'href="http', "url(fonts", "@import"))
    assert "git log -S0123456789abcdef0123456789abcdef.dir" in page


def test_documents_snippets_and_tokens_are_followed_apart(recorded: Path) -> None:
    documents = {(row["component"], row["step"]): row for row in read_table(recorded / "documents.csv")}
    fetched = sum(METRICS[f"fetch@{name}"]["in"] for name in ("code_python", "code_notebooks"))
    assert documents["code_with_math_packages", "in the source"]["left"] == str(fetched)
    # What the classifiers' two rounds dropped is one step.
    dropped = METRICS["classify@round1"]["dropped"] + METRICS["classify@round2"]["dropped"]
    assert documents["filtered_cc_en", "read and scored"]["lost"] == f"below_floor {dropped:,}"
    for name in PARAMS["components"]:
        if name != "translated_code":
            assert documents[name, "without leaks"]["left"] == str(METRICS["corpus"][f"documents_{name}"])
    snippets = {(row["component"], row["step"]): int(row["left"]) for row in read_table(recorded / "snippets.csv")}
    web = METRICS["verify@filtered_openwebmath"]
    assert snippets["filtered_openwebmath", "found"] == web["in"]
    assert snippets["filtered_openwebmath", "verified"] == web["kept"]
    tokens = {(row["component"], row["step"]): int(row["left"]) for row in read_table(recorded / "tokens.csv")}
    assert sum(n for (_, step), n in tokens.items() if step == "drawn by the mixture") == METRICS["pack"]["tokens"]


def test_the_tables_have_the_page_s_figures(recorded: Path) -> None:
    page = (recorded / "index.html").read_text(encoding="utf-8")
    reasons = read_table(recorded / "reasons.csv")
    assert all(f">{row['reason']}</code>" in page and row["meaning"] for row in reasons)
    assert sum(int(row["dropped"]) for row in reasons) == sum(step.metrics["dropped"] for step in read_funnel(METRICS))
    assert [row["name"] for row in read_table(recorded / "scores.csv")] == [row.name for row in compare_scores(METRICS)]
    names = {path.stem for path in recorded.glob("*.csv")}
    assert {"funnel", "translators", "quality", "leaks", "planted", "classifiers", "mixture", "losses"} <= names


def test_reasons_are_explained_where_they_are_counted(tmp_path: Path) -> None:
    leaks = dict.fromkeys(("questions", "questions_found", "solutions_found", "documents", "snippets"), 1)
    (tmp_path / "decontaminate").mkdir()
    found = {"benchmarks": {"gsm8k": leaks | {"examples": []}}}
    (tmp_path / "decontaminate" / "report.json").write_text(json.dumps(found))
    write_report(ROOT / "metrics", tmp_path, tmp_path / "out", PARAMS)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    sections = {
        name: page.partition(f'<h2 id="{name}">')[2].partition("</section>")[0] for name in ("translators", "leaks")
    }
    for name, reason in (
        ("translators", Translate.DENIED),
        ("translators", Translate.POSED),
        ("leaks", Leaked.LEAKED_QUESTION),
    ):
        assert f"<code>{reason}</code>" in sections[name] and render_markdown(reason.sentence) in sections[name]
    assert (
        f"<code>{NoReply.NOT_RECORDED}</code>" in sections["translators"] and "<code>make record-replies</code>" in page
    )
    dropped = f"{METRICS['decontaminate']['dropped']} records were dropped"
    assert dropped in sections["leaks"] and "is in the row of each" in sections["leaks"]


def test_each_figure_on_quality_has_a_sentence() -> None:
    assert {figure for _, figure, _ in describe_quality(METRICS)} == set(QUALITY)


def test_a_reason_is_explained_by_its_stages_sentence_and_one_without_a_sentence_is_shown_bare(tmp_path: Path) -> None:
    counts = {"in": 9, "kept": 2, "dropped": 7}
    for name, reasons in (("a", "below_floor 3, failed 1, unheard_of 2"), ("b", "below_floor 1")):
        (tmp_path / "classify").mkdir(exist_ok=True)
        (tmp_path / "classify" / f"{name}.json").write_text(json.dumps(counts | {"reasons": reasons}))
    (tmp_path / "corpus.json").write_text(json.dumps(counts | {"reasons": "failed 7"}))
    steps = read_funnel(read_metrics(tmp_path))
    assert explain_steps(steps) == [
        ("below_floor", Reason.BELOW_FLOOR.sentence, ["classify"]),
        ("failed", CoreReason.FAILED.sentence, ["classify", "corpus"]),
    ]
    rows = [(row["stage"], row["reason"], row["dropped"], row["meaning"] != "") for row in tabulate_reasons(steps)]
    assert rows == [
        ("classify", "below_floor", 4, True),
        ("classify", "unheard_of", 2, False),
        ("classify", "failed", 1, True),
        ("corpus", "failed", 7, True),
    ]
    params = {"profile": "sample", "classifiers": {"a": {"input": "fetch/a"}, "b": {"input": "fetch/b"}}}
    write_report(tmp_path, tmp_path, tmp_path / "out", params)
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "unheard_of" in page and html.escape(Reason.BELOW_FLOOR.sentence).replace("&#x27;", "&#39;") in page


def test_a_run_that_has_just_begun_has_a_report_too(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    write_report(tmp_path / "metrics", tmp_path, tmp_path / "out", {"profile": "sample"})
    assert "MathCode-Pile" in (tmp_path / "out" / "index.html").read_text()


def test_the_summary_has_few_figures_those_of_the_metrics_and_is_not_read_again(recorded: Path) -> None:
    figures = count_summary(METRICS)
    assert 10 <= len(figures) <= 16  # a line of `dvc metrics show` then has 200 characters
    assert figures["documents"] == METRICS["corpus"]["kept"]
    assert figures["loss"] == round(mean_held_out_loss(METRICS, "pretrained") or 0, 4) < figures["loss_base"]
    assert count_summary({}) == {} and "summary" not in METRICS


def test_metrics_of_an_entry_that_params_no_longer_name_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "verify").mkdir()
    for name in ("verify/web", "verify/left", "pack"):
        (tmp_path / f"{name}.json").write_text('{"in": 1, "kept": 1}')
    assert set(read_metrics(tmp_path, {"web"})) == {"verify@web", "pack"}


def test_the_corpus_s_hash_is_dvc_lock_s(tmp_path: Path) -> None:
    assert corpus_hash(read_lock(tmp_path)) == ""
    lock = "schema: '2.0'\nstages:\n  corpus:\n    cmd: x\n    outs:\n    - path: data/corpus\n      md5: abc.dir\n"
    (tmp_path / "dvc.lock").write_text(lock)
    assert corpus_hash(read_lock(tmp_path)) == "abc.dir"


def evaluated(**values: float) -> dict[str, dict[str, Any]]:
    return {"evaluate@base": values, "evaluate@pretrained": values | {"math": 0.5, "held_out_loss_a": 2.0}}


def test_a_score_of_0_has_an_interval_too_and_few_questions_are_called_few() -> None:
    small, large = (compare_scores(evaluated(math=0.0, math_n=n))[0] for n in (10, 1000))
    assert small.base.low == 0 and small.base.high == pytest.approx(0.2775, abs=1e-4)  # Wilson, 0 of 10
    assert small.is_small and small.pretrained.low < small.base.high + 0.01
    assert (large.is_small, large.is_clear, large.difference) == (False, True, 0.5)
    loss = compare_losses(evaluated(held_out_loss_a=3.0, held_out_stderr_a=0.1))[0]
    assert (loss.difference, loss.is_small, loss.base.low) == (-1, False, pytest.approx(2.804))


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((0.93, 1.0), [0.94, 0.96, 0.98, 1.0]),
        ((0, 80), [0, 20, 40, 60, 80]),
        ((6.4, 9.1), [7, 8, 9]),
        ((3, 3), [3]),
    ],
)
def test_ticks_are_round_numbers_within_the_axis(ends: tuple[float, float], ticks: list[float]) -> None:
    assert choose_ticks(*ends) == pytest.approx(ticks)


def test_charts_escape_names_and_are_empty_without_points() -> None:
    assert draw_lines([Line("a", [])], Axis("x"), Axis("y")) == ""
    assert draw_histogram(("a", "b"), [(0.0, 0, 0)], 0.1, "score") == ""
    drawn = draw_lines([Line("<a>", [(0, 1), (1, 1)]), Line("b", [(0, 2)])], Axis("x"), Axis("y & z"), ("tokens", 9))
    assert "&lt;a&gt;" in drawn and "y &amp; z" in drawn and drawn.count("<polyline") == 2
    # Two lines that end in nearly the same place: their numbers stand apart, and the legend has the same dashes.
    near = draw_lines([Line("a", [(0, 0), (1, 1)]), Line("b", [(0, 2), (1, 1.001)])], Axis("x"), Axis("y"))
    marks = [float(y) for y in re.findall(r'<text class="mark s\d" x="[\d.]+" y="([\d.]+)"', near)]
    assert len(marks) == 2 and abs(marks[0] - marks[1]) >= APART - 0.1
    assert [near.count(f'<path class="line s{number}"') for number in (0, 1, 2)] == [1, 1, 0] and ">2 b</li>" in near
    long = draw_lines([Line("a", [(step, step % 7) for step in range(10_000)])], Axis("x"), Axis("y"))
    assert len(long) < 10_000


@pytest.mark.parametrize("latex", [r"\frac{1}{2} + x", "2x - 5", r"t = \text{time of day}"])
def test_a_formula_is_marked_for_katex(latex: str) -> None:
    assert mark_formula(latex) == Markup('<span class="formula">{}</span>').format(latex)


def test_a_sentence_is_not_set_as_a_formula() -> None:
    assert mark_formula("the least common multiple of both") == "the least common multiple of both"
    assert mark_formula("$x$ is between 1 and 4") == '<span class="math">$x$</span> is between 1 and 4'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Q.** I *think* so", "<strong>Q.</strong> I <em>think</em> so"),
        ("## Sums ##\n\n* a\n- b\n  - c", "<strong>Sums</strong>\n\n• a\n• b\n  • c"),
        ("```python\na = 1\n# b\n```\n`x**2*y`", "<code>a = 1\n# b</code>\n<code>x**2*y</code>"),
        ("**So $a*b*c$.** Cut **here", '<strong>So <span class="math">$a*b*c$</span>.</strong> Cut **here'),
        (r"\(a_1*b\)*2 and *c*", r'<span class="math">\(a_1*b\)</span>*2 and <em>c</em>'),
        (r"\begin{align*}a\end{align*}", r'<span class="math">\begin{align*}a\end{align*}</span>'),
    ],
)
def test_marks_of_markdown_are_shown_as_what_they_mean(text: str, shown: str) -> None:
    assert render_markdown(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "x**2 + y**2, 2 * 3 * 4 and f(*args, **kwargs)",
        "#!/usr/bin/env python\n- 3 + 4 = 1",
        "$32, the walk from here costs $5",
        r"a \$5 note, $6 or $7",
        "one_two_three\n    indented",
    ],
)
def test_what_only_looks_like_markdown_or_a_formula_stays(text: str) -> None:
    assert render_markdown(text) == text


def test_a_page_cannot_bring_its_own_html() -> None:
    assert render_markdown("**<b>** `<i>` $a<b$") == (
        '<strong>&lt;b&gt;</strong> <code>&lt;i&gt;</code> <span class="math">$a&lt;b$</span>'
    )


def test_programs_are_highlighted_and_escaped_and_only_web_pages_are_links() -> None:
    assert '<span class="nb">print</span>' in highlight("print(1 < 2)") and "&lt;" in highlight("print(1 < 2)")
    assert link("https://a.b/?x=<1>").startswith('<a href="https://a.b/?x=&lt;1&gt;" rel="noreferrer">')
    assert [link(url) for url in ("sample/a.md", "javascript:x")] == ["sample/a.md", "javascript:x"]
