"""dvc.yaml as a document: every stage says why, names what it reads, and the recorded funnel adds up."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

from bench.quality import AIMS
from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.scratch import PROJECT, imported_code, module_path
from stages.corpus.translated import COMPONENT
from stages.report.funnel import FUNNEL, read_funnel, read_metrics
from stages.report.recorded import read_lock
from tools.pin import pin

STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
BODIES = {name: stage.get("do", stage) for name, stage in STAGES.items()}
METRICS = read_metrics(ROOT / "metrics")


def imported_folders(stage: str) -> set[str]:
    """The folders of the code that running a stage reads: its own, and the shared ones."""
    paths = [module_path(name) for name in imported_code(f"stages.{stage}.__main__")]
    folders = {str(path.parent.relative_to(PROJECT)) for path in paths if path}
    # Neither has code that an output could depend on.
    roots = {"stages", "src/mathcode_pile"}
    return {"/".join(folder.split("/")[: 3 if folder.startswith("src") else 2]) for folder in folders - roots}


def named_folders(deps: list[str]) -> set[str]:
    return {dep for dep in deps if dep.startswith(("stages", "src"))}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_why_it_exists(name: str) -> None:
    body = BODIES[name]
    assert body["desc"].endswith(".")
    assert f"python -m stages.{name} " in body["cmd"]
    assert not any("cache" in out for out in body["outs"] if isinstance(out, dict))
    assert not {"persist", "frozen", "always_changed"} & set(body)


def test_the_recorded_run_has_no_stage_that_is_gone() -> None:
    recorded = read_lock(ROOT)
    assert {name for name in recorded if ("@" in name) != ("do" in STAGES.get(name.partition("@")[0], {}))} == set()
    assert {name.partition("@")[0] for name in recorded} == STAGES.keys()


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_folders_that_it_imports_and_no_others(name: str) -> None:
    named = named_folders(BODIES[name]["deps"])
    if name == "report":  # it reads every reasons.py
        assert named == {"stages", "src/mathcode_pile"}
    else:
        assert named == imported_folders(name)


def list_files(kind: str) -> dict[str, Any]:
    """The metrics or plots of all stages, with their properties."""
    listed = [entry for body in BODIES.values() for entry in body.get(kind, [])]
    return {name: properties for entry in listed for name, properties in entry.items()}


def test_the_summary_is_the_only_metric_and_the_report_reads_what_all_other_stages_count() -> None:
    """DVC's run cache takes an uncached out only if it is a metric or a plot."""
    assert list(list_files("metrics")) == ["metrics/summary.json"]
    plots = list_files("plots")
    assert all(properties["cache"] is False for properties in plots.values())
    read = {dep for dep in BODIES["report"]["deps"] if dep.startswith("metrics")}
    assert {"/".join(name.split("/")[:2]) for name in plots} == read


def test_each_table_that_dvc_draws_has_axes_and_a_title() -> None:
    tables = {name: properties for name, properties in list_files("plots").items() if name.endswith(".csv")}
    assert len(tables) == 5 and all({"x", "y", "title"} <= set(properties) for properties in tables.values())
    templates = {properties["template"] for properties in tables.values() if "template" in properties}
    assert templates == {path.stem for path in (ROOT / ".dvc/plots").glob("*.json")}


def test_a_lazily_imported_folder_is_found() -> None:
    assert "src/mathcode_pile/sandbox" in imported_folders("execute")
    assert not {"src/mathcode_pile/sandbox", "stages/execute"} & imported_folders("verify")


