"""Ask one model the questions of every task through lm-eval, and measure its held-out losses.

The questions of a task are answered in parts of a fixed size. A finished part stays in the scratch folder, so an
interrupted evaluation answers only the missing parts.
"""

import gc
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mathcode_pile.core.engine import say
from mathcode_pile.core.scratch import (
    atomic_folder,
    hash_code,
    hash_file,
    hash_folder,
    hash_values,
    locked,
    scratch_folder,
)
from mathcode_pile.llm.settings import ModelParams, VllmParams
from mathcode_pile.llm.vllm_servers import VllmServers
from mathcode_pile.models.held_out import Loss
from mathcode_pile.models.language_model import MODEL_FILES, attach_loss, detach_loss, load_tokenizer, read_model
from mathcode_pile.tokens.packed import list_components
from stages.evaluate.evaluate_params import EvaluateParams, ServerParams
from stages.evaluate.losses import HeldOutLoss, measure_component, measure_text, read_text
from stages.evaluate.scores import benchmark_of
from stages.evaluate.tasks.questions import answerable_questions, find_answer, find_choice, is_right, plain

TASKS = Path(__file__).parent / "tasks"
# Tasks whose questions a program can answer as well, and the task with the programs.
PROGRAM_AIDED = {"gsm8k": "gsm8k_program", "math": "math_program"}
# The tasks that the paper's protocol asks in another way have a second task file.
PAPER = ("gsm8k", "math", "sat", "ocw_courses", "mmlu_math")
# What decides how fast a model answers, or which parts there are, but not its answers.
NOT_IN_KEY = {"models", "tasks", "limit", "program_aided", "program_samples", "questions_at_once", "tensor_parallel"}


