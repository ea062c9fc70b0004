"""Score a model with lm-eval on our own task files, and measure its loss on held-out text.

The questions of a task are answered in parts of a fixed size. A finished part stays in the scratch folder, so an
interrupted evaluation answers only the missing parts. Metrics and samples contain no dates, paths or times: the same
model gives the same files.
"""

import gc
import json
import logging
import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import Section
from mathcode_pile.core.scratch import atomic_folder, hash_code, hash_folder, hash_values, locked, scratch_folder
from mathcode_pile.models.held_out import Loss, held_out_losses, mean_loss
from mathcode_pile.models.language_model import attach_loss, detach_loss, fix_threads, load_model, load_tokenizer
from mathcode_pile.tokens.packed import list_components
from stages.evaluate.tasks.questions import answerable_questions, find_answer

TASKS = Path(__file__).parent / "tasks"
# Tasks whose questions a program can answer as well, and the task with the programs.
PROGRAM_AIDED = {"gsm8k": "gsm8k_program", "math": "math_program"}


class EvaluateParams(Section):
    """Which tasks, how many questions, and with what arithmetic."""

    tasks: list[Literal["gsm8k", "math", "sat", "ocw_courses", "mmlu_math"]]
    limit: int | None = Field(default=None, gt=0)
    """Questions of each task, spread evenly over it; null: all."""
    few_shot: int | None = Field(default=None, ge=0, le=4)
    """Worked examples before each question; null: as the task file says, 4."""
    max_new_tokens: int | None = Field(default=None, gt=0)
    """Of a reply; null: as the task file says."""
    program_aided: bool = True
    """Are gsm8k and math also answered by programs that run in the sandbox?"""
    backend: Literal["hf", "vllm"] = "hf"
    precision: Literal["fp32", "bf16"] = "bf16"
    batch_size: int = Field(default=16, gt=0)
    questions_at_once: int = Field(default=256, gt=0)
    """Questions of a part; after a crash, only unfinished parts are answered again."""
    held_out_tokens: int = Field(default=1_000_000, ge=0)
    """Of each component; 0: all."""
    other_text: Path | None = None
    """A text file without mathematics, with lines of `---` between its passages; null: a few pages of our own."""
    sequence_length: int = Field(default=4096, gt=1)
    """The most tokens of a question with its examples, and of a row of held-out text."""
    cpu_threads: int = Field(default=2, gt=0)
    seed: int = Field(ge=0)


