"""Params are strict: a wrong key or value ends in one line that names it; every profile validates."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from vllm_environment import make_environment

from mathcode_pile.core.engine import EngineParams
from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section, load, read_section, read_yaml
from stages.pack.stage import PackParams
from stages.pretrain.training_params import PretrainParams
from tools.check import check_all, list_missing
from tools.pin import pin


class Example(Section):
    size: int
    name: str = "x"


PROFILES = sorted(p.stem for p in (ROOT / "profiles").glob("*.yaml"))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_section_of_every_profile_has_its_type(project: Path, profile: str) -> None:
    set_params(project, "profile: sample", f"profile: {profile}")
    check_all()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_run_has_at_least_five_checkpoints(project: Path, profile: str) -> None:
    set_params(project, "profile: sample", f"profile: {profile}")
    params, budget = load("pretrain", PretrainParams), load("pack", PackParams).tokens
    steps = params.steps or int((budget or 0) * (params.epochs or 0)) // params.batch_tokens
    if not steps:
        pytest.skip("how many steps it has depends on the corpus")
    assert steps // params.checkpoint_every_steps >= 5 and steps >= params.held_out_every_steps


def test_the_sample_for_a_real_model_brings_the_same_data_as_the_sample() -> None:
    sample, smollm2 = (read_yaml(ROOT / "profiles" / f"{name}.yaml") for name in ("sample", "smollm2"))
    sections = list(sample)[: list(sample).index("llm") + 1]
    assert sections[0] == "fetch" and "translate" in sections
    assert {name: smollm2[name] for name in sections} == {name: sample[name] for name in sections}


def set_params(project: Path, old: str, new: str) -> None:
    path = project / "params.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  workers: 0", "  wrokers: 0", "unknown key engine.wrokers"),
        ("  workers: 0", "  workers: many", "engine.workers: .* got 'many'"),
        ("engine:", "enigne:", "params.yaml: unknown key 'enigne'"),
        ("profile: sample", "profile: smaple", "no profiles/smaple.yaml; there are .*sample"),
        ("profile: sample", "profile: [1]", "profile must be a name"),
        ("engine:", "engine: [", "not valid YAML"),
    ],
)
def test_a_wrong_key_or_value_is_named(project: Path, old: str, new: str, message: str) -> None:
    set_params(project, old, new)
    with pytest.raises(ParamsError, match=message) as error:
        load("engine", EngineParams)
    assert "\n" not in str(error.value)


def change(project: Path, file: str, key: str, value: Any) -> None:
    """Choose profile workstation, and set a dotted key in a file of params."""
    set_params(project, "profile: sample", "profile: workstation")
    content = yaml.safe_load((project / file).read_text())
    *names, last = key.split(".")
    place = content
    for name in names:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[last] = value
    (project / file).write_text(yaml.safe_dump(content, sort_keys=False))


METHOD, PROFILE = "params.yaml", "profiles/workstation.yaml"


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        (METHOD, "engine.workers", -1),
        (METHOD, "annotate.max_piece_characters", 0),
        (PROFILE, "annotate.max_failed_share", 1.5),
        (METHOD, "annotate.sources.cc_en.sample", -1),
        (METHOD, "translate.max_piece_characters", 0),
        (METHOD, "annotate.sources.cc_en.min_dollar_signs", -1),
        (METHOD, "sources.cc_en.threshold", 2),
        (METHOD, "select.keep_types", []),
        (METHOD, "extract_textbooks.timeout_s", 0),
        (METHOD, "extract_textbooks.max_line_share", -0.5),
        (METHOD, "verify.timeout_s", -1),
        (METHOD, "filter_code.packages", []),
        (METHOD, "pretrain.seed", -1),
        (PROFILE, "fetch.cc_en.shard_megabytes", 0),
        (PROFILE, "corpus.shard_megabytes", 0),
        (METHOD, "corpus.translated.context_characters", -1),
        (PROFILE, "llm.models.instruct.context_tokens", 0),
        (PROFILE, "llm.models.instruct.vllm.engines", 0),
        (PROFILE, "annotate.max_completion_tokens", 0),
        (PROFILE, "pretrain.epsilon", 0),
    ],
)
def test_a_number_out_of_bounds_is_named(project: Path, file: str, key: str, value: Any) -> None:
    change(project, file, key, value)
    with pytest.raises(ParamsError, match=f"^params: {key}: [^\n]*, got {re.escape(repr(value))}$"):
        check_all()


def test_limits_of_sources_have_bounds(project: Path) -> None:
    change(project, PROFILE, "fetch.cc_en.origins.0.limits", {"rows": -5})
    with pytest.raises(ParamsError, match=r"fetch\.cc_en\.origins\.0\.huggingface\.limits\.rows: .* got -5"):
        check_all()


@pytest.mark.parametrize("given", ["annotate/nothing", "filter_code/openwebmath", "fetched/openwebmath"])
def test_an_input_that_no_stage_makes_is_named(project: Path, given: str) -> None:
    set_params(project, "input: annotate/openwebmath", f"input: {given}")
    with pytest.raises(ParamsError, match=f"sources.openwebmath.input: no stage makes '{given}'"):
        check_all()


@pytest.mark.parametrize(
    ("file", "key", "value", "message"),
    [
        (PROFILE, "annotate.model", "instuct", "annotate.model: llm.models has no 'instuct'; there are instruct"),
        (PROFILE, "translate.translators", [{"backend": "vllm"}], "translate.model: llm.models has no None"),
        (
            PROFILE,
            "translate.translators",
            [{"backend": "openai", "model": "instruct"}],
            "llm.models.instruct.openai is missing, and translate.backend is",
        ),
        (METHOD, "sources.cc_en.threshold", None, "sources.cc_en: threshold goes with keep: score, got None"),
        (METHOD, "sources.openwebmath.threshold", 0.5, "sources.openwebmath: threshold goes with keep: score"),
        (METHOD, "select.keep_types", [9], "select.keep_types.0: "),
        (PROFILE, "pretrain.batch_tokens", 500000, "pretrain.batch_tokens: 500000 is no multiple of 8192 .* 1 device"),
        (METHOD, "deduplicate.priority", ["textbooks"], "deduplicate.priority lacks filtered_cc_en, .* cc_en"),
        (METHOD, "annotate.sources.cc_en.input", "classify/round", "annotate.sources.cc_en.input: no stage makes"),
        (METHOD, "filter_code.sources.code_python.input", "fetch/x", "filter_code.sources.code_python.input: no"),
        (METHOD, "classifiers.books.positives", "select/x", "classifiers.books.positives: no stage makes 'select/x'"),
        (METHOD, "sources.textbooks.input", "textbooks", "sources.textbooks.input: no stage makes 'textbooks'"),
        (METHOD, "translate.components", {"filtered_cc": {}}, "translate.components.filtered_cc: no source has"),
        (METHOD, "corpus.translated.form", "pages", "corpus.translated.form.translated_code: input should be 'page'"),
        (METHOD, "corpus.translated.form", {"steps": "steps"}, "corpus.translated.form: components has no 'steps'"),
        (PROFILE, "evaluate.tasks", ["sat"], "evaluate.tasks: fetch_benchmarks.benchmarks has no 'sat'"),
    ],
)
def test_what_a_stage_would_refuse_is_named_before(
    project: Path, file: str, key: str, value: Any, message: str
) -> None:
    if key == "evaluate.tasks":
        (project / PROFILE).write_text((project / PROFILE).read_text().replace("    sat:\n", "    sat_math:\n"))
    change(project, file, key, value)
    with pytest.raises(ParamsError, match=f"^(params: )?{message}") as error:
        check_all()
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("file", "key", "value", "message"),
    [
        (METHOD, "mixture.textbooks", {"tokens": 5}, "mixture.textbooks: asks for tokens, but the profile leaves out"),
        (METHOD, "mixture.textbooks", {"epochs": 1}, "mixture.textbooks: asks for tokens, but the profile leaves out"),
        (
            PROFILE,
            "fetch.openwebmath.origins",
            [],
            "classifiers.round1.positives: .* leaves out the source of annotate/",
        ),
    ],
)
def test_what_needs_a_source_that_is_left_out_is_named_first(
    project: Path, file: str, key: str, value: Any, message: str
) -> None:
    change(project, file, key, value)
    with pytest.raises(ParamsError, match=message):
        check_all()


@pytest.mark.parametrize("source", ["maths_college", "code_python", "matrix_books", "cc_en"])
def test_a_source_that_nothing_learns_from_can_be_left_out(project: Path, source: str) -> None:
    change(project, PROFILE, f"fetch.{source}.origins", [])
    missing = "\n".join(list_missing(check_all(), "workstation"))
    assert f"fetch.{source}." not in missing and "ocr_revision" not in missing


def test_a_key_in_params_and_profile_is_an_error(project: Path) -> None:
    set_params(project, "engine:", "llm: {size: 1}\nengine:")
    (project / "profiles" / "sample.yaml").write_text("llm: {size: 2}\n")
    with pytest.raises(ParamsError, match=r"profiles/sample.yaml: llm.size stands in params.yaml too"):
        read_section("llm")


def test_params_and_profile_are_joined(project: Path) -> None:
    set_params(project, "engine:", "llm: {name: y}\nengine:")
    (project / "profiles" / "sample.yaml").write_text("llm: {size: 2}\n")
    assert load("llm", Example) == Example(size=2, name="y")


def test_a_pinned_profile_lacks_nothing(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = pin((project / PROFILE).read_text(), lambda kind, name: "a" * 40)
    (project / PROFILE).write_text(text)
    change(project, PROFILE, "pretrain.launcher", None)
    monkeypatch.setenv("MATHCODE_VLLM", str(make_environment(tmp_path / "vllm")))
    assert list_missing(check_all(), "workstation") == []


def test_a_model_that_nobody_asks_needs_no_revision(project: Path) -> None:
    change(project, PROFILE, "annotate", {"backend": "rules"})
    content = yaml.safe_load((project / PROFILE).read_text())
    content["translate"] = {"translators": [{"backend": "symbolic"}]}
    (project / PROFILE).write_text(yaml.safe_dump(content))
    assert "llm.models" not in list_missing(check_all(), "workstation")[0]
