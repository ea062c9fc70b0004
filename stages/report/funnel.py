"""Read the metrics of a run: the records that each stage read, kept and dropped, in the order of the chain."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.funnel import parse_reasons
from stages.report.explanations import Explanation, explain_reasons

Metrics = dict[str, dict[str, Any]]
"""The content of every metrics file, by stage name (`select@cc_en`)."""
SUMMARY = "summary.json"
"""What the report itself writes beside the metrics that it reads."""

# The stages that read records and pass them on, in the order in which data flows.
FUNNEL = (
    "fetch",
    "fetch_benchmarks",
    "extract_textbooks",
    "annotate",
    "filter_code",
    "classify",
    "select",
    "deduplicate",
    "translate",
    "execute",
    "verify",
    "decontaminate",
    "corpus",
    "tokenize",
)
# What the records of a stage are, where they are not documents.
UNITS = {
    "fetch_benchmarks": "questions",
    "execute": "snippets",
    "verify": "snippets",
    "decontaminate": "documents and snippets",
}
PROGRAMS = "corpus, programs"
"""The step in which `corpus` chooses the programs of translated pages."""


class Step(NamedTuple):  # one stage, or one entry of it, in the funnel
    stage: str
    entry: str
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """The stage's name in dvc.yaml; `corpus, programs` for the programs that `corpus` writes into pages."""
        return PROGRAMS if self.entry == PROGRAMS else f"{self.stage}@{self.entry}" if self.entry else self.stage

    @property
    def unit(self) -> str:
        """What the step's records are."""
        return "snippets" if self.entry == PROGRAMS else UNITS.get(self.stage, "documents")

    @property
    def reasons(self) -> dict[str, int]:
        """How many records were dropped for each reason, the most frequent first."""
        counts = parse_reasons(self.metrics.get("reasons", ""))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def read_metrics(folder: Path, entries: Collection[str] | None = None) -> Metrics:
    """Return the content of the metrics files of all stages before the report, by stage name (`select@cc_en`).

    entries: only these names after the @ (None: all). DVC does not remove the metrics of an entry that params no longer
    have.
    """
    found = {}
    for path in sorted(folder.rglob("*.json")):
        is_old = entries is not None and path.parent != folder and path.stem not in entries
        if is_old or path == folder / SUMMARY:
            continue
        name = "@".join(path.relative_to(folder).with_suffix("").parts)
        found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, an empty object where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, none where there is no file."""
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_funnel(metrics: Metrics) -> list[Step]:
    """Return the steps of the funnel for which there are metrics, in the order in which data flows."""
    steps = [Step(*name.partition("@")[::2], values) for name, values in metrics.items() if "in" in values]
    if programs := read_programs(metrics):
        steps.append(Step("corpus", PROGRAMS, programs))
    return sorted((step for step in steps if step.stage in FUNNEL), key=lambda step: FUNNEL.index(step.stage))


def read_programs(metrics: Metrics) -> dict[str, Any]:
    """Return what became of the snippets that `corpus` read, in all and by component of their pages.

    Several components of translated code are made from the same snippets; the first is returned.
    """
    return next((part for part in metrics.get("corpus", {}).values() if isinstance(part, dict)), {})


def explain_steps(steps: list[Step]) -> list[Explanation]:
    """Return the explanations of the reasons for which the steps dropped records."""
    reasons: dict[str, list[str]] = {}
    for step in steps:
        reasons.setdefault(step.stage, []).extend(r for r in step.reasons if r not in reasons.get(step.stage, []))
    return explain_reasons(reasons)


def tabulate_reasons(steps: list[Step]) -> list[dict[str, Any]]:
    """Return a row for each reason of each stage: stage, reason, records, unit, share of those read, meaning."""
    sentences = {(stage, one.reason): one.sentence for one in explain_steps(steps) for stage in one.stages}
    read: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for step in steps:
        read[step.stage, step.unit] += step.metrics["in"]
        for reason, count in step.reasons.items():
            counts[step.stage, step.unit, reason] += count
    rows = [
        {
            "stage": stage,
            "reason": reason,
            "dropped": count,
            "unit": unit,
            "share": round(count / read[stage, unit], 6),
            "meaning": sentences.get((stage, reason), ""),
        }
        for (stage, unit, reason), count in counts.items()
    ]
    return sorted(rows, key=lambda row: (FUNNEL.index(row["stage"]), -row["dropped"], row["reason"]))


def add_counts(parts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the sums of the whole numbers that several metrics have under one name."""
    total: dict[str, int] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, int):
                total[key] = total.get(key, 0) + value
    return total
