"""Scores with their uncertainty: of a task, without leaked questions, and paired differences between models."""

import math
from collections import Counter
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from stages.evaluate.leaked_questions import Leaked

Samples = dict[str, dict[str, list[dict[str, Any]]]]
"""By model, then by task; a sample is one question with its reply."""

RESAMPLES = 2000
# The normal distribution's 97.5% quantile.
Z = 1.959964


class Score(NamedTuple):  # of one model on one task
    mean: float
    stderr: float
    low: float
    """low, high: the 95% interval."""
    high: float
    questions: int


def score(values: list[float]) -> Score:
    """Return the share of right answers (each value is 0 or 1) and its uncertainty.

    stderr is lm-eval's, from the sample's standard deviation. The interval is Wilson's, which is useful for few
    questions and at 0 and 1 too. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    n = len(values)
    mean = sum(values) / n
    stderr = math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, n - 1) / n)
    middle = (mean + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(mean * (1 - mean) / n + Z**2 / (4 * n**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Score(round(mean, 4), round(stderr, 4), round(low, 4), round(high, 4), n)


def summarize(name: str, samples: list[dict[str, Any]], leaked: Leaked = frozenset()) -> dict[str, Any]:
    """Return a task's metrics: its name (the share of right answers), `_stderr`, `_low`, `_high` and `_n`.

    `_clean` and `_clean_stderr` are over the `_clean_questions` that have not leaked. Tasks with programs have `_ran`,
    the share of programs that printed something, and `_failures`, the others by kind.
    """
    whole = score([sample["right"] for sample in samples])
    metrics: dict[str, Any] = {name: whole.mean, f"{name}_stderr": whole.stderr}
    metrics |= {f"{name}_low": whole.low, f"{name}_high": whole.high, f"{name}_n": whole.questions}
    clean = [sample["right"] for sample in samples if (benchmark_of(name), sample["id"]) not in leaked]
    metrics[f"{name}_clean_questions"] = len(clean)
    if clean:
        metrics |= {f"{name}_clean": score(clean).mean, f"{name}_clean_stderr": score(clean).stderr}
    if all("ran" in sample for sample in samples):
        ran = score([sample["ran"] for sample in samples])
        metrics |= {f"{name}_ran": ran.mean, f"{name}_ran_stderr": ran.stderr}
        kinds = Counter(sample["failure"] for sample in samples if sample["failure"])
        metrics[f"{name}_failures"] = ", ".join(f"{kind} {kinds[kind]}" for kind in sorted(kinds))
    return metrics


def benchmark_of(task: str) -> str:
    """Return the benchmark whose questions a task asks."""
    return task.removesuffix("_majority").removesuffix("_program")


def tabulate_scores(samples: Samples, leaked: Leaked) -> list[dict[str, Any]]:
    """Return a row for each model and task."""
    rows = []
    for model, tasks in samples.items():
        for task, answered in tasks.items():
            found = summarize(task, answered, leaked)
            row: dict[str, Any] = {"model": model, "task": task, "score": found[task]}
            row |= {key: found[f"{task}_{key}"] for key in ("stderr", "low", "high")}
            row["questions"] = found[f"{task}_n"]
            keys = ("clean", "clean_stderr", "clean_questions", "ran", "failures")
            rows.append(row | {key: found.get(f"{task}_{key}") for key in keys})
    return rows


def tabulate_differences(samples: Samples, seed: int) -> list[dict[str, Any]]:
    """Return a row for each pair of models and task that both have: how much more the second one scores.

    The pairs are questions, resampled RESAMPLES times: `stderr` is the spread of the resampled mean differences,
    `low` and `high` their 95% interval. Source: Efron and Tibshirani 1993, chapters 6 and 13.
    """
    rows = []
    for than, model in combinations(samples, 2):
        for task in samples[model]:
            if task not in samples[than]:
                continue
            before = {sample["id"]: sample["right"] for sample in samples[than][task]}
            pairs = [(s["right"], before[s["id"]]) for s in samples[model][task] if s["id"] in before]
            if pairs:
                rows.append({"task": task, "model": model, "than": than} | compare(pairs, seed))
    return rows


def compare(pairs: list[tuple[float, float]], seed: int) -> dict[str, Any]:
    """Return the mean difference of paired scores with its bootstrapped standard error and 95% interval."""
    differences = np.array([one - other for one, other in pairs])
    rng = np.random.default_rng([seed, len(pairs)])
    means = np.array([rng.choice(differences, len(differences)).mean() for _ in range(RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    values = {"difference": differences.mean(), "stderr": means.std(ddof=1), "low": low, "high": high}
    return {key: round(float(value), 4) for key, value in values.items()} | {"questions": len(pairs)}
