"""The plan: what a run would take, before it does, and sharper once a part of it has run."""

import json
import math
import resource
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, run_module
from hub import Hub
from scripted import Server, write_documents

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.settings import ServerParams
from mathcode_pile.sources import HuggingFace
from mathcode_pile.sources.source_rows import Limits
from stages.annotate.stage import PROMPT, AnnotateParams, AnnotateSource, annotate
from stages.fetch.stage import OriginsParams
from tools.earlier_run import Recorded
from tools.figures import load_figures
from tools.plan import HEADS, print_plan, write_cells
from tools.plan_documents import plan_source
from tools.plan_models import count_asked, find_speed, fit_seconds, read_throughput
from tools.plan_stages import Planner, sum_up
from tools.profiles import choose_profile
from tools.spans import Span, write_bytes, write_count, write_time

FIGURES = load_figures()
PROFILES = sorted(p.stem for p in (ROOT / "profiles").glob("*.yaml"))


@pytest.fixture
def planned(project: Path) -> Path:
    """The project's folder, with the launcher files that profiles name."""
    (project / "configs").symlink_to(ROOT / "configs")
    return project


def make_planner(profile: str, folder: Path, card: str = "H100") -> Planner:
    folder.mkdir()
    return Planner(choose_profile(profile, folder), profile, card, FIGURES)


# --- the whole plan


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_a_plan_on_a_fresh_clone(
    planned: Path, profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_plan(profile, "H100", None)
    said = capsys.readouterr().out
    head, *lines = said.splitlines()
    assert head.split("  ")[0] == "stage" and all(name in head for name in HEADS)
    stages = [line.split()[0] for line in lines[: lines.index("")]]
    for stage in (
        "fetch@openwebmath",
        "annotate@cc_en",
        "translate@filtered_cc_en",
        "execute",
        "pack",
        "pretrain",
        "all",
    ):
        assert stage in stages
    assert "nan" not in said and "inf" not in said


def test_the_paper_s_plan_contains_the_paper(planned: Path, tmp_path: Path) -> None:
    lines, training = make_planner("paper", tmp_path / "chosen").plan()
    found = {line.name: line for line in lines}
    for stage, tokens in (("tokenize", 19.2e9), ("pretrain", 3 * 19.2e9)):
        assert found[stage].tokens.low < tokens < found[stage].tokens.high
        assert found[stage].tokens.likely == pytest.approx(tokens, rel=0.25)
    # OpenWebMath has 6.3 million documents; 4.83B tokens of 14.7B were kept.
    assert found["fetch@openwebmath"].documents == Span.exact(6315233)
    kept = found["translate@filtered_openwebmath"].documents
    assert kept.low < 6315233 * 4.83 / 14.7 < kept.high
    assert training.steps.low < 3 * 19.2e9 / 4194304 < training.steps.high
    # Eight GPUs and 8B parameters: docs/training.md has 12 days for three epochs.
    assert training.wall_s and training.wall_s.low < 12 * 86400 < training.wall_s.high
    assert all(line.gpu_hours is not None for line in lines)


def test_the_plan_asks_no_hub_and_takes_less_than_five_seconds_of_a_processor(planned: Path, hub: Hub) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run_module("tools", "plan", "paper", folder=planned)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0 and "profile paper, likely in all: " in done.stdout, done.stderr
    # Processor time: the wall time of a busy machine says nothing.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5
    assert hub.requests() == []
    assert not (planned.parent / "scratch" / "replies").exists()


def test_money_is_gpu_hours_by_price(planned: Path, tmp_path: Path) -> None:
    planner = make_planner("paper", tmp_path / "chosen", "A100")
    total = sum_up(planner.plan()[0])
    assert total.gpu_hours and total.gpu_hours.likely > 1000
    column = HEADS.index("dollars")
    assert write_cells(total, 2.0)[column] == (total.gpu_hours * 2.0).describe(write_count)
    assert planner.card.price == FIGURES.cards["A100"].price


def test_a_profile_without_models_has_nothing_to_pay(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_plan("sample", "H100", None)
    assert "likely in all: 0 GPU-hours, $0, " in capsys.readouterr().out


def test_a_model_without_figures_is_named_with_what_to_do(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = planned / "profiles/workstation.yaml"
    text = path.read_text()
    name = yaml.safe_load(text)["llm"]["models"]["instruct"]["id"]
    path.write_text(text.replace(name, "some/model"))
    print_plan("workstation", "H100", None)
    said = capsys.readouterr().out
    assert "- speed of some/model on H100: unknown; set llm.models.instruct.tokens_per_s, or add a row to" in said
    assert "unknown" in next(line for line in said.splitlines() if line.startswith("annotate@openwebmath"))
    assert "- weights of some/model: unknown, not in the disk; add a row to configs/planning.yaml" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "error: no profiles/none.yaml; there are coder, paper, sample, smollm2, workstation\n"),
        (["paper", "--card", "K80"], "error: --card: planning.yaml has no 'K80'; there are H100, H200, A100, L40S, "),
    ],
)
def test_an_unknown_profile_or_card_is_one_line(arguments: list[str], message: str) -> None:
    done = run_module("tools", "plan", *arguments, folder=ROOT)
    assert done.returncode == 1 and done.stderr.startswith(message) and done.stderr.count("\n") == 1


