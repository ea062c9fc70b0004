"""Translation: snippets in order, and a reason for every document without one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Server, write_documents

from mathcode_pile.answers.checker import judge
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.shards import list_shards, read_rows
from mathcode_pile.llm import LlmParams, ModelParams, load_template
from mathcode_pile.llm.settings import ServerParams
from stages.translate import translators
from stages.translate.replies import parse_reply
from stages.translate.stage import RESTATED_EACH, translate
from stages.translate.translators import TranslateParams, TranslatorParams

PAGE = "The area is $\\frac{1}{2} \\cdot 6 \\cdot 4 = 12$. The bill is $7 \\cdot 8 + 3 = 59$."
REPLY = (
    "### Computation 1: Area\n**Conditions:** base 6, height 4\n**Expression:** $\\frac{1}{2} \\cdot 6 \\cdot 4$\n"
    "**Result:** 12\n**Code:**\n```python\nprint(6 * 4 / 2)\n```\n\n### Computation 2: no code\n"
    "**Expression:** $12^2$\n**Result:** 144"
)


@pytest.fixture(autouse=True)
def _own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MATHCODE_WORKERS", "1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "log", "--reply", REPLY)
    yield started
    started.stop()


def _symbolic(min_operations: int = 2, **more: Any) -> TranslateParams:
    return TranslateParams(
        translators=(TranslatorParams(**({"backend": "symbolic"} | more)),),
        max_piece_characters=5000,
        min_operations=min_operations,
        components={"web": {}},
    )


def _asking(url: str, **more: Any) -> tuple[TranslateParams, LlmParams]:
    openai = ServerParams(base_urls=(url,), max_attempts=2, backoff_s=0.01)
    model = ModelParams(id="small", revision="1", tokenizer="bytes", context_tokens=12000, openai=openai)
    return _symbolic(backend="openai", model="small", **more), LlmParams(models={"small": model})


def test_a_page_gives_its_computations_in_order(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", [PAGE, "Nothing here.", PAGE, " "])
    report = translate(raw, tmp_path / "out", _symbolic(), LlmParams())
    rows = list(read_rows(tmp_path / "out"))
    assert [(row["document_id"], row["position"], row["result"]) for row in rows] == [
        ("s/0", 0, "12"), ("s/0", 1, "59"), ("s/2", 0, "12"), ("s/2", 1, "59")
    ]  # fmt: skip
    assert [row["id"] for row in read_rows(tmp_path / "out/dropped")] == ["s/1", "s/3"]
    assert (report.read, report.kept, report.counts["snippets"]) == (4, 2, 4)
    assert report.read == report.kept + report.dropped.total()


def test_programs_too_small_to_need_are_left_out_by_name(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", ["So $8 - 2 = 6$ and $0 + 7 = 7$.", PAGE + " Also $9 - 4 = 5$."])
    report = translate(raw, tmp_path / "out", _symbolic(), LlmParams())
    assert (report.kept, report.skipped["too_small"], report.skipped["restated"]) == (1, 2, 1)
    assert [row["reason"] for row in read_rows(tmp_path / "out/dropped")] == ["restated"]
    report = translate(raw, tmp_path / "all", _symbolic(min_operations=1), LlmParams())
    assert (report.kept, report.skipped["too_small"]) == (2, 0)


def test_a_few_programs_that_restate_a_result_are_kept_for_people_to_see(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", [PAGE + " So $0 + 7 = 7$, and $0 + 9 = 9$."] * 5, shards=2)
    report = translate(raw, tmp_path / "out", _symbolic(), LlmParams())
    shown = list(read_rows(tmp_path / "out/restated"))
    assert report.skipped["restated"] == 10 and len(shown) == 2 * RESTATED_EACH
    assert [(row["position"], row["result"]) for row in shown[:3]] == [(0, "7"), (1, "9"), (0, "7")]
    assert {row["result"] for row in read_rows(tmp_path / "out")} == {"12", "59"}


def test_the_same_bytes_from_one_worker_and_from_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_documents(tmp_path / "in", [PAGE, "Nothing."] * 5, shards=2)
    contents = []
    for workers in ("1", "2"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        translate(raw, tmp_path / workers, _symbolic(), LlmParams())
        contents.append([shard.read_bytes() for shard in list_shards(tmp_path / workers)])
    assert contents[0] == contents[1]


def test_a_model_is_asked_about_each_piece_and_a_program_is_taken_once(tmp_path: Path, server: Server) -> None:
    params, llm = _asking(server.url)
    long = "\n\n".join(f"{PAGE} ({i})" for i in range(150))
    raw = write_documents(tmp_path / "in", [long, PAGE])
    report = translate(raw, tmp_path / "out", params, llm)
    rows = [(row["document_id"], row["position"], row["title"], row["code"]) for row in read_rows(tmp_path / "out")]
    pieces = server.asked().total() - 1
    assert pieces > 1
    code = "from fractions import Fraction\n\nprint(Fraction(6 * 4, 2))"
    assert rows == [(f"s/{i}", 0, "Area", code) for i in range(2)]
    assert report.skipped["repeated"] == pieces - 1
    assert report.skipped["no_code"] == pieces + 1


def test_another_prompt_asks_all_and_the_first_one_again_asks_none(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, llm = _asking(server.url)
    raw = write_documents(tmp_path / "in", [f"{PAGE} {i}" for i in range(10)])
    prompt = tmp_path / "translate.txt"
    text = translators.PROMPT.read_text(encoding="utf-8")
    asked = []
    for more in ("", "Be brief.\n", ""):
        prompt.write_text(text.replace("=== user\n", f"=== user\n{more}", 1), encoding="utf-8")
        monkeypatch.setattr(translators, "PROMPT", prompt)
        load_template.cache_clear()
        translate(raw, tmp_path / "out", params, llm)
        asked.append(server.asked().total())
    load_template.cache_clear()
    assert asked == [10, 20, 20]


def test_where_a_model_runs_and_how_fast_reruns_nothing(tmp_path: Path, server: Server) -> None:
    raw = write_documents(tmp_path / "in", [PAGE])
    params, llm = _asking(server.url)
    translate(raw, tmp_path / "out", params, llm)
    server.stop()
    nowhere = llm.models["small"].model_copy(update={"openai": ServerParams(base_urls=("http://127.0.0.1:9/v1",))})
    translate(raw, tmp_path / "again", params, LlmParams(models={"small": nowhere}))
    assert list(read_rows(tmp_path / "again")) == list(read_rows(tmp_path / "out"))


def test_a_failed_prompt_is_a_named_drop(tmp_path: Path, server: Server) -> None:
    params, llm = _asking(server.url, max_failed_share=0.5)
    raw = write_documents(tmp_path / "in", [PAGE, f"{PAGE} play garbage 99;"])
    report = translate(raw, tmp_path / "out", params, llm)
    assert dict(report.dropped) == {"garbled_answer": 1}
    (dropped,) = read_rows(tmp_path / "out/dropped")
    detail = "garbled_answer 1; <html>Bad gateway</html> (2 attempts)"
    assert dropped == {"id": "s/1", "reason": "garbled_answer", "detail": detail}


def test_code_of_comments_alone_is_no_code() -> None:
    reply = REPLY.replace("print(6 * 4 / 2)", "# No code needed.\n  # It is 12.")
    assert parse_reply(reply).computations == []
    assert parse_reply(reply).reasons == {"no_code": 2}


@pytest.mark.parametrize("number", range(2))
def test_a_worked_example_of_the_prompt_is_no_computation_of_a_document(tmp_path: Path, number: int) -> None:
    example = load_template(translators.PROMPT).worked_answers[number]
    assert len(parse_reply(example).computations) == 2
    server = Server(tmp_path / "log", "--reply", f"{example}\n\n{REPLY}")
    try:
        params, llm = _asking(server.url)
        report = translate(write_documents(tmp_path / "in", [PAGE]), tmp_path / "out", params, llm)
    finally:
        server.stop()
    assert [row["title"] for row in read_rows(tmp_path / "out")] == ["Area"]
    assert report.skipped == {"copied_example": 2, "no_code": 1}


def test_a_copied_program_and_a_result_that_the_text_does_not_have_are_left_out_and_counted(tmp_path: Path) -> None:
    copied = parse_reply(load_template(translators.PROMPT).worked_answers[1]).computations[0]
    block = "### {}\n**Conditions:** {}\n**Expression:** ${}$\n**Result:** {}\n**Code:**\n```python\n{}\n```\n\n"
    reply = block.format("Roots", "other words", "y", "y = 1 or y = 2", copied.code)
    again = "print([4, Fraction(1, 2)])"
    reply += block.format("Roots", "other words", copied.expression, "x = 4 or x = \\(\\frac{1}{2}\\)", again)
    reply += block.format("Area", "a base", "6 \\cdot 5", "987654", "base = 6\nprint(base * 5 * 2)")
    server = Server(tmp_path / "log", "--reply", f"{reply}{REPLY}")
    try:
        params, llm = _asking(server.url)
        report = translate(write_documents(tmp_path / "in", [PAGE]), tmp_path / "out", params, llm)
    finally:
        server.stop()
    assert [row["title"] for row in read_rows(tmp_path / "out")] == ["Area"]
    assert report.skipped == {"copied_example": 2, "not_stated": 1, "no_code": 1}


def test_the_programs_of_the_worked_examples_print_the_stated_results() -> None:
    for example in load_template(translators.PROMPT).worked_answers:
        for computation in parse_reply(example).computations:
            done = subprocess.run([sys.executable, "-c", computation.code], capture_output=True, text=True, check=True)
            assert judge(computation.result, done.stdout).verdict == "verified", computation


def test_a_thought_gives_no_computation_and_one_that_the_limit_cut_is_a_named_drop(tmp_path: Path) -> None:
    server = Server(tmp_path / "log", "--reply", f"<think>{{text}}\n{REPLY}", "--finish", "length")
    try:
        params, llm = _asking(server.url)
        report = translate(write_documents(tmp_path / "in", [PAGE]), tmp_path / "out", params, llm)
    finally:
        server.stop()
    assert dict(report.dropped) == {"cut_off": 1}


def test_a_run_whose_replies_cannot_be_read_stops_and_shows_one(tmp_path: Path) -> None:
    server = Server(tmp_path / "log", "--reply", "<think>Hm.</think>As a language model, I like mathematics.")
    try:
        params, llm = _asking(server.url, max_failed_share=0.5)
        raw = write_documents(tmp_path / "in", [f"{PAGE} {i}" for i in range(20)])
        message = (
            r"translate: 20 of 20 prompts failed or got a reply that cannot be read \(unparsed_reply 20\), over "
            r"max_failed_share 0.5; the first: unparsed_reply: the model answered '<think>Hm.</think>As a language"
        )
        with pytest.raises(PipelineError, match=message):
            translate(raw, tmp_path / "out", params, llm)
    finally:
        server.stop()


@pytest.mark.parametrize("reply", ["No computations.", "the worked example"])
def test_replies_that_were_read_and_have_no_computation_do_not_stop_a_run(tmp_path: Path, reply: str) -> None:
    example = load_template(translators.PROMPT).worked_answers[0]
    server = Server(tmp_path / "log", "--reply", example if reply == "the worked example" else reply)
    try:
        params, llm = _asking(server.url)
        raw = write_documents(tmp_path / "in", [f"{PAGE} {i}" for i in range(20)])
        report = translate(raw, tmp_path / "out", params, llm)
    finally:
        server.stop()
    assert (report.dropped.total(), report.read) == (20, 20)