def test_stage_scripts_and_stages_are_the_same() -> None:
    scripts = {path.parent.name for path in (ROOT / "stages").glob("*/__main__.py")}
    assert scripts == set(STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_watches_the_sections_that_its_script_reads(name: str) -> None:
    named: list[str] = []
    for param in BODIES[name].get("params", []):
        named += [param] if isinstance(param, str) else [key for keys in param.values() for key in keys]
    script = (ROOT / "stages" / name / "__main__.py").read_text(encoding="utf-8")
    read = set(re.findall(r'\b(?:load|load_entries|read_section)\("(\w+)"|\["(profile)"\]', script))
    sections = {section or profile for section, profile in read}
    sections |= {"sources"} if "read_components()" in script else set()
    assert {key.split(".")[0] for key in named} == sections


@pytest.mark.parametrize("step", read_funnel(METRICS), ids=lambda step: step.name)
def test_what_a_stage_took_in_it_kept_or_dropped_for_a_reason(step: Any) -> None:
    assert step.metrics["in"] == step.metrics["kept"] + step.metrics["dropped"]
    assert step.metrics["dropped"] == sum(parse_reasons(step.metrics["reasons"]).values())


def test_the_funnel_adds_up_from_stage_to_stage() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))

    def kept(place: str) -> int:
        return METRICS[place.replace("/", "@")]["kept"]

    for source, entry in params["annotate"]["sources"].items():
        assert METRICS[f"annotate@{source}"]["in"] == kept(entry["input"])
    for source, entry in params["filter_code"]["sources"].items():
        assert METRICS[f"filter_code@{source}"]["in"] == kept(entry["input"])
    for name, entry in params["classifiers"].items():
        assert METRICS[f"classify@{name}"]["in"] == kept(entry["input"])
    for source, entry in params["sources"].items():
        assert METRICS[f"select@{source}"]["in"] == kept(entry["input"])
    assert METRICS["extract_textbooks"]["in"] == kept("fetch/textbooks")
    assert METRICS["deduplicate"]["in"] == sum(kept(f"select/{source}") for source in params["sources"])
    verified = 0
    for component in params["translate"]["components"]:
        assert METRICS[f"translate@{component}"]["in"] == METRICS["deduplicate"][f"{component}_kept"]
        assert METRICS[f"execute@{component}"]["in"] == METRICS[f"translate@{component}"]["snippets"]
        assert METRICS[f"verify@{component}"]["in"] == kept(f"execute/{component}")
        verified += kept(f"verify/{component}")
    assert METRICS["decontaminate"]["in"] == kept("deduplicate") + verified
    corpus = METRICS["corpus"]
    pages = corpus["in"] - corpus["documents_translated_code"]  # which are made from the snippets
    programs = corpus["translated_code"]
    assert pages + programs["in"] == kept("decontaminate")
    assert programs["in"] == corpus["snippets"] + sum(parse_reasons(programs["reasons"]).values())
    for component in params["components"]:
        assert METRICS[f"tokenize@{component}"]["in"] == METRICS["corpus"][f"documents_{component}"]


def test_tokens_are_counted_to_the_last() -> None:
    for component in (name.split("@")[1] for name in METRICS if name.startswith("tokenize@")):
        counts = METRICS[f"tokenize@{component}"]
        by_source = sum(value for key, value in counts.items() if key.startswith("tokens_"))
        assert by_source == counts.get("tokens", 0) + counts.get("held_out_tokens", 0)
        assert METRICS["pack"][f"{component}_available"] == counts.get("tokens", 0)


def test_planted_leaks_are_found_and_what_is_flagged_in_clean_text_is_explained() -> None:
    counts = METRICS["decontaminate"]
    recall = {name.removeprefix("recall_"): value for name, value in counts.items() if name.startswith("recall_")}
    assert min(recall[kind] for kind in ("verbatim", "within_20", "within_80", "within_1000")) >= 0.995
    least = {"short": 0.98, "plain_text": 0.95, "latex_variant": 0.95, "html_tags": 0.95, "json_escaped": 0.95}
    # The sample's questions are short: half of one is often a phrase that any exercise may have.
    least |= {"cut_20": 0.95, "first_70": 0.9, "second_half": 0.6, "number_changed": 0.85}
    # A kind that none of the questions can be rewritten to is not recorded.
    assert {kind: value for kind, value in recall.items() if value < least.get(kind, 0.6)} == {}
    assert counts.get("labelled_variant", 1.0) >= 0.85
    # Some of the sample's pages do repeat a question.
    assert counts["flagged"] <= 0.01 * counts["sampled"] and counts["unexplained"] == 0


def test_rows_are_hardly_padded() -> None:
    packed = METRICS["pack"]
    # The last row of a small run may be half empty.
    assert packed["padding"] <= 0.001 + 0.5 / packed["rows"]


def test_the_sample_is_as_large_as_it_should_be() -> None:
    assert METRICS["fetch@openwebmath"]["kept"] >= 3000
    assert METRICS["fetch@cc_en"]["kept"] >= 3000
    assert METRICS["fetch@code_python"]["in"] >= 1000
    # Of some 1,300 verified ones, those that only type the page's arithmetic again are left out.
    assert METRICS["corpus"]["snippets"] >= 700


def test_translated_code_is_as_good_as_it_should_be() -> None:
    for figure, (bound, aim) in AIMS.items():
        value = METRICS["corpus"][f"{COMPONENT}_{figure}"]
        assert value <= aim if bound == "at most" else value >= aim, figure


def test_metrics_hold_no_clock_and_no_path() -> None:
    for path in (ROOT / "metrics").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"20\d\d-\d\d-\d\d|_seconds|/home/|/root/|/tmp/", text), path


def test_every_stage_of_the_funnel_is_a_stage() -> None:
    assert set(FUNNEL) <= set(STAGES)


def test_pin_writes_commits_where_none_stands(tmp_path: Path) -> None:
    text = (ROOT / "profiles" / "workstation.yaml").read_text(encoding="utf-8")
    pinned, commits = pin(text, lambda kind, name: ("d" if kind == "dataset" else "e") * 40)
    assert not re.search(r"revision: *null", pinned)
    assert commits["open-web-math/open-web-math"][0] == "d" and commits["HuggingFaceTB/SmolLM2-1.7B"][0] == "e"
    assert pin(pinned, lambda kind, name: "x") == (pinned, {})