def test_disk_counts_vllm_the_served_model_and_the_base_model(planned: Path, tmp_path: Path) -> None:
    planner = make_planner("workstation", tmp_path / "chosen")
    lines = {line.name: line.disk.likely for line in planner.plan()[0]}
    assert lines[".venv-vllm"] == 20e9
    assert lines["served models"] == pytest.approx(31.1e9, rel=0.01)
    # 1.71B parameters: 2 bytes each as downloaded, 4 as the stage writes them.
    assert lines["base_model"] == pytest.approx(6 * 1.71e9, rel=0.01)


def test_the_documentation_quotes_the_plan(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "hardware.md").read_text()
    readme = (ROOT / "README.md").read_text().partition("\nstage  ")[2]
    print_plan("workstation", "H100", None)
    said = capsys.readouterr().out
    # The time also depends on the cores of this machine.
    total = next(line for line in said.splitlines() if line.startswith("profile ")).rpartition(", ")[0]
    assert total in readme
    assert f"| workstation | 10 to 34 | {total.rpartition(', ')[2].removesuffix(' of disk')}: " in page
    for stage in ("annotate@openwebmath", "translate@filtered_openwebmath", "pretrain", "all"):
        quoted = next(line for line in readme.splitlines() if line.startswith(f"{stage} ")).split()
        printed = next(line for line in said.splitlines() if line.startswith(f"{stage} ")).split()
        assert set(quoted[:-5]) <= set(printed)


def test_a_server_elsewhere_takes_no_disk_here(planned: Path, tmp_path: Path) -> None:
    path = planned / "profiles/paper.yaml"
    both = {line.name: line.disk.likely for line in make_planner("paper", tmp_path / "here").plan()[0]}
    assert both["served models"] == pytest.approx((46.7e9 + 70.6e9) * 2)
    path.write_text(path.read_text().replace("http://127.0.0.1:", "http://elsewhere:"))
    assert "served models" not in {line.name for line in make_planner("paper", tmp_path / "there").plan()[0]}


# --- documents


def origin(**changes: object) -> OriginsParams:
    values = {"kind": "huggingface", "repository": "open-web-math/open-web-math", "revision": None}
    values |= {"patterns": ["data/*.parquet"], "format": "parquet", "license": "ODC-By-1.0"}
    return OriginsParams.model_validate({"origins": [values | changes]})


@pytest.mark.parametrize(
    ("limits", "documents", "download_gb"),
    [
        ({}, 6315233, 16.4),
        ({"files": 57}, 6315233 / 2, 8.2),
        ({"rows": 1000}, 1000, 16.4 * 1000 / 6315233),
        ({"files": 57, "rows": 1000}, 1000, 16.4 * 1000 / 6315233),
        ({"share": 0.1}, 631523.3, 16.4),
        ({"bytes": 26 * 10**9}, 6315233 / 2, 8.2),
    ],
)
def test_limits_bound_what_is_taken_and_downloaded(
    limits: dict[str, float], documents: float, download_gb: float
) -> None:
    amount = plan_source("openwebmath", origin(limits=limits), FIGURES, Recorded(Path("nowhere"), {}))
    assert amount.documents.likely == pytest.approx(documents)
    assert amount.text_bytes.likely == pytest.approx(52e9 * documents / 6315233)
    assert amount.download_bytes.likely == pytest.approx(download_gb * 1e9)
    # Where rows or bytes are limited, files are read in place.
    stored = 0 if {"rows", "bytes"} & limits.keys() else download_gb * 1e9
    assert amount.stored_bytes.likely == pytest.approx(stored)


