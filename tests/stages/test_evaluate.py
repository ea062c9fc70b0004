"""Evaluation: an oracle scores 100%, also in other notations, its opposite 0; the same model gives the same files."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.model import LM
from small_training import make_evaluation_inputs, write_questions

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.options import strip_letters
from mathcode_pile.core.scratch import hash_folder
from stages.decontaminate.quoted_questions import Question
from stages.evaluate.evaluator import Evaluator, spread
from stages.evaluate.scores import summarize
from stages.evaluate.stage import EvaluateParams, Inputs, evaluate
from stages.evaluate.tasks.programs import extract_program, run_program
from stages.evaluate.tasks.questions import answerable_questions, find_answer, find_choice, option_text

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


def settings(model: Path, **changes: Any) -> EvaluateParams:
    values = {
        "models": {"base": {"folder": model}}, "tasks": TASKS, "few_shot": 1, "max_new_tokens": 4,
        "program_aided": False, "precision": "fp32", "batch_size": 4, "sequence_length": 512, "held_out_tokens": 0,
        "cpu_threads": 1, "seed": 0,
    }  # fmt: skip
    return EvaluateParams.model_validate(values | changes)


def evaluator_of(params: EvaluateParams, benchmarks: Path, answerer: LM) -> Evaluator:
    return Evaluator(params, "base", dict.fromkeys(params.tasks, benchmarks), answerer)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_evaluation_inputs(tmp_path_factory.mktemp("evaluation"))


def inputs_of(data: Path) -> Inputs:
    return Inputs(data / "benchmarks", data / "decontaminate", data / "tokenize", data / "tokenizer")


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
        if doc["options"]:
            return f"Therefore. Final Answer: The final answer is ({answer if self.right else 'A'}). I hope so."
        if self.notation:
            answer = self.notation.format(n=int(answer), d=2 * int(answer))
        if prompt.endswith("```python\n"):
            return f"total = {answer}\nprint(total)\n"
        return f" We add, and find it. The answer is {answer}."

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise NotImplementedError


def score(oracle: LM, data: Path, task: str, **changes: Any) -> float:
    evaluator = evaluator_of(settings(data / "base_model", **changes), data / "benchmarks", oracle)
    shutil.rmtree(evaluator.home)
    evaluator.home.mkdir()
    return float(summarize(task, evaluator.answer(task))[task])


@pytest.mark.parametrize("protocol", ["ours", "paper"])
@pytest.mark.parametrize("task", TASKS)
def test_an_oracle_scores_everything_and_its_opposite_nothing(data: Path, task: str, protocol: str):
    assert score(Oracle(right=True), data, task, protocol=protocol) == 1.0
    assert score(Oracle(right=False), data, task, protocol=protocol) == 0.0


def test_each_protocol_asks_in_its_own_form(data: Path):
    prompts = {}
    for protocol in ("ours", "paper"):
        changes = {"protocol": protocol, "few_shot": None, "max_new_tokens": None}
        evaluator = evaluator_of(settings(data / "base_model", **changes), data / "benchmarks", Oracle(right=True))
        prompts[protocol] = {task: evaluator.answer(task)[0]["prompt"] for task in ("gsm8k", "math", "ocw_courses")}
        if protocol == "paper":
            prompts["paper"]["sat"] = evaluator.answer("sat")[0]["prompt"]
    for protocol, mark in (("ours", "Question: "), ("paper", "Problem:\n")):
        assert prompts[protocol]["gsm8k"].count(mark) == 5  # four worked examples and the question
    assert prompts["paper"]["gsm8k"].startswith("You are supposed to provide a solution to a given problem.\n\n")
    assert prompts["paper"]["sat"].count("What of the following is the right choice? Explain your answer.\n(A) ") == 5
    assert prompts["paper"]["sat"].count("Final Answer: The final answer is (") == 4
    assert prompts["paper"]["ocw_courses"].count("I hope it is correct.") == 4


def test_the_papers_mmlu_has_no_examples_and_ours_has(data: Path):
    asked: dict[str, str] = {}

    class Listening(Oracle):
        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            asked[protocol] = requests[0].args[0]
            return super().loglikelihood(requests)

    for protocol in ("ours", "paper"):
        score(Listening(right=True), data, "mmlu_math", protocol=protocol, few_shot=None)
    assert asked["ours"].count("Answer:") == 5
    assert asked["paper"].startswith(
        "The following are multiple choice questions (with answers) about mathematics.\n\n"
    )
    assert asked["paper"].count("Answer:") == 1


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

    params = settings(data / "base_model", limit=2)
    samples = evaluator_of(params, data / "benchmarks", Failing(right=True)).answer("gsm8k_program")
    metrics = summarize("gsm8k_program", samples)
    assert (metrics["gsm8k_program"], metrics["gsm8k_program_ran"]) == (0.0, 0.0)
    assert metrics["gsm8k_program_failures"] == "ValueError 2"


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ("print(1)", ""), ("", "no_program"), ("x = 1", "no_output"), ("print(", "does_not_compile"),
        ("print(1 / 0)", "ZeroDivisionError"), ("import requests", "missing_module"),
    ],
)  # fmt: skip
def test_a_program_fails_in_a_named_way(reply: str, failure: str):
    assert run_program(reply).failure == failure


@pytest.mark.parametrize(("right", "expected"), [(True, 1.0), (False, 0.0)])
def test_of_the_programs_that_are_drawn_the_most_frequent_output_counts(data: Path, right: bool, expected: float):
    class Drawing(Oracle):
        """Answers gsm8k in words, then with one program and then with three drawn ones; two of these agree."""

        calls = 0

        def generate_until(self, requests: list[Any]) -> list[str]:
            Drawing.calls += 1
            return super().generate_until(requests)

        def reply(self, doc: dict[str, Any], prompt: str) -> str:
            if Drawing.calls == 2:
                return "raise ValueError"
            is_odd_one = Drawing.calls == 4
            return f"print('{doc['answer'] if self.right != is_odd_one else 'no'}')"

    params = settings(data / "base_model", tasks=["gsm8k"], limit=2, program_aided=True, program_samples=3)
    samples = evaluator_of(params, data / "benchmarks", Drawing(right=right)).answer_all()
    assert summarize("gsm8k_program", samples["gsm8k_program"])["gsm8k_program_failures"] == "ValueError 2"
    assert len(samples["gsm8k_program_majority"][0]["replies"]) == 3
    assert summarize("gsm8k_program_majority", samples["gsm8k_program_majority"])["gsm8k_program_majority"] == expected


# --- the whole stage, with a model


def test_a_model_gives_the_same_files_and_numbers_twice(data: Path, tmp_path: Path):
    results = []
    for name in ("one", "two"):
        shutil.rmtree(tmp_path / "scratch", ignore_errors=True)
        results.append(evaluate(settings(data / "base_model", limit=3), inputs_of(data), tmp_path / name))
    assert results[0] == results[1]
    assert hash_folder(tmp_path / "one") == hash_folder(tmp_path / "two")
    losses = {f"held_out_{what}_{name}" for what in ("loss", "bits_per_byte") for name in ("one", "two", "other_text")}
    assert {f"{t}_n" for t in TASKS} | losses <= results[0]["base"].keys()
    text = "".join(p.read_text() for p in (tmp_path / "one").rglob("*") if p.is_file())
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

    params = settings(data / "base_model", questions_at_once=4)
    for _ in range(2):
        evaluator = evaluator_of(params, data / "benchmarks", Dying(right=True))
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
    evaluator = evaluator_of(settings(data / "base_model", tasks=["gsm8k", "sat"]), tmp_path, Oracle(right=True))
    assert evaluator.scorable_tasks() == ["gsm8k"]
    assert "no question has an answer" in capsys.readouterr().err
    assert len(evaluator.answer("gsm8k")) == 1


def test_a_missing_benchmark_is_named(data: Path, tmp_path: Path):
    with pytest.raises(InputError, match="gsm8k"):
        evaluator_of(settings(data / "base_model"), tmp_path, Oracle(right=True)).scorable_tasks()


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


def test_the_letter_is_found_in_a_reply():
    assert find_choice("So it is 4. Final Answer: The final answer is (C). I hope it is correct.") == "C"
    assert find_choice("the final answer is b") == "B"
    assert find_choice("The answer is 4.") == find_choice("") == ""


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
