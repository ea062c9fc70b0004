"""The funnel and the main figures of a run as text, for the terminal."""

from typing import Any

from stages.report.funnel import Metrics, Step, add_counts
from stages.report.scores import LOSS, OTHER_TEXT, compare_scores, mean_held_out_loss

PROGRAM = "_program"
"""How the names of tasks end in which the model writes a program."""
TRANSLATED = "translated_code"


def summarize(steps: list[Step], metrics: Metrics, profile: str) -> str:
    """Return the funnel and the main figures as text for the terminal."""
    width = max((len(step.name) for step in steps), default=0)
    lines = [f"The chain, profile {profile}: records in, kept, dropped and why", ""]
    for step in steps:
        reasons = ", ".join(f"{name} {count:,}" for name, count in step.reasons.items())
        counts = (step.metrics[key] for key in ("in", "kept", "dropped"))
        lines.append(f"{step.name:<{width}} " + " ".join(f"{count:>9,}" for count in counts) + f"  {reasons}".rstrip())
    lines += ["", *(f"{name}: {value}" for name, value in headlines(metrics).items())]
    if scores := compare_scores(metrics):
        lines += ["", "Scores, base to pretrained, in per cent of the questions:"]
        lines += [
            f"  {row.name:<16} {100 * row.base.value:5.1f} to {100 * row.pretrained.value:5.1f}  of {row.n:,}"
            + (" (too few to compare)" if row.is_small else "")
            for row in scores
        ]
    lines += ["", "The corpus: data/corpus (card: data/corpus/README.md)", "The report: data/report/index.html"]
    lines += ["What became of one document: make why ID=<its id, its URL or a piece of its text>"]
    return "\n".join(lines) + "\n"


def headlines(metrics: Metrics) -> dict[str, str]:
    """Return the few figures by which a run is judged."""
    kept = sum(m.get("kept", 0) for name, m in metrics.items() if name.startswith("verify@"))
    figures = {
        "documents in the corpus": show_number(metrics.get("corpus", {}).get("kept", 0)),
        "snippets that verify kept": show_number(kept),
        "snippets in the corpus": show_number(metrics.get("corpus", {}).get("snippets", 0)),
    }
    if names := left_out(metrics):
        figures["sources that the profile leaves out"] = ", ".join(names)
    packed = metrics.get("pack", {})
    if "tokens" in packed:
        figures["tokens packed"] = show_number(packed["tokens"])
    base, trained = mean_held_out_loss(metrics, "base"), mean_held_out_loss(metrics, "pretrained")
    if base is not None and trained is not None:
        figures["held-out loss, mean of the components, base to pretrained"] = f"{base:.3f} to {trained:.3f}"
    return figures


def count_summary(metrics: Metrics) -> dict[str, int | float]:
    """Return the few figures that `make compare` puts side by side, of the stages that have run.

    docs/meanings.yaml explains each of them.
    """
    corpus, packed = metrics.get("corpus", {}), metrics.get("pack", {})
    judged, tokenized = (add_counts(_of_stage(metrics, stage)) for stage in ("verify", "tokenize"))
    scores = {row.name: row.pretrained.value for row in compare_scores(metrics) if not row.name.endswith(PROGRAM)}
    figures = {
        "documents": corpus.get("kept"),
        "snippets": corpus.get("snippets"),
        "tokens": tokenized.get("tokens", 0) + tokenized.get("held_out_tokens", 0) or None,
        "verified": judged["kept"] / judged["in"] if judged.get("in") else None,
        "duplicates": metrics.get("deduplicate", {}).get("dropped"),
        "leaks": metrics.get("decontaminate", {}).get("dropped"),
        "packed": packed.get("tokens"),
        "code_share": packed.get(f"{TRANSLATED}_share"),
        "loss_base": mean_held_out_loss(metrics, "base"),
        "loss": mean_held_out_loss(metrics, "pretrained"),
        "loss_other": metrics.get("evaluate@pretrained", {}).get(LOSS + OTHER_TEXT),
    }
    return {name: round(value, 4) for name, value in (figures | scores).items() if value is not None}


def _of_stage(metrics: Metrics, stage: str) -> list[dict[str, Any]]:
    return [values for name, values in metrics.items() if name.startswith(f"{stage}@")]


def left_out(metrics: Metrics) -> list[str]:
    """Return the names of the sources that the profile leaves out."""
    return [n.partition("@")[2] for n, values in metrics.items() if n.startswith("fetch@") and values.get("left_out")]


def show_number(value: Any) -> str:
    """Return a number as people read it: 12,345 or 0.1235."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else str(value)
