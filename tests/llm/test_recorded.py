"""Recorded replies are answered from their folder alone; several samples are several replies; answers keep a form."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import Server, write_documents

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.shards import read_rows
from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.asker import close_askers
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.settings import ServerParams
from stages.annotate.stage import AnnotateParams, AnnotateSource, annotate
from stages.translate.stage import translate
from stages.translate.translators import TranslateParams, TranslatorParams

PAGES = [f"The product is $6 \\cdot {i} = {6 * i}$, not 42." for i in range(2, 6)]
REPLY = (
    "**Conditions:** {text}\n**Expression:** $6 \\cdot 7$\n**Result:** 42\n**Code:**\n```python\n"
    "seed = {seed}\nprint(6 * 7 + 0 * seed)\n```"
)


@pytest.fixture(autouse=True)
def _own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MATHCODE_WORKERS", "1")
    yield
    close_askers()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path / f"log{len(started)}", "--reply", REPLY, *options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def model(**more: Any) -> LlmParams:
    values = {"id": "small", "revision": "1", "tokenizer": "bytes", "context_tokens": 16000}
    return LlmParams(models={"small": ModelParams(**(values | more))})  # type: ignore[arg-type]


def served(server: Server, **more: Any) -> LlmParams:
    return model(openai=ServerParams(base_urls=(server.url,), max_attempts=2, backoff_s=0.01), **more)


def params(*backends: str, **more: Any) -> TranslateParams:
    translators = tuple(
        TranslatorParams(backend=backend, model=None if backend == "symbolic" else "small", **more)  # type: ignore[arg-type]
        for backend in backends
    )
    return TranslateParams(translators=translators, max_piece_characters=5000, min_operations=1, components={})


def record(tmp_path: Path, server: Server, texts: list[str], **more: Any) -> Path:
    """Ask a server about texts, and write its replies to a folder."""
    raw = write_documents(tmp_path / "asked", texts)
    translate(raw, tmp_path / "asked_out", params("openai", **more), served(server))
    close_askers()
    ReplyCache().export_to(tmp_path / "recorded")
    return tmp_path / "recorded"


def test_recorded_replies_need_no_server_and_a_new_page_is_named(
    tmp_path: Path, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    recorded = record(tmp_path, server, PAGES[:3])
    server.stop()
    # What this machine kept must not answer: the result is the same on every machine.
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "fresh"))
    raw = write_documents(tmp_path / "in", PAGES)
    report = translate(raw, tmp_path / "out", params("recorded"), model(recorded=recorded))
    assert (report.kept, dict(report.dropped)) == (3, {"not_recorded": 1})
    assert {row["translator"] for row in read_rows(tmp_path / "out")} == {"small"}
    assert not (tmp_path / "fresh" / "replies" / "replies.sqlite").exists()


def test_a_kept_reply_does_not_stand_in_for_a_recorded_one(tmp_path: Path, serve: Callable[..., Server]) -> None:
    recorded = record(tmp_path, serve(), PAGES[:1])
    kept = write_documents(tmp_path / "kept", PAGES[1:2])
    translate(kept, tmp_path / "kept_out", params("openai"), served(serve()))
    report = translate(kept, tmp_path / "out", params("recorded"), model(recorded=recorded))
    assert dict(report.dropped) == {"not_recorded": 1}


def test_many_pages_without_a_recorded_reply_do_not_stop_the_run(tmp_path: Path, serve: Callable[..., Server]) -> None:
    recorded = record(tmp_path, serve(), PAGES[:1])
    raw = write_documents(tmp_path / "in", [PAGES[0], *(f"{PAGES[1]} {i}" for i in range(150))])
    report = translate(raw, tmp_path / "out", params("recorded"), model(recorded=recorded))
    assert (report.kept, dict(report.dropped)) == (1, {"not_recorded": 150})


def test_other_recorded_replies_are_another_result(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve()
    raw = write_documents(tmp_path / "in", PAGES)
    for count in (1, 4):
        recorded = record(tmp_path, server, PAGES[:count])
        close_askers()
        report = translate(raw, tmp_path / f"out{count}", params("recorded"), model(recorded=recorded))
        assert report.kept == count


def test_a_missing_folder_of_replies_is_a_clear_error(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", PAGES)
    with pytest.raises(InputError, match="nowhere: no such folder"):
        translate(raw, tmp_path / "out", params("recorded"), model(recorded=tmp_path / "nowhere"))
    with pytest.raises(
        ParamsError, match=r"llm\.models\.small\.recorded is missing, and translate\.backend is recorded"
    ):
        translate(raw, tmp_path / "out", params("recorded"), model())


def test_a_served_model_is_not_asked_what_is_recorded(tmp_path: Path, serve: Callable[..., Server]) -> None:
    recorded = record(tmp_path, serve(), PAGES[:3])
    server = serve()
    raw = write_documents(tmp_path / "in", PAGES)
    (tmp_path / "scratch" / "replies" / "replies.sqlite").unlink()
    report = translate(raw, tmp_path / "out", params("openai"), served(server, recorded=recorded))
    assert (report.kept, server.asked().total()) == (4, 1)


def test_both_translators_stand_side_by_side(tmp_path: Path, serve: Callable[..., Server]) -> None:
    raw = write_documents(tmp_path / "in", [*PAGES, "Nothing here but 42.", " "])
    report = translate(raw, tmp_path / "out", params("symbolic", "openai"), served(serve()))
    rows = list(read_rows(tmp_path / "out"))
    assert [(r["document_id"], r["position"], r["translator"]) for r in rows[:2]] == [
        ("s/0", 0, "symbolic"), ("s/0", 1, "small")
    ]  # fmt: skip
    symbolic, small = report.parts["symbolic"], report.parts["small"]
    assert (symbolic.read, symbolic.kept, dict(symbolic.dropped)) == (5, 4, {"no_computation": 1})
    assert (small.read, small.kept) == (5, 5)
    assert report.counts["snippets"] == symbolic.counts["snippets"] + small.counts["snippets"] == len(rows) == 9
    assert report.to_metrics()["symbolic"]["snippets"] == 4


def test_samples_are_replies_of_their_own_with_other_seeds(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve()
    raw = write_documents(tmp_path / "in", PAGES[:1])
    llm = served(server, temperature=0.7)
    for _ in range(2):  # the second time all of them are kept
        translate(raw, tmp_path / "out", params("openai", samples=3), llm)
    codes = [row["code"] for row in read_rows(tmp_path / "out")]
    assert codes == [f"seed = {seed}\nprint(6 * 7 + 0 * seed)" for seed in range(3)]
    assert sorted(body["seed"] for body in server.requests()) == [0, 1, 2]
    with pytest.raises(ParamsError, match=r"samples 2, but llm\.models\.small\.temperature is 0"):
        translate(raw, tmp_path / "out", params("openai", samples=2), served(server))


def judge(tmp_path: Path, server: Server) -> list[dict[str, Any]]:
    source = AnnotateSource(input="")
    asking = AnnotateParams(backend="openai", model="small", max_piece_characters=5000, sources={"s": source})
    raw = write_documents(tmp_path / "in", [f"Text {i}." for i in range(5)])
    report = annotate(raw, tmp_path / "out", "s", asking, served(server))
    assert report.kept == 5
    return server.requests()


def test_an_annotation_is_held_to_its_form(tmp_path: Path, serve: Callable[..., Server]) -> None:
    bodies = judge(tmp_path, serve("--reply", '{"type": "concept"}'))
    forms = [body["response_format"]["json_schema"]["schema"] for body in bodies]
    assert len(forms) == 5 and all(form["additionalProperties"] is False for form in forms)


def test_a_server_that_takes_no_schema_is_asked_without(tmp_path: Path, serve: Callable[..., Server]) -> None:
    bodies = judge(tmp_path, serve("--no-schema", "--reply", "Type: 1"))
    free = [body for body in bodies if "response_format" not in body]
    assert len(free) == 5 and len(bodies) < 2 * 5 + 1
