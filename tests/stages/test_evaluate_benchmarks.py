"""The five tasks on the real benchmarks, if they are beside the repository: with oracles and with a real model."""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from conftest import HAS_REAL_DATA, NO_REAL_DATA, REAL_DATA, ROOT
from small_training import make_data
from test_evaluate import Oracle, evaluator_of, settings

from stages.evaluate.scores import summarize
from stages.evaluate.stage import EvaluateParams, Inputs, evaluate
from stages.evaluate.tasks.questions import answerable_questions
from stages.fetch_benchmarks.stage import FetchBenchmarksParams, fetch_benchmarks

pytestmark = pytest.mark.skipif(not HAS_REAL_DATA, reason=NO_REAL_DATA)

# A folder with a real base model, such as models/base_model after `dvc repro base_model` with profile smollm2.
MODEL = os.environ.get("MATHCODE_TEST_MODEL")
FILES = {
    "gsm8k": REAL_DATA / "benchmarks" / "gsm8k.jsonl",
    "math": REAL_DATA / "documents" / "math_worked_solutions.jsonl",
    "sat": REAL_DATA / "benchmarks" / "sat_math.jsonl",
    "ocw_courses": REAL_DATA / "benchmarks" / "ocw_courses.jsonl",
    # The rows of the real file have neither options nor answers, so the sample's own questions are used.
    "mmlu_math": ROOT / "sample" / "benchmarks" / "mmlu_math.jsonl",
}
TASKS = list(FILES)

# Ways to write an answer, most of them different from the benchmark's own. The answer replaces ANSWER.
REPLIES = (
    r"So it is $\boxed{ANSWER}$.",
    r"So it is \fbox{ANSWER}, as was to be shown.",
    r"\boxed{\displaystyle ANSWER}",
    r"\boxed{\,ANSWER\,}",
    r"\boxed{$ANSWER$}",
    "The final answer is $ANSWER$.",
    "Final answer: the answer is $ANSWER$. I hope it is correct.",
    r"Therefore the answer is \(ANSWER\).",
    "#### ANSWER",
)
# Different ways to write the same LaTeX.
REWRITINGS = ((r"\frac", r"\dfrac"), (r"\frac", r"\tfrac"), ("(", r"\left("), (" ", ""))


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fetch the benchmarks as the stage does."""
    folder = tmp_path_factory.mktemp("benchmarks")
    columns = {"math": {"question": "problem"}}
    origins = {
        name: {"origins": [{"kind": "local", "path": str(path), "format": "jsonl", "license": "MIT",
                            "columns": columns.get(name, {})}]}
        for name, path in FILES.items()
    }  # fmt: skip
    fetch_benchmarks(FetchBenchmarksParams.model_validate({"benchmarks": origins}), folder)
    return folder


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))


class Writing(Oracle):
    """Answers rightly, or wrongly, in a given way."""

    def __init__(self, template: str, rewriting: tuple[str, str] = ("", ""), right: bool = True) -> None:
        super().__init__(right=right)
        self.template, self.rewriting = template, rewriting

    def reply(self, doc: dict[str, Any], prompt: str) -> str:
        old, new = self.rewriting
        answer = doc["answer"].replace(old, new) if old else doc["answer"]
        if old == "(":
            answer = (
                answer.replace(")", r"\right)").replace(r"\left\left", r"\left").replace(r"\right\right", r"\right")
            )
        if old == " ":  # a space that ends a command's name must stay
            answer = re.sub(r"(?<![A-Za-z]) +| +(?![A-Za-z])", "", doc["answer"])
        # No benchmark has this answer. A large answer plus one would equal it in the digits that it states.
        if doc["options"]:
            return super().reply(doc, prompt)
        return self.template.replace("ANSWER", answer if self.right else r"-\frac{7919}{7907}")


def score(
    oracle: Oracle, benchmarks: Path, model: Path, task: str, limit: int | None = None, protocol: str = "ours"
) -> dict[str, Any]:
    evaluator = evaluator_of(settings(model, limit=limit, protocol=protocol), benchmarks, oracle)
    # Its own folder: the key of a stored result does not contain the oracle.
    evaluator.home = Path(tempfile.mkdtemp(dir=evaluator.home))
    samples = evaluator.answer(task)
    for sample in samples:
        if not sample["right"] and oracle.right:
            print(task, sample["id"], repr(sample["answer"]), repr(sample.get("reply")))
    return summarize(task, samples)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("model")
    make_data(root)
    return root / "base_model"


@pytest.mark.parametrize("protocol", ["ours", "paper"])
@pytest.mark.parametrize("task", TASKS)
def test_every_answer_of_the_benchmark_is_right_and_another_one_wrong(
    benchmarks: Path, model: Path, task: str, protocol: str
):
    found = score(Writing(REPLIES[0]), benchmarks, model, task, protocol=protocol)
    assert (found[task], found[f"{task}_n"]) == (1.0, len(answerable_questions(task, benchmarks)))
    wrong = score(Writing(REPLIES[0], right=False), benchmarks, model, task, 200, protocol)
    assert wrong[task] <= 0.5 * (protocol == "paper" and task == "sat")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["gsm8k", "math", "ocw_courses"])
def test_an_answer_in_another_notation_is_right_as_well(benchmarks: Path, model: Path, task: str):
    ways = [(reply, ("", "")) for reply in REPLIES[1:]] + [(REPLIES[0], change) for change in REWRITINGS]
    scores = [score(Writing(*way), benchmarks, model, task, 250)[task] for way in ways]
    print(task, scores)
    assert len(scores) >= 10
    assert min(scores) >= 0.99


@pytest.mark.slow
@pytest.mark.skipif(MODEL is None, reason="MATHCODE_TEST_MODEL names no folder with a model")
def test_all_tasks_run_with_a_real_model(benchmarks: Path, tmp_path: Path):
    values = {"models": {"base": {"folder": Path(str(MODEL)).resolve()}}, "tasks": TASKS, "limit": 2, "seed": 0}
    values |= {"max_new_tokens": 64, "precision": "fp32", "batch_size": 4, "sequence_length": 2048}
    for name in ("tokenize", "decontaminate"):
        (tmp_path / name).mkdir()
    inputs = Inputs(benchmarks, tmp_path / "decontaminate", tmp_path / "tokenize", Path(str(MODEL)).resolve())
    metrics = evaluate(EvaluateParams.model_validate(values), inputs, tmp_path / "out")["base"]
    print(json.dumps(metrics, indent=1))
    assert all(metrics[f"{task}_n"] == 2 for task in [*TASKS, "gsm8k_program", "math_program"])
    assert 1 < metrics["held_out_loss_other_text"] < 5
    for task in TASKS:
        assert len((tmp_path / "out" / "base" / f"{task}.jsonl").read_text(encoding="utf-8").splitlines()) == 2