def spread(count: int, limit: int | None) -> list[int]:
    """Return the numbers of the questions to ask: all of `count`, or `limit` of them at even distances."""
    wanted = min(count, limit or count)
    return [i * count // wanted for i in range(wanted)]


class Evaluator:
    """One model under evaluation. It is loaded only if a part is missing."""

    def __init__(self, params: EvaluateParams, name: str, benchmarks: Mapping[str, Path], answerer: Any = None) -> None:
        """Use the model `name` of params.models; answerer: an lm_eval.api.model.LM that replaces it.

        benchmarks: for each benchmark, the folder in which its own folder of questions is.
        Raises InputError or PipelineError where the model cannot be fetched.
        """
        self.params, self.name, self.benchmarks = params, name, benchmarks
        self.origin = params.models[name]
        self._model: Any = None
        self._answerer = answerer
        self._servers: VllmServers | None = None
        if self.origin.server is not None:
            identity: Any = self.origin.server.model_dump(include={"name", "revision", "next_tokens"})
        else:
            self.place, self.options = self.origin.fetch(MODEL_FILES, f"evaluate.models.{name}")
            file = self.options.get("gguf_file")
            identity = hash_file(self.place / file) if file else hash_folder(self.place)
        settings = params.model_dump(mode="json", exclude=NOT_IN_KEY)
        code = [hash_code("stages.evaluate.evaluator"), hash_folder_texts(TASKS)]
        self.home = scratch_folder("evaluate", hash_values(settings, identity, code))

    def scorable_tasks(self) -> list[str]:
        """Return the tasks that have questions, those with programs last; say which have none."""
        names = []
        for task in self.params.tasks:
            if answerable_questions(task, self.benchmarks[task]):
                names.append(task)
            else:
                say(f"evaluate: {self.benchmarks[task] / task}: no question has an answer, so the task is left out")
        aided = [PROGRAM_AIDED[name] for name in names if name in PROGRAM_AIDED]
        return names + (aided if self.params.program_aided else [])

    def answer_all(self) -> dict[str, list[dict[str, Any]]]:
        """Return the samples of every task that can be scored."""
        samples = {}
        with locked(self.home):
            for task in self.scorable_tasks():
                samples[task] = self.answer(task)
                if task in PROGRAM_AIDED.values() and self.params.program_samples:
                    drawn = [self.answer(task, draw) for draw in range(1, self.params.program_samples + 1)]
                    samples[f"{task}_majority"] = [vote(list(same)) for same in zip(*drawn, strict=True)]
        return samples

    def answer(self, task: str, draw: int = 0) -> list[dict[str, Any]]:
        """Return a task's samples, one a question; finished parts come from the scratch folder.

        draw: 0 for the likeliest reply; replies are drawn at program_temperature with another seed for each number.
        """
        benchmark = benchmark_of(task)
        questions = answerable_questions(benchmark, self.benchmarks[benchmark])
        asked = spread(len(questions), self.params.limit)
        samples: list[dict[str, Any]] = []
        for start in range(0, len(asked), self.params.questions_at_once):
            part = asked[start : start + self.params.questions_at_once]
            folder = self.home / hash_values(task, draw, [questions[i] for i in part])
            if not (folder / "samples.json").is_file():
                with atomic_folder(folder) as partial_folder:
                    content = json.dumps(list(self._ask(task, part, draw)), ensure_ascii=False)
                    (partial_folder / "samples.json").write_text(content, encoding="utf-8")
            samples += json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        return samples

    def _ask(self, name: str, part: list[int], draw: int) -> Iterator[dict[str, Any]]:
        from lm_eval.evaluator import evaluate as ask
        from lm_eval.tasks import TaskManager

        file = f"paper_{name}" if self.params.protocol == "paper" and name in PAPER else name
        folder = {"folder": str(self.benchmarks[benchmark_of(name)])}
        task = TaskManager(include_path=TASKS, include_defaults=False, metadata=folder).load([file])["tasks"][file]
        if self.params.few_shot is not None:
            task.set_config(key="num_fewshot", value=min(self.params.few_shot, task.config.num_fewshot))
        task.set_fewshot_seed(seed=self.params.seed)
        if task.config.generation_kwargs:
            settings = self._draw_settings(self.params.seed + draw) if draw else {}
            if self.params.max_new_tokens is not None:
                settings["max_gen_toks"] = min(
                    self.params.max_new_tokens, task.config.generation_kwargs["max_gen_toks"]
                )
            task.set_config(key="generation_kwargs", value=settings, update=True)
        torch.manual_seed(self.params.seed + draw)
        # lm-eval asks to confirm tasks that run code; ours run it in the sandbox.
        result = ask(
            self._load_answerer(),
            {"tasks": {file: task}},
            samples={file: part},
            bootstrap_iters=0,
            confirm_run_unsafe_code=True,
        )
        for sample in sorted(result["samples"][file], key=lambda s: s["doc_id"]):
            yield _shorten(sample)

    def _draw_settings(self, seed: int) -> dict[str, Any]:
        settings: dict[str, Any] = {"do_sample": True, "temperature": self.params.program_temperature}
        # transformers draws from torch's generator. Servers give equal prompts with equal seeds one reply.
        own_seed = self.origin.server is not None or self.params.backend == "vllm"
        return settings | ({"seed": seed} if own_seed else {})

    def _load_answerer(self) -> Any:
        if self._answerer is None:
            self._answerer = self._make_answerer()
        return self._answerer

    def _make_answerer(self) -> Any:
        params = self.params
        if self.origin.server is not None:
            from stages.evaluate.server_model import ServerModel

            return ServerModel(self.name, self.origin.server)
        if params.backend == "vllm":
            return self._serve()
        from lm_eval.models.huggingface import HFLM

        model, tokenizer = self._load_model()
        return HFLM(
            pretrained=model,
            tokenizer=tokenizer,
            batch_size=params.batch_size,
            max_length=params.sequence_length,
        )

    def _serve(self) -> Any:
        """Start a vLLM server that has the model; it ends when this evaluator is closed, or with this process."""
        from stages.evaluate.server_model import ServerModel

        self.close()  # vLLM takes most of the GPU's memory, and the losses have been measured
        place = (self.place / self.options.get("gguf_file", "")).resolve()
        params = self.params
        engine = VllmParams(
            dtype="bfloat16" if params.precision == "bf16" else "float32", tensor_parallel=params.tensor_parallel
        )
        model = ModelParams(id=str(place), revision=None, context_tokens=params.sequence_length, vllm=engine)
        self._servers = VllmServers("evaluate", model)
        (url,) = self._servers.start()
        server = ServerParams(url=url, name=model.id, revision="", concurrency=engine.concurrency)
        return ServerModel(self.name, server, params.sequence_length)

    def _load_model(self) -> tuple[Any, Any]:
        if self._model is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
            dtype = torch.bfloat16 if self.params.precision == "bf16" else torch.float32
            model, tokenizer = read_model(self.place, self.options, dtype)
            self._model = (model.to(device).eval(), tokenizer)
        return self._model  # type: ignore[no-any-return]

    def close(self) -> None:
        """Give the model's memory back."""
        self._model = self._answerer = None
        if self._servers:
            self._servers.stop()
            self._servers = None
        gc.collect()
        torch.cuda.empty_cache()

    def measure_losses(
        self, tokenized: Path, tokenizer: Path, components: Collection[str] | None
    ) -> dict[str, HeldOutLoss]:
        """Return the loss on each component's held-out documents and on other_text; servers have none.

        Known losses come from the scratch folder. tokenizer: the folder of the tokenizer that made `tokenized`.
        """
        if self.origin.server is not None:
            return {}
        losses = {}
        length, tokens = self.params.sequence_length, self.params.held_out_tokens
        used = hash_folder(tokenizer)
        with locked(self.home):
            for component in list_components(tokenized, components):
                place = tokenized / component / "held_out"
                if place.is_dir():
                    run = load_tokenizer(tokenizer)
                    measure = partial(
                        measure_component, run_tokenizer=run, held_out=place, length=length, tokens=tokens
                    )
                    losses[component] = self._keep([component, hash_folder(place), used], measure)
            text = read_text(self.params.other_text or TASKS / "other_text.txt")
            losses["other_text"] = self._keep([text], partial(measure_text, text=text, length=length))
        return {name: loss for name, loss in losses.items() if loss is not None}

    def _keep(self, key: list[str], measure: Callable[..., HeldOutLoss | None]) -> HeldOutLoss | None:
        """Return what a measure says of the model, from the scratch folder if it is there."""
        folder = self.home / hash_values("loss", *key)
        if not (folder / "loss.json").is_file():
            with atomic_folder(folder) as partial_folder, self._giving_losses() as (model, tokenizer):
                (partial_folder / "loss.json").write_text(json.dumps(measure(model, tokenizer)))
        found = json.loads((folder / "loss.json").read_text(encoding="utf-8"))
        return HeldOutLoss(Loss(*found[0]) if found[0] else None, found[1]) if found else None

    @contextmanager
    def _giving_losses(self) -> Iterator[tuple[Any, Any]]:
        model, tokenizer = self._load_model()
        attach_loss(model, 2048)
        try:
            yield model, tokenizer
        finally:
            detach_loss(model)


def hash_folder_texts(folder: Path) -> str:
    """Return a hash of the task files in a folder."""
    return hash_values([[p.name, p.read_text(encoding="utf-8")] for p in sorted(folder.glob("*.yaml"))])


def vote(drawn: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one sample for the programs drawn for a question: the most frequent output is its answer.

    Outputs are the same if their characters are, without spacing. Of several most frequent ones the first counts.
    """
    outputs = [sample["printed"] for sample in drawn if sample["printed"] is not None]
    votes = Counter(map(plain, outputs))
    chosen = max(outputs, key=lambda output: votes[plain(output)]) if outputs else None
    first = drawn[0]
    kept = {"id": first["id"], "question": first["question"], "answer": first["answer"], "prompt": first["prompt"]}
    kept |= {"replies": [s["reply"] for s in drawn], "printed": [s["printed"] for s in drawn]}
    kept |= {"failures": [s["failure"] for s in drawn], "chosen": chosen}
    return kept | {"right": float(chosen is not None and is_right(first["answer"], chosen))}


def _shorten(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of lm-eval's sample that a person wants to read; none depends on the machine or the time."""
    doc = sample["doc"]
    kept = {"id": doc["id"], "question": doc["question"], "answer": doc["answer"]}
    if "acc" in sample:
        # lm-eval gives [log-likelihood, is greedy] for each option.
        scores = [round(float(reply[0]), 4) for reply in sample["filtered_resps"]]
        return kept | {
            "log_likelihoods": scores,
            "chosen": max(range(len(scores)), key=scores.__getitem__),
            "right": float(sample["acc"]),
        }
    reply = sample["filtered_resps"][0]
    kept |= {"prompt": sample["arguments"][0][0], "reply": reply, "right": sample["right"]}
    if "ran" in sample:
        from stages.evaluate.tasks.programs import run_program

        run = run_program(reply, doc["solution"] if doc["benchmark"] == "computations" else "")
        return kept | {"ran": sample["ran"], "printed": run.printed, "failure": run.failure}
    return kept | {"found": find_choice(reply) if doc["options"] else find_answer(reply)}
