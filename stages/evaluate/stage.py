"""Score models with lm-eval on our own task files, measure their loss on held-out text, and compare them.

Metrics, tables and samples contain no dates, paths or times: the same models give the same files.
"""

import csv
import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.models.language_model import fix_threads
from stages.evaluate.computations import NAME as COMPUTATIONS
from stages.evaluate.computations import write_computations
from stages.evaluate.evaluate_params import EvaluateParams, ModelParams, ServerParams
from stages.evaluate.evaluator import Evaluator
from stages.evaluate.leaked_questions import read_leaked
from stages.evaluate.losses import HeldOutLoss
from stages.evaluate.scores import Samples, summarize, tabulate_differences, tabulate_scores

__all__ = ["EvaluateParams", "Inputs", "ModelParams", "ServerParams", "evaluate"]


class Inputs(NamedTuple):  # folders that other stages write
    benchmarks: Path
    decontaminated: Path
    tokenized: Path
    tokenizer: Path


def evaluate(
    params: EvaluateParams, inputs: Inputs, out: Path, components: Collection[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Write samples and tables to `out`; return flat metrics for each model, and `differences` between them.

    components: whose held-out loss to measure (None: all that were tokenized).
    out: `<model>/<task>.jsonl` has a line for each question, scores.csv a row for each model and task, differences.csv
    one for each pair of models and task.
    The metrics of a task are those of `summarize`. Those of a component are `held_out_loss_` and `held_out_stderr_`, in
    nats a token, and `held_out_bits_per_byte_`. `other_text` is a few pages without mathematics; if the model forgets,
    their loss rises. `differences` has `<model>_over_<model>_<task>` and its `_stderr`.
    Raises InputError where a model, a benchmark's folder or a component cannot be read.
    """
    fix_threads(params.cpu_threads)
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    leaked = read_leaked(inputs.decontaminated)
    out.mkdir(parents=True, exist_ok=True)
    benchmarks: dict[str, Path] = dict.fromkeys(params.tasks, inputs.benchmarks)
    if COMPUTATIONS in params.tasks:
        write_computations(inputs.decontaminated, inputs.tokenized, out / "questions")
        benchmarks[COMPUTATIONS] = out / "questions"
    samples: Samples = {}
    metrics: dict[str, dict[str, Any]] = {}
    for name in params.models:
        evaluator = Evaluator(params, name, benchmarks)
        # The losses come first, because vLLM takes most of the GPU's memory and keeps it.
        losses = evaluator.measure_losses(inputs.tokenized, inputs.tokenizer, components)
        samples[name] = evaluator.answer_all()
        evaluator.close()
        metrics[name] = {}
        for task, answered in samples[name].items():
            _write_samples(out / name / f"{task}.jsonl", answered)
            metrics[name] |= summarize(task, answered, leaked)
        metrics[name] |= flatten_losses(losses)
    _write_table(out / "scores.csv", tabulate_scores(samples, leaked))
    differences = tabulate_differences(samples, params.seed)
    _write_table(out / "differences.csv", differences)
    metrics["differences"] = {}
    for row in differences:
        name = f"{row['model']}_over_{row['than']}_{row['task']}"
        metrics["differences"] |= {name: row["difference"], f"{name}_stderr": row["stderr"]}
    return metrics


def flatten_losses(losses: dict[str, HeldOutLoss]) -> dict[str, float]:
    """Return the metrics of a model's held-out losses."""
    own = {name: found.loss for name, found in losses.items() if found.loss is not None}
    metrics = {f"held_out_loss_{name}": round(loss.mean, 4) for name, loss in own.items()}
    metrics |= {f"held_out_stderr_{name}": round(loss.standard_error, 4) for name, loss in own.items()}
    return metrics | {f"held_out_bits_per_byte_{name}": round(f.bits_per_byte, 4) for name, f in losses.items()}


def _write_samples(path: Path, samples: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(sample, ensure_ascii=False, sort_keys=True) for sample in samples]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
