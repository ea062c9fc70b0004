"""A dictionary of models: served ones, GGUF files and folders in one table; paired differences; leaked questions."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
import yaml
from conftest import ROOT, run_module
from played_completions import PlayedServer, play_completions
from small_training import make_evaluation_inputs
from vllm_environment import make_environment, read_lines

from mathcode_pile.core.documents import VERIFIED
from mathcode_pile.core.errors import ParamsError, PipelineError
from mathcode_pile.core.params import load, parse_section
from mathcode_pile.core.shards import ShardWriter, read_rows
from mathcode_pile.tokens.packed import Vocabulary, token_schema
from stages.evaluate.evaluator import Evaluator
from stages.evaluate.leaked_questions import read_leaked
from stages.evaluate.scores import compare, score, summarize, tabulate_differences
from stages.evaluate.stage import EvaluateParams, Inputs, evaluate

TASKS = ["gsm8k", "math", "sat", "ocw_courses", "mmlu_math"]


def settings(models: dict[str, Any], **changes: Any) -> EvaluateParams:
    values = {
        "models": models, "tasks": TASKS, "limit": 4, "few_shot": 1, "max_new_tokens": 4, "precision": "fp32",
        "batch_size": 4, "sequence_length": 256, "held_out_tokens": 0, "cpu_threads": 1, "seed": 0,
    }  # fmt: skip
    return EvaluateParams.model_validate(values | changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_evaluation_inputs(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))


def inputs_of(data: Path) -> Inputs:
    return Inputs(data / "benchmarks", data / "decontaminate", data / "tokenize", data / "tokenizer")


def answers_of(data: Path) -> dict[str, str]:
    return {row["question"]: row["answer"] for task in TASKS for row in read_rows(data / "benchmarks" / task)}


def served(server: PlayedServer, **changes: Any) -> dict[str, Any]:
    return {"server": {"url": server.url, "name": "played", "revision": "1", "max_attempts": 2} | changes}


def scores_of(server: PlayedServer, data: Path, tasks: list[str], **changes: Any) -> dict[str, float]:
    params = settings({"served": served(server)}, tasks=tasks, **changes)
    samples = Evaluator(params, "served", dict.fromkeys(tasks, data / "benchmarks")).answer_all()
    return {task: summarize(task, answered)[task] for task, answered in samples.items()}


# --- servers


@pytest.mark.parametrize("protocol", ["ours", "paper"])
@pytest.mark.parametrize("right", [True, False])
def test_a_server_that_knows_the_answers_scores_everything_and_its_opposite_nothing(
    data: Path, right: bool, protocol: str
) -> None:
    with play_completions(answers_of(data), right) as server:
        scores = scores_of(server, data, TASKS, protocol=protocol)
    assert scores == dict.fromkeys([*TASKS, "gsm8k_program", "math_program"], float(right))
    assert {body["path"] for body in server.bodies} == {"/v1/completions"}


def test_a_server_is_asked_for_other_programs_with_other_seeds(data: Path) -> None:
    with play_completions(answers_of(data)) as server:
        scores = scores_of(server, data, ["gsm8k"], limit=1, program_samples=2, program_temperature=0.5)
    assert scores["gsm8k_program_majority"] == 1.0
    drawn = [(body["seed"], body["temperature"]) for body in server.bodies if body["temperature"]]
    assert drawn == [(1, 0.5), (2, 0.5)]


def test_a_busy_server_is_asked_again(data: Path) -> None:
    with play_completions(answers_of(data)) as server:
        server.failures = 1
        assert scores_of(server, data, ["sat"], limit=1) == {"sat": 1.0}


def test_a_server_without_log_likelihoods_or_none_at_all_ends_the_stage_in_one_line(data: Path) -> None:
    with play_completions(answers_of(data)) as server:
        server.echoes = False
        with pytest.raises(PipelineError, match=r"^evaluate.models.served: http.* no log-likelihoods of a prompt"):
            scores_of(server, data, ["sat"], limit=1)
    with pytest.raises(PipelineError, match=r"^evaluate.models.served: http.*ConnectError"):
        scores_of(server, data, ["gsm8k"], limit=1)


def test_with_vllm_the_stage_starts_a_server_that_ends_with_its_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "vllm.log"
    monkeypatch.setenv("MATHCODE_VLLM", str(make_environment(tmp_path / "environment")))
    monkeypatch.setenv("PLAYED_VLLM_LOG", str(log))
    params = settings({"base": {"folder": data / "base_model"}}, tasks=["gsm8k", "sat"], backend="vllm")
    metrics = evaluate(params, inputs_of(data), tmp_path / "out")
    (start,) = read_lines(log)
    assert not psutil.pid_exists(start["engine"])
    options = start["options"]
    assert (options["model"], options["dtype"], options["max_model_len"]) == (str(data / "base_model"), "float32", 256)
    asked = read_lines(tmp_path / "vllm.log.requests")
    # A prompt that is too long for the model loses its beginning, as with transformers; likelihoods are of whole ones.
    assert {body.get("truncate_prompt_tokens") for body in asked} == {252, None}
    assert all(body.get("echo") for body in asked if "truncate_prompt_tokens" not in body)
    # The losses are measured here, before vLLM takes the GPU's memory.
    assert metrics["base"]["held_out_loss_one"] > 0 and metrics["base"]["gsm8k"] == 0.0


@pytest.mark.parametrize("listing", ["openai", "llama.cpp"])
@pytest.mark.parametrize("right", [True, False])
def test_a_server_that_cannot_echo_is_asked_for_the_likeliest_next_tokens(
    data: Path, right: bool, listing: str
) -> None:
    with play_completions(answers_of(data), right) as server:
        server.echoes, server.listing = False, listing
        params = settings({"served": served(server, next_tokens=100)}, tasks=["sat", "mmlu_math"])
        samples = Evaluator(params, "served", dict.fromkeys(TASKS, data / "benchmarks")).answer_all()
    assert {task: summarize(task, found)[task] for task, found in samples.items()} == {
        "sat": float(right), "mmlu_math": float(right),
    }  # fmt: skip
    # One request for each question, not one for each option; letters that are not listed are as likely as the last one.
    assert len(server.bodies) == 8 and {body["logprobs"] for body in server.bodies} == {100}
    assert sorted(samples["sat"][0]["log_likelihoods"]) == [-3.5, -3.5, -3.5, -0.2]


def test_a_server_that_lists_no_next_tokens_ends_the_stage_in_one_line(data: Path) -> None:
    class Silent(PlayedServer):
        def list_next(self, prompt: str) -> dict[str, Any]:
            return {"text": " x", "logprobs": {"content": []}}

    with (
        play_completions(answers_of(data), True, Silent) as server,
        pytest.raises(PipelineError, match=r"^evaluate.models.served: http.* no log-likelihoods of the next token"),
    ):
        params = settings({"served": served(server, next_tokens=5)}, tasks=["sat"])
        Evaluator(params, "served", {"sat": data / "benchmarks"}).answer_all()


# --- several models


def lines_for(model: str) -> str:
    """Return the lines that docs/evaluation.md gives for a third model, less `evaluate:`."""
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    found = re.search(rf"```yaml\nevaluate:\n(  models:\n    {model}:\n.*\n)```", page)
    assert found
    return found[1]


def put_in_profile(project: Path, lines: str) -> None:
    """Add lines to the section evaluate of the profile, and make the run small."""
    profile = project / "profiles" / "sample.yaml"
    text = profile.read_text().replace("\nevaluate:\n", f"\nevaluate:\n{lines}")
    small = {"limit: 10": "limit: 2", "max_new_tokens: 48": "max_new_tokens: 4"}
    small |= {"tasks: [gsm8k, math, sat, ocw_courses, mmlu_math]": "tasks: [gsm8k, sat]"}
    for before, after in small.items():
        assert before in text
        text = text.replace(before, after)
    profile.write_text(text)
    params = yaml.safe_load((project / "params.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump(params | {"components": {"one": {}, "two": {}}}))


@pytest.mark.parametrize("third", ["mine", "served"])
def test_a_third_model_is_compared_after_four_lines_in_a_profile(project: Path, data: Path, third: str) -> None:
    for kind in ("data", "models"):
        (project / kind).mkdir()
    for name, place in {
        "data/fetch_benchmarks": "benchmarks", "data/decontaminate": "decontaminate", "data/tokenize": "tokenize",
        "models/tokenizer": "tokenizer", "models/base_model": "base_model", "models/pretrain": "base_model",
    }.items():  # fmt: skip
        (project / name).symlink_to(data / place)
    with play_completions(answers_of(data)) as server:
        lines = lines_for(third).replace("http://127.0.0.1:8000/v1", server.url)
        assert lines.count("\n") == 3  # and `evaluate:`
        put_in_profile(project, lines.replace("/models/my-model", str(data / "base_model")))
        inputs = ["data/fetch_benchmarks", "data/decontaminate", "data/tokenize", "models/tokenizer"]
        said = run_module("stages.evaluate", *inputs, "data/evaluate", "--metrics", "metrics/evaluate", folder=project)
    assert said.returncode == 0, said.stderr
    with open(project / "data/evaluate/scores.csv", newline="") as file:
        scores = {(row["model"], row["task"]): row["score"] for row in csv.DictReader(file)}
    models, tasks = ["base", "pretrained", third], ["gsm8k", "sat", "gsm8k_program"]
    assert list(scores) == [(model, task) for model in models for task in tasks]
    if third == "served":  # it knows the answers
        assert [scores["served", task] for task in tasks] == ["1.0"] * 3
    with open(project / "data/evaluate/differences.csv", newline="") as file:
        pairs = {(row["model"], row["than"]) for row in csv.DictReader(file)}
    assert pairs == {("pretrained", "base"), (third, "base"), (third, "pretrained")}
    assert {path.stem for path in (project / "metrics/evaluate").iterdir()} == {*models, "differences"}


def test_a_model_on_the_hub_is_named_in_four_lines(project: Path) -> None:
    put_in_profile(project, lines_for("mathcoder2"))
    assert list(load("evaluate", EvaluateParams).models) == ["base", "pretrained", "mathcoder2"]


def test_models_of_every_kind_are_in_one_table(data: Path, tmp_path: Path) -> None:
    with play_completions(answers_of(data)) as server:
        models = {"base": {"folder": data / "base_model"}, "served": served(server)}
        params = settings(models, tasks=["gsm8k", "sat"], program_aided=False)
        metrics = evaluate(params, inputs_of(data), tmp_path / "out")
    assert list(metrics) == ["base", "served", "differences"]
    assert metrics["served"]["gsm8k"] == 1.0 and "held_out_loss_one" not in metrics["served"]
    assert metrics["differences"]["served_over_base_gsm8k"] == 1.0 - metrics["base"]["gsm8k"]
    with open(tmp_path / "out" / "scores.csv", newline="") as file:
        rows = [(row["model"], row["task"]) for row in csv.DictReader(file)]
    assert rows == [(model, task) for model in models for task in ("gsm8k", "sat")]
    assert (tmp_path / "out" / "differences.csv").read_text().startswith("task,model,than,difference,stderr,low,high,")
    assert len((tmp_path / "out" / "served" / "sat.jsonl").read_text().splitlines()) == 4


def test_a_model_with_another_tokenizer_is_measured_in_bits_per_byte(data: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(data / "tokenizer")
    vocabulary = Vocabulary(len(tokenizer), 0, 1, 2)
    tokens = [0, *tokenizer("The sum of two even numbers is even.")["input_ids"], 1]
    with ShardWriter(tmp_path / "text" / "web" / "held_out" / "part-00000.parquet", token_schema(vocabulary)) as shard:
        shard.write_rows([{"id": "w/0", "source": "w", "tokens": tokens}])
    (tmp_path / "text" / "web" / "vocabulary.json").write_text("{}")
    tokenizer.add_tokens(["the "])
    tokenizer.save_pretrained(tmp_path / "other")
    inputs = inputs_of(data)._replace(tokenized=tmp_path / "text")
    params = settings({"base": {"folder": data / "base_model"}}, tasks=[])
    own = evaluate(params, inputs, tmp_path / "out")["base"]
    other = evaluate(params, inputs._replace(tokenizer=tmp_path / "other"), tmp_path / "out")["base"]
    # 36 characters and the end of the text, each a token of a model without training: 259 are about equally likely.
    assert own["held_out_bits_per_byte_web"] == pytest.approx(37 / 36 * math.log2(259), rel=0.1)
    assert other["held_out_bits_per_byte_web"] == own["held_out_bits_per_byte_web"]
    assert "held_out_loss_web" in own and "held_out_loss_web" not in other


@pytest.mark.parametrize("name", ["a/b", "", "differences", "a-b"])
def test_a_models_name_can_name_a_file(name: str) -> None:
    with pytest.raises(ParamsError, match="names files"):
        parse_section("evaluate", {"models": {name: {"folder": "x"}}, "tasks": [], "seed": 0}, EvaluateParams)


# --- numbers


def test_an_interval_is_wilsons() -> None:
    # 0 of 10 and 8 of 10 at 95%: Brown, Cai and DasGupta 2001, doi:10.1214/ss/1009213286, give the formula.
    assert score([0.0] * 10)[:4] == (0.0, 0.0, 0.0, 0.2775)
    assert score([1.0] * 8 + [0.0] * 2)[2:4] == (0.4902, 0.9433)


def test_a_paired_difference_knows_that_the_questions_are_the_same() -> None:
    first, second = [1.0, 0.0] * 50, [1.0, 0.0] * 40 + [1.0, 1.0] * 10
    paired = compare(list(zip(second, first, strict=True)), seed=0)
    assert paired["difference"] == 0.1 and paired["questions"] == 100
    # The standard error of a mean of 100 values of which 10 are 1: sqrt(0.1 * 0.9 / 100).
    assert paired["stderr"] == pytest.approx(0.03, abs=0.002)
    assert 0.03 <= paired["low"] <= 0.06 and 0.14 <= paired["high"] <= 0.17
    assert paired == compare(list(zip(second, first, strict=True)), seed=0)


def test_each_model_is_compared_with_those_before_it_on_the_questions_of_both() -> None:
    def samples(*right: int) -> list[dict[str, Any]]:
        return [{"id": f"q/{i}", "right": float(value)} for i, value in enumerate(right)]

    answered = {"a": {"sat": samples(0, 0)}, "b": {"sat": samples(1, 0, 1)}, "c": {"sat": samples(1, 1), "math": []}}
    rows = tabulate_differences(answered, seed=0)
    assert [(row["model"], row["than"], row["difference"], row["questions"]) for row in rows] == [
        ("b", "a", 0.5, 2), ("c", "a", 1.0, 2), ("c", "b", 0.5, 2),
    ]  # fmt: skip


# --- leaked questions


def test_scores_are_also_without_the_questions_that_were_found_in_the_data(tmp_path: Path) -> None:
    matches = [{"benchmark": "gsm8k", "question_id": "q/1"}, {"benchmark": "math", "question_id": "q/0"}]
    schema = pa.schema([pa.field("id", pa.string()), pa.field("matches", pa.string())])
    shard = tmp_path / "contaminated" / "documents" / "web" / "part-00000.parquet"
    with ShardWriter(shard, schema) as writer:
        writer.write_rows([{"id": "d", "matches": json.dumps(matches)}])
    leaked = read_leaked(tmp_path)
    assert leaked == {("gsm8k", "q/1"), ("math", "q/0")}
    samples = [
        {"id": "q/0", "right": 0.0, "ran": 1.0, "failure": ""},
        {"id": "q/1", "right": 1.0, "ran": 1.0, "failure": ""},
    ]
    for task in ("gsm8k", "gsm8k_program", "gsm8k_program_majority"):
        found = summarize(task, samples, leaked)
        assert (found[task], found[f"{task}_clean"], found[f"{task}_clean_questions"]) == (0.5, 0.0, 1)
    everything = summarize("gsm8k", samples[1:], leaked)
    assert everything["gsm8k_clean_questions"] == 0 and "gsm8k_clean" not in everything


# --- computations of held-out pages


def write_snippets(data: Path, folder: Path) -> None:
    """Write computations of a held-out page (0), one of them without the page's result, and of another page (9)."""
    code = "terms = [1, 2, 3]\ntotal = sum(terms)\nprint(total)\n"
    rows = [("0", 0, "6", "6\n"), ("0", 1, "7", "6\n"), ("9", 0, "6", "6\n")]
    blank = {field.name: 0 if pa.types.is_integer(field.type) else "" for field in VERIFIED}
    with ShardWriter(folder / "snippets" / "one" / "part-00000.parquet", VERIFIED) as shard:
        shard.write_rows(
            [blank | {"document_id": page, "position": place, "conditions": f"Added up ({page}, {place}).",
                      "result": result, "code": code, "stdout": stdout, "verdict": "verified"}
             for page, place, result, stdout in rows]
        )  # fmt: skip


def test_a_model_completes_the_programs_of_held_out_pages(data: Path, tmp_path: Path) -> None:
    write_snippets(data, tmp_path / "decontaminate")
    inputs = inputs_of(data)._replace(decontaminated=tmp_path / "decontaminate")

    class Completing(PlayedServer):
        def complete(self, body: dict[str, Any]) -> dict[str, Any]:
            assert body["prompt"] == "Added up (0, 0).\n\n```python\nterms = [1, 2, 3]\n"
            return {"text": f"print(sum(terms) + {0 if self.right else 1})\n```\nmore"}

    for right in (True, False):
        with play_completions({}, right, Completing) as server:
            params = settings({"served": served(server, revision=str(right))}, tasks=["computations"])
            metrics = evaluate(params, inputs, tmp_path / "out")["served"]
        assert (metrics["computations"], metrics["computations_n"]) == (float(right), 1)
    assert [row["id"] for row in read_rows(tmp_path / "out" / "questions" / "computations")] == ["0#0"]
