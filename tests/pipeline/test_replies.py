"""The recorded replies belong to the present prompts, pages and model."""

import tempfile
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ROOT

from mathcode_pile.core.params import load
from mathcode_pile.core.shards import list_shards
from mathcode_pile.llm import LlmParams
from stages.translate.translators import ModelTranslator, TranslateParams, choose_translators
from tools.profiles import choose_profile
from tools.record import list_prompts, read_inquiries

STALE = "a prompt, the model, its settings or the pages changed: `make serve-model`, then `make record-replies`"
RECORDED = {
    (row["stage"], row["key"])
    for shard in list_shards(ROOT / "sample" / "replies")
    for row in pq.read_table(shard).to_pylist()
}


def test_pages_have_recorded_translations_by_the_present_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    pages: dict[str, list[bool]] = defaultdict(list)
    for asked in list_prompts(read_inquiries()):
        if asked.inquiry.task.stage == "translate":
            pages[asked.url].append(("translate", asked.key) in RECORDED)
    assert sum(map(all, pages.values())) >= 350, STALE


def test_no_recorded_reply_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    present = {(asked.inquiry.task.stage, asked.key) for asked in list_prompts(read_inquiries())}
    assert present >= RECORDED, STALE


def test_the_sample_asks_for_what_the_profile_coder_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        root = choose_profile("sample", Path(folder))
        found = choose_translators(load("translate", TranslateParams, root=root), load("llm", LlmParams, root=root))
    (sample,) = (translator for translator in found if isinstance(translator, ModelTranslator))
    coder = next(inquiry for inquiry in read_inquiries() if isinstance(inquiry, ModelTranslator))
    assert sample.task.identity() == coder.task.identity()
    assert (sample.template, sample.max_characters) == (coder.template, coder.max_characters)
