"""A record on which our own code raises is dropped as `failed`; the other records come out as they always do."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scripted import Server, write_documents

from mathcode_pile.answers import checker
from mathcode_pile.core import engine
from mathcode_pile.core.documents import EXECUTED
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.shards import ShardWriter, read_rows, shard_name
from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.settings import ServerParams
from mathcode_pile.llm.token_counts import Fitter
from mathcode_pile.sandbox import controller
from stages.annotate import stage as annotate
from stages.execute import stage as execute
from stages.translate import translators
from stages.translate.stage import translate
from stages.verify import stage as verify

BAD = "Spoilt"
TEXTS = [f"{BAD if i % 4 == 1 else 'Good'} {i}. Solve: the product is $6 \\cdot 7 = 42$." for i in range(40)]
FAILED = {i for i, text in enumerate(TEXTS) if BAD in text}
REPLY = "{text}\nType: 2\n**Expression:** $6 \\cdot 7$\n**Result:** 42\n**Code:**\n```python\nprint(6 * 7)\n```"
DETAIL = r"ZeroDivisionError: spoilt on purpose \(test_failed_1\.py:\d+\)"


class Case(NamedTuple):
    """A stage, and its innermost function, which is to raise where this argument has the word BAD."""

    run: Callable[[Path, Path, LlmParams], Report]
    owner: Any
    function: str
    argument: int = 0


def run_annotate(folder: Path, out: Path, llm: LlmParams, **backend: Any) -> Report:
    source = annotate.AnnotateSource(input="")
    values = {"backend": "rules", "max_piece_characters": 5000, "max_failed_share": 0, "sources": {"s": source}}
    params = annotate.AnnotateParams(**(values | backend))
    return annotate.annotate(write_documents(folder, TEXTS), out, "s", params, llm)


def run_translate(folder: Path, out: Path, llm: LlmParams, **backend: Any) -> Report:
    translator = {"backend": "symbolic", "max_failed_share": 0} | backend
    params = translators.TranslateParams(
        translators=[translator], max_piece_characters=5000, min_operations=1, components={}
    )
    return translate(write_documents(folder, TEXTS), out, params, llm)


def run_execute(folder: Path, out: Path, llm: LlmParams) -> Report:
    params = execute.ExecuteParams(timeout_s=5, memory_mb=512, output_bytes=4096, disk_mb=4, isolation="none")
    return execute.execute_folder(write_snippets(folder), out, params)[0]


def run_verify(folder: Path, out: Path, llm: LlmParams) -> Report:
    work = partial(verify.verify_shard, params=verify.VerifyParams())
    return engine.map_folder("verify", work, write_snippets(folder), out, [])


def write_snippets(folder: Path) -> Path:
    """Write one snippet for each text; it prints 42, and the text on a line before."""
    base = dict.fromkeys(EXECUTED.names, "") | {"position": 0, "chain": 0, "anchor": 0, "result": "42", "outcome": "ok"}
    with ShardWriter(folder / shard_name(0), EXECUTED) as shard:
        for i, text in enumerate(TEXTS):
            own = {"document_id": f"s/{i}", "code": f"print({text!r})\nprint(42)", "stdout": f"{text}\n42\n"}
            shard.write_rows([base | own])
    return folder


MODEL = {"backend": "openai", "model": "small"}
CASES = {
    "annotate by rules": Case(run_annotate, annotate, "type_piece"),
    "annotate by a model, prompts": Case(partial(run_annotate, **MODEL), Fitter, "split", 1),
    "annotate by a model, replies": Case(partial(run_annotate, **MODEL), annotate, "read_type"),
    "translate without a model": Case(run_translate, translators, "translate_document"),
    "translate by a model, prompts": Case(partial(run_translate, **MODEL), Fitter, "split", 1),
    "translate by a model, replies": Case(partial(run_translate, **MODEL), translators, "parse_reply"),
    "execute": Case(run_execute, controller, "choose_kind"),
    "verify": Case(run_verify, checker, "judge", 1),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlmParams]:
    server = Server(tmp_path_factory.mktemp("server") / "log", "--reply", REPLY)
    openai = ServerParams(base_urls=(server.url,))
    model = ModelParams(id="small", revision="1", tokenizer="bytes", context_tokens=12000, openai=openai)
    yield LlmParams(models={"small": model})
    server.stop()


@pytest.fixture
def run(project: Path, llm: LlmParams, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a case in a folder; return the report, and the number and content of each kept and each dropped record."""

    def run_in(name: str, case: Case) -> tuple[Report, list[tuple[int, Any]], list[tuple[int, Any]]]:
        monkeypatch.setenv("MATHCODE_SCRATCH", str(project / name / "scratch"))
        out = project / name / "out"
        report = case.run(project / name / "in", out, llm)
        dropped = numbered(out / "dropped") if (out / "dropped").is_dir() else []
        return report, numbered(out), dropped

    return run_in


def numbered(folder: Path) -> list[tuple[int, Any]]:
    return [(int(re.findall(r"\d+", row.get("id") or row["document_id"])[0]), row) for row in read_rows(folder)]


def spoil(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    real = getattr(case.owner, case.function)

    def raise_where_bad(*arguments: Any) -> Any:
        if BAD in arguments[case.argument]:
            raise ZeroDivisionError("spoilt on purpose")
        return real(*arguments)

    monkeypatch.setattr(case.owner, case.function, raise_where_bad)


@every_case
def test_ten_of_forty_records_fail_and_the_others_come_out_unharmed(
    case: Case, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, kept_before, dropped_before = run("before", case)
    spoil(case, monkeypatch)
    report, kept, dropped = run("after", case)
    assert (report.read, report.failed) == (40, 10)
    failed = [(number, row) for number, row in dropped if row["reason"] == "failed"]
    assert {number for number, _ in failed} == FAILED
    assert all(re.fullmatch(DETAIL, row["detail"]) for _, row in failed)
    assert kept == [(number, row) for number, row in kept_before if number not in FAILED] != []
    others = [(number, row) for number, row in dropped if row["reason"] != "failed"]
    assert others == [(number, row) for number, row in dropped_before if number not in FAILED]


@every_case
def test_more_failures_than_allowed_stop_the_stage_with_the_first(
    case: Case, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MIN_FAILED", 5)
    spoil(case, monkeypatch)
    message = r"its own code failed on 10 of 40 records, more than engine\.max_failed_share \(0\.001\) allows"
    with pytest.raises(PipelineError, match=rf"{message}; the first: s/1(#0)?: {DETAIL}$"):
        run("over", case)
