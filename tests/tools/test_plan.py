"""The plan: what a run with models would ask, before it does."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, run_module
from scripted import Server, write_documents

from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.settings import ServerParams
from stages.annotate.stage import AnnotateParams, AnnotateSource, annotate, choose_judge
from tools.plan import Estimate, estimate


def _asking(url: str) -> tuple[AnnotateParams, LlmParams]:
    openai = ServerParams(base_urls=(url,))
    model = ModelParams(id="small", revision="1", tokenizer="bytes", context_tokens=16000, openai=openai)
    source = AnnotateSource(input="fetch/web", question="type")
    params = AnnotateParams(
        backend="openai", model="small", max_piece_characters=5000, max_failed_share=0.1, sources={"web": source}
    )
    return params, LlmParams(models={"small": model})


def test_the_plan_counts_what_a_run_then_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    raw = write_documents(tmp_path / "in", [f"Document {i}. " + f"Text {i}. " * 1000 for i in range(60)])
    server = Server(tmp_path / "log")
    try:
        params, llm = _asking(server.url)
        judge = choose_judge("web", params, llm)
        before = estimate(judge, raw, 20, 0, ReplyCache())  # type: ignore[arg-type]
        assert (before.documents, before.prompts, before.kept_share) == (60, 120, 0)
        annotate(raw, tmp_path / "out", "web", params, llm)
        after = estimate(judge, raw, 20, 0, ReplyCache())  # type: ignore[arg-type]
    finally:
        server.stop()
    assert server.asked().total() == before.prompts
    assert after == Estimate(60, 120, 1, 0, 0)
    measured = ReplyCache().throughput("small", "annotate")
    assert measured is not None
    # The scripted server counts four characters a token; the plan counted bytes.
    assert measured.prompts == 120
    assert measured.prompt_tokens * 4 == pytest.approx(before.prompt_tokens, rel=0.05)


def test_the_plan_adds_up_and_names_what_a_run_would_refuse(project: Path) -> None:
    model = {
        "id": "m",
        "revision": None,
        "tokenizer": "bytes",
        "context_tokens": 16000,
        "gpus": 8,
        "tokens_per_s": 1000,
    }
    asking = {"backend": "openai", "model": "small", "max_completion_tokens": 100}
    profile = {"llm": {"models": {"small": model | {"openai": {"base_urls": ["http://127.0.0.1:9/v1"]}}}}}
    (project / "profiles/asking.yaml").write_text(
        yaml.safe_dump(profile | {"annotate": asking, "translate": {"translators": [asking]}})
    )
    for folder in ("fetch/openwebmath", "deduplicate/filtered_openwebmath"):
        write_documents(project / "data" / folder, [f"Document {i}." for i in range(30)])
    done = run_module("tools", "plan", "--profile", "asking")
    lines = done.stdout.splitlines()
    assert lines[0] == "profile asking, documents of data/ as it is now"
    assert "llm.models.small.revision is not pinned" in lines[1]
    assert "annotate@openwebmath: m, 30 documents, 30 pieces" in lines
    assert "annotate@cc_en: data/classify/round1 does not exist yet, so its documents cannot be counted" in lines
    tokens = [int(part.replace(",", "")) for part in re.findall(r"([\d,]+) of (?:prompts|answers)", done.stdout)]
    total, hours = sum(tokens), sum(tokens) / 1000 / 3600 * 8
    assert lines[-1] == f"in all: 60 prompts to ask, {total:,} tokens, {hours:.2f} GPU-hours"


def test_a_profile_without_models_has_nothing_to_pay() -> None:
    done = run_module("tools", "plan", "--profile", "sample", folder=ROOT)
    assert "No model is asked" in done.stdout


def test_an_unknown_profile_is_one_line() -> None:
    done = run_module("tools", "plan", "--profile", "none", folder=ROOT)
    assert (done.returncode, done.stderr) == (1, "error: --profile: no profiles/none.yaml\n")
