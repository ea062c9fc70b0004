"""Evaluation: an oracle scores 100%, also in other notations, its opposite 0; the same model gives the same files."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM
from small_training import make_benchmarks, make_data, write_questions

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import strip_letters
from mathcode_pile.core.scratch import hash_folder
from stages.decontaminate.quoted_questions import Question
from stages.evaluate.stage import EvaluateParams, Evaluator, evaluate, spread, summarize
from stages.evaluate.tasks.programs import extract_program
from stages.evaluate.tasks.questions import answerable_questions, find_answer, option_text

TASKS = ["gsm8k", "math", "sat", "ocw_courses", "mmlu_math"]
LETTERS = "ABCD"

# Ways to write a whole number other than by its digits alone.
NOTATIONS = (
    "{n}.0",
    "${n}$",
    r"\({n}\)",
    "{n:,}",
    r"\frac{{{d}}}{{2}}",
    r"\text{{{n}}}",
    "{n}.00",
    "{d}/2",
    "+{n}",
    "\\${n}",
)


def settings(**changes: Any) -> EvaluateParams:
    values = {
        "tasks": TASKS, "few_shot": 1, "max_new_tokens": 4, "program_aided": False, "precision": "fp32",
        "batch_size": 4, "sequence_length": 512, "held_out_tokens": 0, "cpu_threads": 1, "seed": 0,
    }  # fmt: skip
    return EvaluateParams(**values | changes)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluation")
    make_data(root)
    make_benchmarks(root / "benchmarks")
    return root


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))


class Oracle(LM):
    """A model that knows the answers: it writes each in a given notation, or writes a wrong one."""

    def __init__(self, right: bool, notation: str = "") -> None:
        super().__init__()
        self.right, self.notation = right, notation

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        chosen = []
        for request in requests:
            is_answer = request.args[1].strip() == request.doc["answer"]
            chosen.append((0.0 if is_answer == self.right else -9.0, is_answer == self.right))
        return chosen

    def generate_until(self, requests: list[Any]) -> list[str]:
        return [self.reply(request.doc, request.args[0]) for request in requests]

    def reply(self, doc: dict[str, Any], prompt: str) -> str:
        answer = doc["answer"] if self.right else doc["answer"] + "1"
        if self.notation:
            answer = self.notation.format(n=int(answer), d=2 * int(answer))
        if prompt.endswith("```python\n"):
            return f"total = {answer}\nprint(total)\n"
        return f" We add, and find it. The answer is {answer}."

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise NotImplementedError


def score(oracle: LM, data: Path, task: str, **changes: Any) -> float:
    evaluator = Evaluator(settings(**changes), data / "base_model", data / "benchmarks", oracle)
    shutil.rmtree(evaluator.home)
    evaluator.home.mkdir()
    return summarize(task, evaluator.answer(task))[task]


@pytest.mark.parametrize("task", TASKS)
def test_an_oracle_scores_everything_and_its_opposite_nothing(data: Path, task: str):
    assert score(Oracle(right=True), data, task) == 1.0
    assert score(Oracle(right=False), data, task) == 0.0


@pytest.mark.parametrize("notation", NOTATIONS)
def test_an_oracle_with_another_notation_scores_everything(data: Path, notation: str):
    for task in ("gsm8k", "math", "ocw_courses"):
        assert score(Oracle(right=True, notation=notation), data, task) == 1.0
    assert score(Oracle(right=False, notation=notation), data, "math") == 0.0


@pytest.mark.parametrize("task", ["gsm8k_program", "math_program"])
def test_a_program_which_prints_the_answer_is_right(data: Path, task: str):
    assert score(Oracle(right=True), data, task, limit=3) == 1.0
    assert score(Oracle(right=False), data, task, limit=3) == 0.0


def test_a_program_that_fails_is_wrong_and_counted_as_not_run(data: Path):
    class Failing(Oracle):
        def reply(self, doc: dict[str, Any], prompt: str) -> str:
            return f"print({doc['answer']})\nraise ValueError"

    evaluator = Evaluator(settings(limit=2), data / "base_model", data / "benchmarks", Failing(right=True))
    metrics = summarize("gsm8k_program", evaluator.answer("gsm8k_program"))
    assert (metrics["gsm8k_program"], metrics["gsm8k_program_ran"]) == (0.0, 0.0)


# --- the whole stage, with a model


def test_a_model_gives_the_same_files_and_numbers_twice(data: Path, tmp_path: Path):
    results = []
    for name in ("one", "two"):
        shutil.rmtree(tmp_path / "scratch", ignore_errors=True)
        arguments = (data / "base_model", data / "benchmarks", data / "tokenize", tmp_path / name)
        results.append(evaluate(settings(limit=3), *arguments))
    assert results[0] == results[1]
    assert hash_folder(tmp_path / "one") == hash_folder(tmp_path / "two")
    assert {f"{t}_n" for t in TASKS} | {
        "held_out_loss_one",
        "held_out_loss_two",
        "held_out_loss_other_text",
    } <= results[0].keys()
    text = "".join(p.read_text() for p in (tmp_path / "one").iterdir())
    assert str(tmp_path) not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_what_was_answered_before_a_crash_is_not_asked_again(data: Path):
    class Dying(Oracle):
        asked = 0

        def reply(self, doc: dict[str, Any], prompt: str) -> str:
            Dying.asked += 1
            if Dying.asked == 7:
                raise KeyboardInterrupt
            return super().reply(doc, prompt)

    params = settings(questions_at_once=4)
    for _ in range(2):
        evaluator = Evaluator(params, data / "base_model", data / "benchmarks", Dying(right=True))
        try:
            samples = evaluator.answer("gsm8k")
        except KeyboardInterrupt:
            continue
    assert len(samples) == 12
    assert Dying.asked == 7 + 8


def test_a_question_without_an_answer_is_not_scored_and_a_benchmark_without_any_is_left_out(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_questions(tmp_path, "gsm8k", [{"question": "2 + 2?", "answer": "4"}, {"question": "Why?", "answer": ""}])
    write_questions(tmp_path, "sat", [{"question": "Which?", "options": ["1", "2"], "answer": ""}])
    evaluator = Evaluator(settings(tasks=["gsm8k", "sat"]), data / "base_model", tmp_path, Oracle(right=True))
    assert evaluator.task_names() == ["gsm8k"]
    assert "no question has an answer" in capsys.readouterr().err
    assert len(evaluator.answer("gsm8k")) == 1


def test_a_missing_benchmark_is_named(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match="gsm8k"):
        Evaluator(settings(), data / "base_model", tmp_path, Oracle(right=True)).task_names()


# --- parts


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"First \boxed{3}, then \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"So the set is \boxed{\{1, 2\}}.", r"\{1, 2\}"),
        (r"Hence \fbox{$12$} apples.", "$12$"),
        ("The answer is 12. No: the answer is 12.5. Done.", "12.5"),
        ("work\n#### 1,200", "1,200"),
        ("The final answer is: $x = 3.5$. Checked.", "$x = 3.5$"),
        ("Final Answer: the final answer is $x^2$. I hope so.", "$x^2$"),
        ("That makes 3 * 4 = 12 pens", "12"),
        ("It costs $1,250.50 in all", "$1,250.50"),
        ("no idea", ""),
        ("", ""),
    ],
)
def test_the_answer_is_found_in_a_reply(reply: str, answer: str):
    assert find_answer(reply) == answer


@pytest.mark.parametrize(
    "reply", ["print(1)\n", "print(1)\n```\nThat is it.", "Here it is:\n```python\nprint(1)\n```\n", "```py\nprint(1)"]
)
def test_the_program_is_found_in_a_reply(reply: str):
    assert extract_program(reply) == "print(1)"


def test_options_get_letters_once():
    assert option_text({"options": ["A) 1", "2"]}) == "A. 1\nB. 2"


def test_an_option_loses_its_own_letter_and_no_other():
    assert strip_letters(["A) 1", "(b) 2", "c.3", "D: 4"]) == ["1", "2", "3", "4"]
    said = ["f: x -> 2x", "A. Euler", "2", "D:E = 1:2"]
    assert strip_letters(said) == said
    assert option_text({"options": said}).splitlines()[1] == "B. A. Euler"
    asked = Question("q/0", "q", "Which?", tuple(said), "").asked()
    assert asked.splitlines() == ["Which?", "(A) f: x -> 2x", "(B) A. Euler", "(C) 2", "(D) D:E = 1:2"]


def test_a_limit_is_spread_over_the_questions():
    assert spread(10, 4) == [0, 2, 5, 7]
    assert spread(3, 10) == [0, 1, 2]


def test_without_an_answer_the_one_in_the_solutions_box_counts(tmp_path: Path):
    write_questions(tmp_path, "math", [{"question": "2 + 2?", "answer": "", "solution": r"It is $\boxed{4}$."}])
    assert [row["answer"] for row in answerable_questions("math", tmp_path)] == ["4"]
