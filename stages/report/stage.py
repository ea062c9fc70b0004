"""Write a report of a run for people: the funnel, the measurements, the curves, some examples.

It is one HTML file that contains everything, and the funnel once more as plain text.
"""

import csv
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.shards import list_shards, read_batches
from stages.report.drawing import draw_curves, draw_precision_recall
from stages.report.explanations import Explanation, explain_reasons
from stages.report.translators import compare_translators

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

# MathCoder2 (arXiv:2410.08196): accuracy in per cent of Llama-3-8B, before and after.
PAPER = {"gsm8k": (54.8, 69.9), "math": (21.4, 38.4)}

LOSS = "held_out_loss_"


class Step(NamedTuple):  # one stage, or one entry of it, in the funnel
    stage: str
    entry: str
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """The stage's name in dvc.yaml."""
        return f"{self.stage}@{self.entry}" if self.entry else self.stage

    @property
    def reasons(self) -> dict[str, int]:
        """How many records were dropped for each reason, the most frequent first."""
        counts = parse_reasons(self.metrics.get("reasons", ""))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def read_metrics(folder: Path, entries: Collection[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the content of every metrics file, by stage name (`select@cc_en`).

    entries: only these names after the @ (None: all). DVC does not remove the metrics of an entry that params no longer
    have.
    """
    found = {}
    for path in sorted(folder.rglob("*.json")):
        if entries is not None and path.parent != folder and path.stem not in entries:
            continue
        name = "@".join(path.relative_to(folder).with_suffix("").parts)
        found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read_funnel(metrics: dict[str, dict[str, Any]]) -> list[Step]:
    """Return the steps of the funnel for which there are metrics, in the order in which data flows."""
    steps = [Step(*name.partition("@")[::2], values) for name, values in metrics.items() if "in" in values]
    return sorted((step for step in steps if step.stage in FUNNEL), key=lambda step: FUNNEL.index(step.stage))


def explain_steps(steps: list[Step]) -> list[Explanation]:
    """Return the explanations of the reasons for which the steps dropped records."""
    reasons: dict[str, list[str]] = {}
    for step in steps:
        reasons.setdefault(step.stage, []).extend(r for r in step.reasons if r not in reasons.get(step.stage, []))
    return explain_reasons(reasons)


def write_report(
    metrics_folder: Path, data: Path, out: Path, profile: str, entries: Collection[str] | None = None
) -> None:
    """Write index.html and summary.txt to `out` from the metrics, those of `entries`, and the stages' data."""
    metrics = read_metrics(metrics_folder, entries)
    steps = read_funnel(metrics)
    contamination = _read_json(data / "decontaminate" / "report.json")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.ChainableUndefined, autoescape=True
    )
    environment.filters["number"] = _format_number
    page = environment.get_template("report.html").render(
        profile=profile,
        metrics=metrics,
        steps=steps,
        explanations=explain_steps(steps),
        widest=max([1, *(step.metrics["in"] for step in steps)]),
        manifest=_read_json(data / "corpus" / "manifest.json"),
        contamination=contamination,
        left_out=left_out(metrics),
        mixture=_read_csv(metrics_folder / "pack" / "mixture.csv"),
        curves=draw_curves(*(_read_csv(metrics_folder / "pretrain" / f"{n}.csv") for n in ("curves", "held_out"))),
        precision_recall=draw_precision_recall(
            {
                p.parent.name: _read_csv(p)
                for p in sorted(metrics_folder.glob("train_classifier/*/precision_recall.csv"))
                if entries is None or p.parent.name in entries
            }
        ),
        scores=compare_scores(metrics),
        component_losses=compare_losses(metrics),
        losses=[mean_held_out_loss(metrics, model) for model in ("base", "pretrained")],
        leaks=[
            example for counts in contamination.get("benchmarks", {}).values() for example in counts["examples"][:1]
        ],
        translators=compare_translators(metrics, data / "decontaminate" / "snippets"),
        examples=_read_examples(data / "corpus" / "translated_code"),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(page, encoding="utf-8")
    (out / "summary.txt").write_text(summarize(steps, metrics, profile), encoding="utf-8")


def summarize(steps: list[Step], metrics: dict[str, dict[str, Any]], profile: str) -> str:
    """Return the funnel and the main figures as text for the terminal."""
    width = max((len(step.name) for step in steps), default=0)
    lines = [f"The chain, profile {profile}: records in, kept, dropped and why", ""]
    for step in steps:
        reasons = ", ".join(f"{name} {count:,}" for name, count in step.reasons.items())
        counts = (step.metrics[key] for key in ("in", "kept", "dropped"))
        lines.append(f"{step.name:<{width}} " + " ".join(f"{count:>9,}" for count in counts) + f"  {reasons}".rstrip())
    lines += ["", *(f"{name}: {value}" for name, value in headlines(metrics).items())]
    lines += ["", "The corpus: data/corpus (card: data/corpus/README.md)", "The report: data/report/index.html"]
    lines += ["What became of one document: make why ID=<its id>"]
    return "\n".join(lines) + "\n"


def headlines(metrics: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the few figures by which a run is judged."""
    kept = sum(m.get("kept", 0) for name, m in metrics.items() if name.startswith("verify@"))
    figures = {
        "documents in the corpus": _format_number(metrics.get("corpus", {}).get("kept", 0)),
        "snippets that verify kept": _format_number(kept),
        "snippets in the corpus": _format_number(metrics.get("corpus", {}).get("snippets", 0)),
    }
    if names := left_out(metrics):
        figures["sources that the profile leaves out"] = ", ".join(names)
    packed = metrics.get("pack", {})
    if "tokens" in packed:
        figures["tokens packed"] = _format_number(packed["tokens"])
    base, trained = mean_held_out_loss(metrics, "base"), mean_held_out_loss(metrics, "pretrained")
    if base is not None and trained is not None:
        figures["held-out loss, mean of the components, base to pretrained"] = f"{base:.3f} to {trained:.3f}"
    return figures


def left_out(metrics: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the sources that the profile leaves out."""
    return [n.partition("@")[2] for n, values in metrics.items() if n.startswith("fetch@") and values.get("left_out")]


def mean_held_out_loss(metrics: dict[str, dict[str, Any]], model: str) -> float | None:
    """Return the mean of a model's held-out losses over the components, in nats a token."""
    values = metrics.get(f"evaluate@{model}", {})
    losses = [value for name, value in values.items() if name.startswith(LOSS) and name != f"{LOSS}other_text"]
    return sum(losses) / len(losses) if losses else None


def compare_scores(metrics: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each task that both models answered: shares of right answers, and the paper's scores."""
    rows = _compare(metrics, [n.removesuffix("_n") for n in metrics.get("evaluate@base", {}) if n.endswith("_n")])
    return [row | {"paper": PAPER.get(row["name"])} for row in rows]


def compare_losses(metrics: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each component with the held-out losses of both models; other_text is the last."""
    names = sorted(n.removeprefix(LOSS) for n in metrics.get("evaluate@base", {}) if n.startswith(LOSS))
    return _compare(metrics, sorted(names, key=lambda name: name == "other_text"), LOSS, "held_out_stderr_")


def _compare(
    metrics: dict[str, dict[str, Any]], names: list[str], before: str = "", error_before: str = ""
) -> list[dict[str, Any]]:
    models = [metrics.get(f"evaluate@{model}", {}) for model in ("base", "pretrained")]
    rows = []
    for name in names:
        key, error_key = before + name, f"{error_before}{name}" if error_before else f"{name}_stderr"
        if all(key in values for values in models):
            base, trained = ({"value": values[key], "stderr": values.get(error_key)} for values in models)
            row = {"name": name, "base": base, "pretrained": trained, "n": models[1].get(f"{name}_n")}
            rows.append(row | {"difference": trained["value"] - base["value"]})
    return rows


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _read_csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_examples(folder: Path, count: int = 4) -> list[dict[str, Any]]:
    """Return some translated documents, spread over the first batch of the component."""
    shards = list_shards(folder) if folder.is_dir() else []
    if not shards:
        return []
    batch = next(read_batches(shards[0], ["text", "url", "license"]))
    step = max(1, batch.num_rows // (count + 1))
    return batch.to_pylist()[step::step][:count]


def _format_number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