def test_what_a_rule_drops_is_not_asked(planned: Path, tmp_path: Path) -> None:
    path = planned / "params.yaml"
    source = yaml.safe_load(path.read_text())["annotate"]["sources"]["education_college_students"]
    planner = make_planner("paper", tmp_path / "chosen")
    planner.rules["education_college_students"] = bool(source.get("min_dollar_signs"))
    asked = {line.name: line for line in planner.plan()[0]}["annotate@education_college_students"]
    planner.rules["education_college_students"] = True
    ruled = {line.name: line for line in planner.plan()[0]}["annotate@education_college_students"]
    assert ruled.documents.likely == pytest.approx(254_000 * 0.02) and ruled.prompts.high <= asked.prompts.high


def test_a_repository_without_figures_is_named() -> None:
    amount = plan_source("mine", origin(repository="my/pages"), FIGURES, Recorded(Path("nowhere"), {}))
    assert (amount.documents.high, amount.basis) == (0, "no figures of my/pages")


def test_the_published_profiles_have_figures_for_all_their_repositories() -> None:
    known = {(row.repository, row.pattern) for row in FIGURES.datasets}
    for profile in ("paper", "workstation"):
        for entry in yaml.safe_load((ROOT / "profiles" / f"{profile}.yaml").read_text())["fetch"].values():
            for each in OriginsParams.model_validate(entry).origins if entry["origins"] else []:
                if isinstance(each, HuggingFace):
                    assert {(each.repository, pattern) for pattern in each.patterns} <= known
                    assert isinstance(each.limits, Limits)


def record(project: Path, profile: str, source: str, metrics: dict[str, dict[str, int]]) -> None:
    """Write dvc.lock and metrics as after a run of a source's stages with a profile."""
    values = yaml.safe_load((project / "profiles" / f"{profile}.yaml").read_text())["fetch"][source]
    outs = [{"path": f"data/fetch/{source}", "size": 400_000}]
    stage = {"params": {f"profiles/{profile}.yaml": {f"fetch.{source}": values}}, "outs": outs}
    (project / "dvc.lock").write_text(yaml.safe_dump({"stages": {f"fetch@{source}": stage}}))
    for name, content in metrics.items():
        path = project / "metrics" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def test_after_a_run_its_own_counts_are_used(planned: Path, tmp_path: Path) -> None:
    metrics = {
        "fetch/openwebmath": {"in": 1000, "kept": 990},
        "annotate/openwebmath": {"in": 990, "kept": 980, "pieces": 2100},
        "select/openwebmath": {"in": 980, "kept": 300},
    }
    record(planned, "workstation", "openwebmath", metrics)
    lines = {line.name: line for line in make_planner("workstation", tmp_path / "chosen").plan()[0]}
    assert lines["fetch@openwebmath"].documents == Span.exact(990)
    assert lines["annotate@openwebmath"].prompts == Span.exact(2100)
    translated = lines["translate@filtered_openwebmath"].documents
    assert (translated.low, translated.likely, translated.high) == pytest.approx((300, 300, 300))
    # Another profile's documents are others.
    others = {line.name: line for line in make_planner("paper", tmp_path / "paper").plan()[0]}
    assert others["fetch@openwebmath"].documents == Span.exact(6315233)


def test_counts_of_stages_that_have_not_run_again_are_not_used(planned: Path, tmp_path: Path) -> None:
    metrics = {
        "fetch/openwebmath": {"in": 1000, "kept": 990},
        "annotate/openwebmath": {"in": 50, "kept": 50, "pieces": 60},
        "select/openwebmath": {"in": 48, "kept": 20},
    }
    record(planned, "workstation", "openwebmath", metrics)
    lines = {line.name: line for line in make_planner("workstation", tmp_path / "chosen").plan()[0]}
    assert lines["annotate@openwebmath"].prompts.low >= 990
    assert lines["translate@filtered_openwebmath"].documents.low > 200


# --- models


def test_seconds_a_token_follow_from_two_kinds_of_load() -> None:
    # 1 ms for a token of a prompt, 10 ms for one of an answer, on two GPUs.
    loads = [(p, a, a / (p * 0.0005 + a * 0.005)) for p, a in ((2000.0, 100.0), (1000.0, 1000.0), (100.0, 2000.0))]
    assert fit_seconds(loads, 2) == pytest.approx((0.001, 0.01))
    prompt, answer = fit_seconds([(1000.0, 1000.0, 1000.0), (4000.0, 1000.0, 2000.0)], 1)
    assert prompt == 0 and answer > 0


