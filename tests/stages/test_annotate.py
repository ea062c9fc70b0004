"""Annotation: rules that can be read, samples that do not move, models asked for new pieces alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from scripted import Server, write_documents

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.shards import ShardWriter, list_shards, read_rows
from mathcode_pile.llm import LlmParams, ModelParams, load_template
from mathcode_pile.llm.settings import ServerParams
from stages.annotate.rules import PieceType, type_piece
from stages.annotate.stage import PROMPT, AnnotateParams, AnnotateSource, annotate, read_type

SOLVED = (
    "Problem 3. Find the derivative of $x^2 + 3x$ at $x = 2$.\n\n"
    "Solution. We get $2x + 3$, therefore $2 \\cdot 2 + 3 = 7$."
)
THEOREM = (
    "Theorem. Every finite integral domain is a field.\n\nProof. Multiplication by a nonzero element is injective."
)
OPEN = (
    "Exercise 7. Prove that there are infinitely many primes of the form $4k + 3$. Exercise 8. Find $\\gcd(84, 36)$ ."
)
CLIENT = (
    "Create a client for the service. Parameters: region (str) - the AWS region; config (dict) - the request timeout, "
    "the retries and the proxy. Raises an error if the credentials in the configuration file are missing."
)
STORY = (
    "The village lies between two hills. In autumn the market moves to the square, and the old men play cards there."
)
MENU = "Home | Login | Sign up | Privacy policy | Terms of use | Subscribe | Next page | Copyright | Read more"


@pytest.fixture(autouse=True)
def _own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MATHCODE_WORKERS", "1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "log")
    yield started
    started.stop()


def _params(sample: int = 0, **more: Any) -> AnnotateParams:
    source = AnnotateSource(input="fetch/web", sample=sample)
    values = {"backend": "rules", "max_piece_characters": 5000, "max_failed_share": 0.01, "sources": {"web": source}}
    return AnnotateParams(**(values | more))  # type: ignore[arg-type]


def _asking(url: str, **more: Any) -> tuple[AnnotateParams, LlmParams]:
    openai = ServerParams(base_urls=(url,), max_attempts=2, backoff_s=0.01)
    model = ModelParams(id="small", revision="1", tokenizer="bytes", context_tokens=16384, openai=openai)
    return _params(backend="openai", model="small", **more), LlmParams(models={"small": model})


def test_rules_type_a_piece_by_what_it_is_for() -> None:
    pieces = [SOLVED, THEOREM, OPEN, CLIENT, STORY, MENU]
    assert [type_piece(piece) for piece in pieces] == [
        PieceType.PROBLEM_AND_SOLUTION,
        PieceType.CONCEPT_OR_THEORY,
        PieceType.PROBLEM_WITHOUT_SOLUTION,
        PieceType.SOFTWARE,
        PieceType.OTHER_PROSE,
        PieceType.NOISE,
    ]


def test_rules_tell_documentation_of_mathematics_from_other_documentation() -> None:
    import inspect

    import botocore.config
    import networkx
    import sympy

    mathematics = [inspect.getdoc(f) or "" for f in (sympy.gcd, sympy.integrate, sympy.totient, networkx.diameter)]
    other = [inspect.getdoc(c) or "" for c in (botocore.config.Config, json.JSONDecoder, Server, ShardWriter, Path)]
    assert all(type_piece(text) in (1, 2) for text in mathematics)
    assert not any(type_piece(text) in (1, 2) for text in other if text)


def test_a_document_has_one_type_for_each_piece(tmp_path: Path) -> None:
    long = "\n\n".join([SOLVED] * 100)
    raw = write_documents(tmp_path / "in", [SOLVED, long, "  ", STORY])
    report = annotate(raw, tmp_path / "out", "web", _params(), LlmParams())
    rows = list(read_rows(tmp_path / "out"))
    assert [row["types"] for row in rows] == [[1], [1, 1, 1], [6]]
    assert [row["id"] for row in rows] == ["s/0", "s/1", "s/3"]
    assert list(read_rows(tmp_path / "out/dropped")) == [{"id": "s/2", "reason": "empty_text", "detail": ""}]
    assert report.to_metrics() == {
        "in": 4, "kept": 3, "dropped": 1, "reasons": "empty_text 1", "pieces": 5, "type_1": 4, "type_6": 1
    }  # fmt: skip


def test_a_rule_of_text_comes_before_the_judge(tmp_path: Path, server: Server) -> None:
    formulas = "The sum of $a$, $b$, $c$, $d$, $e$ and $f$."
    revised = f"Certainly! Here is the Revised version of the section:\n\n{formulas}\n"
    texts = [formulas, "It costs $5.", revised, "A revised line of one, $x$.", f"Of sums\n{formulas} revised"]
    raw = write_documents(tmp_path / "in", texts)
    rules = AnnotateSource(input="fetch/web", cut_first_line="revised", min_dollar_signs=11)
    params, llm = _asking(server.url, sources={"web": rules})
    report = annotate(raw, tmp_path / "out", "web", params, llm)
    assert [row["text"] for row in read_rows(tmp_path / "out")] == [formulas, formulas, texts[4]]
    assert dict(report.dropped) == {"too_few_dollar_signs": 2}
    assert [row["detail"] for row in read_rows(tmp_path / "out" / "dropped")] == ["dollar signs: 1", "dollar signs: 2"]
    assert len(server.requests()) == 2 and not any("Certainly" in str(asked) for asked in server.requests())


def test_a_sample_is_of_the_documents_that_the_rules_leave(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", ["$x$" if n % 4 else STORY for n in range(80)], shards=2)
    rules = AnnotateSource(input="fetch/web", sample=30, min_dollar_signs=2)
    report = annotate(raw, tmp_path / "out", "web", _params(sources={"web": rules}), LlmParams())
    assert report.kept == 30 and dict(report.dropped) == {"too_few_dollar_signs": 20, "not_sampled": 30}


def test_columns_that_come_in_go_out(tmp_path: Path) -> None:
    schema = DOCUMENT.append(pa.field("score_round1", pa.float32(), nullable=False))
    row = {"id": "s/1", "text": SOLVED, "source": "s", "url": "", "license": "", "metadata": "{}", "score_round1": 0.5}
    with ShardWriter(tmp_path / "in/part-00000.parquet", schema) as shard:
        shard.write_rows([row])
    annotate(tmp_path / "in", tmp_path / "out", "web", _params(), LlmParams())
    assert list(read_rows(tmp_path / "out")) == [row | {"types": [1]}]
    with pytest.raises(InputError, match="has a column 'types' already"):
        annotate(tmp_path / "out", tmp_path / "again", "web", _params(), LlmParams())


def test_a_sample_is_chosen_over_all_shards_and_grows_without_changing(tmp_path: Path) -> None:
    raw = write_documents(tmp_path / "in", [f"{STORY} {i}" for i in range(200)], shards=3)
    chosen = []
    for sample in (20, 50):
        report = annotate(raw, tmp_path / f"out{sample}", "web", _params(sample=sample), LlmParams())
        assert (report.read, report.kept, report.dropped["not_sampled"]) == (200, sample, 200 - sample)
        chosen.append({row["id"] for row in read_rows(tmp_path / f"out{sample}")})
    assert chosen[0] < chosen[1]


def test_the_same_bytes_from_one_worker_and_from_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_documents(tmp_path / "in", [SOLVED, STORY, THEOREM, CLIENT] * 10, shards=3)
    contents = []
    for workers in ("1", "2"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        annotate(raw, tmp_path / workers, "web", _params(), LlmParams())
        contents.append([shard.read_bytes() for shard in list_shards(tmp_path / workers)])
    assert contents[0] == contents[1]


def test_a_model_is_asked_for_new_pieces_alone(tmp_path: Path, server: Server) -> None:
    params, llm = _asking(server.url)
    texts = [f"{STORY} {i}" for i in range(40)]
    annotate(write_documents(tmp_path / "a", texts), tmp_path / "out", "web", params, llm)
    assert server.asked().total() == 40
    more = [*texts, *(f"{THEOREM} {i}" for i in range(4))]
    annotate(write_documents(tmp_path / "b", more), tmp_path / "out", "web", params, llm)
    assert server.asked().total() == 44
    rows = list(read_rows(tmp_path / "out"))
    assert [row["types"] for row in rows] == [[2]] * 44


def test_a_piece_without_an_answer_does_not_take_its_document_along(tmp_path: Path, server: Server) -> None:
    params, llm = _asking(server.url, max_failed_share=0.5)
    texts = [SOLVED, "play http_500 99;", "x" * 4990 + "\n\nplay http_400 99;"]
    report = annotate(write_documents(tmp_path / "in", texts), tmp_path / "out", "web", params, llm)
    assert [row["types"] for row in read_rows(tmp_path / "out")] == [[2], [2, 0]]
    assert dict(report.dropped) == {"http_error": 1}
    assert report.counts["unanswered_pieces"] == 2
    (dropped,) = read_rows(tmp_path / "out/dropped")
    assert dropped == {"id": "s/1", "reason": "http_error", "detail": 'status 500: {"error": "played"} (2 attempts)'}


def test_no_answer_is_taken_for_a_type(tmp_path: Path) -> None:
    server = Server(tmp_path / "log", "--reply", "It could be anything.")
    try:
        params, llm = _asking(server.url)
        report = annotate(write_documents(tmp_path / "in", [SOLVED]), tmp_path / "out", "web", params, llm)
    finally:
        server.stop()
    assert dict(report.dropped) == {"unparsed_reply": 1}


@pytest.mark.parametrize(
    ("reply", "finish", "reason"),
    [
        ("It could be anything.", "stop", "unparsed_reply"),
        ("Type: 1 or type: 2", "stop", "ambiguous_reply"),
        ("<think>Type 1? It has a problem", "length", "cut_off"),
        ("Well, this piece", "length", "cut_off"),
    ],
)
def test_a_run_whose_replies_cannot_be_read_stops_and_shows_one(
    tmp_path: Path, reply: str, finish: str, reason: str
) -> None:
    server = Server(tmp_path / "log", "--reply", reply, "--finish", finish)
    try:
        params, llm = _asking(server.url)
        raw = write_documents(tmp_path / "in", [f"{SOLVED} {i}" for i in range(20)])
        message = rf"20 of 20 prompts .* cannot be read \({reason} 20\), .*: {reason}: the model answered '{reply[:9]}"
        with pytest.raises(PipelineError, match=message):
            annotate(raw, tmp_path / "out", "web", params, llm)
    finally:
        server.stop()


def test_a_thought_is_not_read_for_a_type(tmp_path: Path) -> None:
    server = Server(tmp_path / "log", "--reply", "<think>Type: 1? No, it is a theorem.</think>\n\nType: 2")
    try:
        params, llm = _asking(server.url)
        annotate(write_documents(tmp_path / "in", [SOLVED, STORY]), tmp_path / "out", "web", params, llm)
    finally:
        server.stop()
    assert [row["types"] for row in read_rows(tmp_path / "out")] == [[2], [2]]


def test_a_model_without_a_system_turn_gets_the_system_part_in_the_first_user_turn(
    tmp_path: Path, server: Server
) -> None:
    params, llm = _asking(server.url)
    for takes_one in (True, False):
        model = llm.models["small"].model_copy(update={"system_turn": takes_one})
        raw = write_documents(tmp_path / "in", [SOLVED])
        annotate(raw, tmp_path / "out", "web", params, LlmParams(models={"small": model}))
    first, second = (request["messages"] for request in server.requests())
    system, opening, *others = first
    assert second == [{"role": "user", "content": f"{system['content']}\n\n{opening['content']}"}, *others]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Type: 1", 1), ("**Type:** 2", 2), ("type 3.", 3), ("5", 5), ("The piece is of type 4, applied.", 4),
        ("Answer: 7", 7), ("Type: <6>", 6), ("Type: 1\nThere are 2 problems.", 1), ("Type: 1 or Type: 2", 0), ("", 0),
        ("Type: 8", 0), ("Type: 1 or 2", 0), ("Type: 1/2", 0), ("**Type:** 3 or **4**", 0), ("Type 2 / 8", 0),
        ('{"type": "concept"}', 2), ("**Type:** Exercise.", 3), ("applied", 4), ("Type: solved or concept", 0),
        ("Type: noise\nThe prose is damaged.", 7), ("It is unsolved.", 0),
        ("Type: 1, or\nelse.", 1), ("12", 0), ("1. Problem and solution\n2. Concept", 0), ("about 3.5", 0),
    ],
)  # fmt: skip
def test_a_type_is_read_or_there_is_none(reply: str, answer: int) -> None:
    verdict = read_type(reply)
    assert verdict.answer == answer
    assert bool(verdict.reason) == (answer == 0)


def test_the_prompt_has_a_worked_example_of_each_type() -> None:
    answers = load_template(PROMPT).worked_answers
    assert {read_type(answer).answer for answer in answers} == set(range(1, 8))


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"text" * 100])
def test_a_broken_shard_is_one_line_naming_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/part-00000.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"part-00000\.parquet: not a readable Parquet file"):
        annotate(tmp_path / "in", tmp_path / "out", "web", _params(), LlmParams())
