"""Params are strict: a wrong key or value ends in one line that names it; every profile validates."""

from pathlib import Path

import pytest
from conftest import ROOT

from mathcode_pile.engine import EngineParams
from mathcode_pile.errors import ParamsError
from mathcode_pile.params import Section, load, read_section, read_yaml
from tools.check_params import check_all


class Example(Section):
    size: int
    name: str = "x"


@pytest.mark.parametrize("profile", sorted(p.stem for p in (ROOT / "profiles").glob("*.yaml")))
def test_every_section_of_every_profile_has_its_type(project: Path, profile: str) -> None:
    set_params(project, "profile: sample", f"profile: {profile}")
    check_all()


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


@pytest.mark.parametrize("given", ["annotate/nothing", "filter_code/openwebmath", "fetched/openwebmath"])
def test_an_input_that_no_stage_makes_is_named(project: Path, given: str) -> None:
    set_params(project, "input: annotate/openwebmath", f"input: {given}")
    with pytest.raises(ParamsError, match=f"sources.openwebmath.input: no stage makes '{given}'"):
        check_all()


def test_a_key_in_params_and_profile_is_an_error(project: Path) -> None:
    set_params(project, "engine:", "llm: {size: 1}\nengine:")
    (project / "profiles" / "sample.yaml").write_text("llm: {size: 2}\n")
    with pytest.raises(ParamsError, match=r"profiles/sample.yaml: llm.size stands in params.yaml too"):
        read_section("llm")


def test_params_and_profile_are_joined(project: Path) -> None:
    set_params(project, "engine:", "llm: {name: y}\nengine:")
    (project / "profiles" / "sample.yaml").write_text("llm: {size: 2}\n")
    assert load("llm", Example) == Example(size=2, name="y")