def evaluate(
    params: EvaluateParams,
    model: Path,
    benchmarks: Path,
    tokenized: Path,
    out: Path,
    components: Collection[str] | None = None,
) -> dict[str, Any]:
    """Write each task's samples to `out` and return the flat metrics.

    components: whose held-out loss to measure (None: all that were tokenized).
    The metrics of a task are its name (the share of right answers), `_stderr` and `_n`. Those of a component are
    `held_out_loss_` and `held_out_stderr_`, in nats a token. `other_text` is a few pages without mathematics; if the
    model forgets, their loss rises.
    Raises InputError where the model, a benchmark's folder or a component cannot be read.
    """
    fix_threads(params.cpu_threads)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    evaluator = Evaluator(params, model, benchmarks)
    out.mkdir(parents=True, exist_ok=True)
    metrics: dict[str, Any] = {}
    with locked(evaluator.home):
        # The losses come first, because vLLM takes most of the GPU's memory and keeps it.
        losses = evaluator.held_out(tokenized, components)
        other = evaluator.other_text()
        losses |= {"other_text": other} if other else {}
        for name in evaluator.task_names():
            samples = evaluator.answer(name)
            lines = [json.dumps(s, ensure_ascii=False, sort_keys=True) for s in samples]
            (out / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            metrics |= summarize(name, samples)
        metrics |= {f"held_out_loss_{name}": round(loss.mean, 4) for name, loss in losses.items()}
        metrics |= {f"held_out_stderr_{name}": round(loss.standard_error, 4) for name, loss in losses.items()}
    return metrics


def summarize(name: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a task's share of right answers, its standard error and the number of questions."""
    metrics: dict[str, Any] = {}
    for key, suffix in (("right", ""), ("ran", "_ran")):
        values = [sample[key] for sample in samples if key in sample]
        if values:
            mean, stderr = mean_and_stderr(values)
            metrics |= {f"{name}{suffix}": mean, f"{name}{suffix}_stderr": stderr}
    return metrics | {f"{name}_n": len(samples)}


def mean_and_stderr(values: list[float]) -> tuple[float, float]:
    """Return the mean and its standard error, computed as in lm-eval from the sample's standard deviation."""
    mean = sum(values) / len(values)
    squares = sum((v - mean) ** 2 for v in values)
    return round(mean, 4), round(math.sqrt(squares / max(1, len(values) - 1) / len(values)), 4)


def spread(count: int, limit: int | None) -> list[int]:
    """Return the numbers of the questions to ask: all of `count`, or `limit` of them at even distances."""
    wanted = min(count, limit or count)
    return [i * count // wanted for i in range(wanted)]


class Evaluator:
    """One model under evaluation. It is loaded only if a part is missing."""

    def __init__(self, params: EvaluateParams, model: Path, benchmarks: Path, answerer: Any = None) -> None:
        """Use the model in a folder; answerer: an lm_eval.api.model.LM that replaces it."""
        self.params, self.folder, self.benchmarks = params, model, benchmarks
        self._model: Any = None
        self._answerer = answerer
        settings = params.model_dump(mode="json", exclude={"tasks", "limit", "program_aided"})
        code = [hash_code("stages.evaluate.stage"), hash_folder_texts(TASKS)]
        self.home = scratch_folder("evaluate", hash_values(settings, hash_folder(model), code))

    def task_names(self) -> list[str]:
        """Return the tasks that can be scored, those with programs last; say which benchmarks have no answers."""
        names = []
        for task in self.params.tasks:
            if answerable_questions(task, self.benchmarks):
                names.append(task)
            else:
                say(f"evaluate: {self.benchmarks / task}: no question has an answer, so the task is left out")
        aided = [PROGRAM_AIDED[name] for name in names if name in PROGRAM_AIDED]
        return names + (aided if self.params.program_aided else [])

    def answer(self, name: str) -> list[dict[str, Any]]:
        """Return a task's samples, one a question; finished parts come from the scratch folder."""
        benchmark = name.removesuffix("_program")
        questions = answerable_questions(benchmark, self.benchmarks)
        asked = spread(len(questions), self.params.limit)
        samples: list[dict[str, Any]] = []
        for start in range(0, len(asked), self.params.questions_at_once):
            part = asked[start : start + self.params.questions_at_once]
            folder = self.home / hash_values(name, [questions[i] for i in part])
            if not (folder / "samples.json").is_file():
                with atomic_folder(folder) as partial_folder:
                    content = json.dumps(list(self._ask(name, part)), ensure_ascii=False)
                    (partial_folder / "samples.json").write_text(content, encoding="utf-8")
            samples += json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        return samples

    def _ask(self, name: str, part: list[int]) -> Iterator[dict[str, Any]]:
        from lm_eval.evaluator import evaluate as ask
        from lm_eval.tasks import TaskManager

        folder = {"folder": str(self.benchmarks)}
        task = TaskManager(include_path=TASKS, include_defaults=False, metadata=folder).load([name])["tasks"][name]
        if self.params.few_shot is not None:
            task.set_config(key="num_fewshot", value=self.params.few_shot)
        task.set_fewshot_seed(seed=self.params.seed)
        if self.params.max_new_tokens is not None and task.config.generation_kwargs:
            longest = {"max_gen_toks": self.params.max_new_tokens}
            task.set_config(key="generation_kwargs", value=longest, update=True)
        torch.manual_seed(self.params.seed)
        # lm-eval asks to confirm tasks that run code; ours run it in the sandbox.
        result = ask(
            self._load_answerer(),
            {"tasks": {name: task}},
            samples={name: part},
            bootstrap_iters=0,
            confirm_run_unsafe_code=True,
        )
        for sample in sorted(result["samples"][name], key=lambda s: s["doc_id"]):
            yield _shorten(sample)

    def _load_answerer(self) -> Any:
        if self._answerer is None:
            self._answerer = self._make_answerer()
        return self._answerer

    def _make_answerer(self) -> Any:
        params = self.params
        if params.backend == "vllm":
            from lm_eval.api.registry import get_model

            self._model = None  # vLLM needs the GPU for itself, and the losses have been measured
            gc.collect()
            torch.cuda.empty_cache()
            return get_model("vllm")(
                pretrained=str(self.folder),
                dtype="bfloat16" if params.precision == "bf16" else "float32",
                max_model_len=params.sequence_length,
                batch_size="auto",  # all requests at once: vLLM makes its own batches
                seed=params.seed,
            )
        from lm_eval.models.huggingface import HFLM

        return HFLM(
            pretrained=self._load_model(),
            tokenizer=load_tokenizer(self.folder),
            batch_size=params.batch_size,
            max_length=params.sequence_length,
        )

    def _load_model(self) -> Any:
        if self._model is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            dtype = torch.bfloat16 if self.params.precision == "bf16" else torch.float32
            self._model = load_model(self.folder, dtype=dtype).to(device).eval()
        return self._model

    def held_out(self, tokenized: Path, components: Collection[str] | None) -> dict[str, Loss]:
        """Return the loss on each component's held-out documents; known losses come from the scratch folder."""
        losses = {}
        for component in list_components(tokenized, components):
            documents = tokenized / component / "held_out"
            if not documents.is_dir():
                continue
            key = hash_values("held_out", component, hash_folder(documents))
            loss = self._keep(key, partial(self._measure_component, tokenized, component))
            if loss is not None:
                losses[component] = loss
        return losses

    def other_text(self) -> Loss | None:
        """Return the loss on the passages of a text file; a known loss comes from the scratch folder."""
        path = self.params.other_text or TASKS / "other_text.txt"
        try:
            passages = [part.strip() for part in path.read_text(encoding="utf-8").split("\n---\n")]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"evaluate.other_text: {path}: not a readable text file: {error}") from error
        return self._keep(hash_values("other_text", passages), partial(self._measure_passages, passages))

    def _keep(self, key: str, measure: Callable[[], Loss | None]) -> Loss | None:
        folder = self.home / key
        if not (folder / "loss.json").is_file():
            with atomic_folder(folder) as partial_folder:
                (partial_folder / "loss.json").write_text(json.dumps(measure()))
        found = json.loads((folder / "loss.json").read_text(encoding="utf-8"))
        return Loss(*found) if found is not None else None

    def _measure_component(self, tokenized: Path, component: str) -> Loss | None:
        length, tokens = self.params.sequence_length, self.params.held_out_tokens
        with self._giving_losses() as model:
            return held_out_losses(model, tokenized, length, tokens, 4, model.device, components=[component]).get(
                component
            )

    def _measure_passages(self, passages: list[str]) -> Loss | None:
        tokenizer = load_tokenizer(self.folder)
        documents = []
        for passage in passages:
            ids = tokenizer(passage, add_special_tokens=False)["input_ids"]
            first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
            documents.append(np.array([*first, *ids, tokenizer.eos_token_id]))
        with self._giving_losses() as model:
            return mean_loss(model, documents, self.params.sequence_length, 4, model.device)

    @contextmanager
    def _giving_losses(self) -> Iterator[Any]:
        model = self._load_model()
        attach_loss(model, 2048)
        try:
            yield model
        finally:
            detach_loss(model)


def hash_folder_texts(folder: Path) -> str:
    """Return a hash of the task files in a folder."""
    return hash_values([[p.name, p.read_text(encoding="utf-8")] for p in sorted(folder.glob("*.yaml"))])


def _shorten(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of lm-eval's sample that a person wants to read; none depends on the machine or the time."""
    doc = sample["doc"]
    kept = {"id": doc["id"], "question": doc["question"], "answer": doc["answer"]}
    if "acc" in sample:
        # lm-eval gives [log-likelihood, is greedy] for each option.
        scores = [round(float(reply[0]), 4) for reply in sample["filtered_resps"]]
        return kept | {"log_likelihoods": scores, "chosen": int(np.argmax(scores)), "right": float(sample["acc"])}
    reply = sample["filtered_resps"][0]
    kept |= {"prompt": sample["arguments"][0][0], "reply": reply, "right": sample["right"]}
    return kept | ({"ran": sample["ran"]} if "ran" in sample else {"found": find_answer(reply)})
