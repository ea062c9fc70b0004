"""`python -m tools affected`: every stage that a change reruns, in the order in which they run."""

import re

import pytest
from conftest import ROOT, run_module

AFTER_VERIFY = [
    "decontaminate",
    "corpus",
    "tokenizer",
    "base_model",
    "tokenize",
    "pack",
    "pretrain",
    "evaluate",
    "report",
]


def _list(*changes: str) -> dict[str, str]:
    done = run_module("tools", "affected", *changes, folder=ROOT)
    assert done.returncode == 0, done.stderr
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("verify.rule", "params.yaml: verify"),
        ("stages/verify/stage.py", "stages/verify"),
        ("data/execute/", "data/execute"),
    ],
)
def test_what_follows_is_listed_too(change: str, read: str) -> None:
    said = _list(change)
    assert list(said) == ["verify", *AFTER_VERIFY]
    assert said["verify"] == read
    assert said["decontaminate"] == "after verify" and said["pretrain"] == "after base_model, pack, tokenize"


def test_several_changes_are_listed_once() -> None:
    said = _list("removed.csv", "profiles/sample.yaml:fetch.cc_en.origins", "pretrain.steps")
    assert said["fetch@cc_en"] == "profiles/sample.yaml: fetch.cc_en"
    assert said["select"] == said["corpus"] == "removed.csv"
    assert said["pretrain"] == "profiles/sample.yaml: pretrain"
    assert "fetch@openwebmath" not in said and "extract_textbooks" not in said
    before: set[str] = set()
    for stage, why in said.items():
        if why.startswith("after "):
            assert set(why.removeprefix("after ").split(", ")) <= before
        before.add(stage)


@pytest.mark.parametrize(
    "change", ["nothing.py", "verify.rules", "sources.nowhere", "params.yaml:rule", "engine.workers"]
)
def test_what_no_stage_reads_is_an_error(change: str) -> None:
    done = run_module("tools", "affected", change, folder=ROOT)
    assert (
        done.returncode == 1 and done.stderr == f"error: {change}: no stage reads it; a param is named as verify.rule\n"
    )
