"""The translators of a run side by side: what each found, and what became of it."""

from collections import Counter
from typing import Any, NamedTuple

from mathcode_pile.core.funnel import parse_reasons
from stages.report.explanations import Explanation, explain_reasons
from stages.report.funnel import Metrics, add_counts

VERDICTS = ("verified", "contradicted", "uncheckable")


class TranslatorRow(NamedTuple):
    """One translator, over all components."""

    name: str
    documents: int
    """It read so many."""
    with_snippet: int
    snippets: int
    verdicts: Counter[str]
    kept: int
    """Of the snippets, after verify."""
    dropped: Counter[str]
    """Why verify dropped the others."""
    skipped: Counter[str]
    """Why parts of documents gave no snippet."""
    repaired: int
    """Programs that were mended."""

    def counts(self) -> dict[str, Any]:
        """Return the counts as a row of a table."""
        found = {"translator": self.name, "documents": self.documents, "with_snippet": self.with_snippet}
        judged = {"snippets": self.snippets, **{verdict: self.verdicts[verdict] for verdict in VERDICTS}}
        return found | judged | {"kept": self.kept, "repaired": self.repaired}


def compare_translators(metrics: Metrics) -> list[TranslatorRow]:
    """Return a row for each translator that the metrics of translate know."""
    translated, verified = (_by_translator(metrics, stage) for stage in ("translate", "verify"))
    return [_make_row(name, parts, verified.get(name, [])) for name, parts in translated.items()]


def explain_translators(rows: list[TranslatorRow]) -> list[Explanation]:
    """Return what the reasons in the rows mean, the most frequent of each stage first."""
    counts = {"verify": [row.dropped for row in rows], "translate": [row.skipped for row in rows]}
    totals = {stage: sum(parts, Counter[str]()) for stage, parts in counts.items()}
    return explain_reasons({stage: [name for name, _ in total.most_common()] for stage, total in totals.items()})


def _by_translator(metrics: Metrics, stage: str) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a stage's metrics that are a translator's, one for each component."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, values in metrics.items():
        for part, own in values.items() if name.startswith(f"{stage}@") else ():
            if isinstance(own, dict):
                found.setdefault(part, []).append(own)
    return found


def _make_row(name: str, translated: list[dict[str, Any]], verified: list[dict[str, Any]]) -> TranslatorRow:
    found, judged = Counter(add_counts(translated)), Counter(add_counts(verified))
    verdicts = {key.removeprefix("verdict_"): count for key, count in judged.items() if key.startswith("verdict_")}
    return TranslatorRow(
        name,
        documents=found["in"],
        with_snippet=found["kept"],
        snippets=found["snippets"],
        verdicts=Counter(verdicts),
        kept=judged["kept"],
        dropped=_add_reasons(verified, "reasons"),
        skipped=_add_reasons(translated, "skipped"),
        repaired=sum(count for key, count in found.items() if key.startswith("repaired_")),
    )


def _add_reasons(parts: list[dict[str, Any]], key: str) -> Counter[str]:
    return sum((Counter(parse_reasons(part.get(key, ""))) for part in parts), Counter[str]())