def test_every_published_speed_gives_back_its_own_loads_within_a_factor() -> None:
    for row in FIGURES.serving:
        assert row.source and row.card in FIGURES.cards
        prompt, answer = fit_seconds(row.loads, row.gpus)
        for prompt_tokens, answer_tokens, rate in row.loads:
            predicted = (prompt_tokens * prompt + answer_tokens * answer) / row.gpus
            assert abs(math.log(answer_tokens / rate / predicted)) < math.log(1.6), row


def model(**changes: object) -> ModelParams:
    return ModelParams.model_validate(
        {"id": "x/Llama-3.1-70B-Instruct", "revision": None, "context_tokens": 8000} | changes
    )


def test_what_was_measured_here_comes_before_what_is_stated_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path))
    published = find_speed(model(gpus=8), "translate", "H100", FIGURES)
    assert published and published.gpus == 8 and "TensorRT-LLM" in published.basis
    assert find_speed(model(), "translate", "L40S", FIGURES) is None
    stated = find_speed(model(tokens_per_s=500), "translate", "H100", FIGURES)
    assert stated and stated.seconds(Span.exact(900), Span.exact(100)).likely == pytest.approx(2)
    ReplyCache().note_run("x/Llama-3.1-70B-Instruct", "translate", 50.0, 10, (9_000, 1_000))
    measured = find_speed(model(tokens_per_s=500), "translate", "H100", FIGURES)
    assert measured and measured.seconds(Span.exact(900), Span.exact(100)).likely == pytest.approx(5)
    assert find_speed(model(tokens_per_s=500), "annotate", "H100", FIGURES) == stated


def test_a_model_served_without_a_gpu_costs_none() -> None:
    speed = find_speed(model(gpus=0, tokens_per_s=40), "annotate", "H100", FIGURES)
    assert speed and speed.gpus == 0


def test_the_plan_sharpens_itself_after_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    texts = [f"Document {i}. " + f"Text {i}. " * 1000 for i in range(60)]
    raw = write_documents(tmp_path / "in", texts)
    server = Server(tmp_path / "log")
    try:
        openai = ServerParams(base_urls=(server.url,))
        small = ModelParams(id="small", revision="1", tokenizer="bytes", context_tokens=16000, openai=openai)
        params = AnnotateParams(
            backend="openai", model="small", max_piece_characters=5000, max_failed_share=0.1,
            sources={"web": AnnotateSource(input="fetch/web")},
        )  # fmt: skip
        annotate(raw, tmp_path / "out", "web", params, LlmParams(models={"small": small}))
    finally:
        server.stop()
    size = Span.exact(sum(map(len, texts)))
    template = PROMPT.stat().st_size
    answer = Span(*FIGURES.answers["annotate"].tokens)
    before = count_asked(Span.exact(60), size, 5000, template, answer, FIGURES, None)
    assert before.prompts.low <= server.asked().total() == 120 <= before.prompts.high
    measured = read_throughput(small, "annotate")
    assert measured and measured.prompts == 120
    after = count_asked(Span.exact(60), size, 5000, template, answer, FIGURES, measured, pieces=120)
    assert after.prompt_tokens.likely == measured.prompt_tokens
    assert after.answer_tokens.likely == measured.completion_tokens


# --- ranges


def test_independent_errors_are_added_as_squares() -> None:
    product = Span(1, 2, 4) * Span(5, 10, 20)
    assert product.likely == 20
    assert product.high == pytest.approx(20 * 2 ** math.sqrt(2)) and product.low == pytest.approx(
        20 / 2 ** math.sqrt(2)
    )
    assert Span(1, 2, 4) * 3 == Span(pytest.approx(3), 6, pytest.approx(12))  # type: ignore[arg-type]
    assert (Span.exact(6) / Span(1, 2, 3)).low == pytest.approx(2)


def test_numbers_are_written_for_people() -> None:
    assert [write_count(x) for x in (0, 17, 999, 4200, 19.2e9)] == ["0", "17", "999", "4.2k", "19.2B"]
    assert [write_bytes(x) for x in (600, 96.4e9, 1.08e13)] == ["0.6 kB", "96.4 GB", "10.8 TB"]
    assert [write_time(x) for x in (0.2, 30, 5400, 86400 * 3)] == ["< 1 s", "30 s", "1.5 h", "3 d"]


def test_a_wrong_figure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "configs/planning.yaml").read_text())
    content["cards"]["H100"]["memory_gb"] = 0
    (tmp_path / "planning.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr("tools.figures.PATH", tmp_path / "planning.yaml")
    with pytest.raises(ParamsError, match=r"planning.yaml.cards.H100.memory_gb"):
        load_figures()
