"""The translators of a run side by side: what each found, what became of it, and examples."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.shards import list_shards, read_batches

EXAMPLES = 3
"""For each translator."""


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
    examples: list[dict[str, Any]]


def compare_translators(metrics: dict[str, dict[str, Any]], snippets: Path) -> list[TranslatorRow]:
    """Return a row for each translator that the metrics of translate know.

    metrics: by stage name. snippets: a folder of verified snippets for each component, for the examples.
    """
    translated, verified = (_by_translator(metrics, stage) for stage in ("translate", "verify"))
    return [
        _make_row(name, parts, verified.get(name, []), _read_examples(snippets, name))
        for name, parts in translated.items()
    ]


def _by_translator(metrics: dict[str, dict[str, Any]], stage: str) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a stage's metrics that are a translator's, one for each component."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, values in metrics.items():
        for part, own in values.items() if name.startswith(f"{stage}@") else ():
            if isinstance(own, dict):
                found.setdefault(part, []).append(own)
    return found


def _make_row(
    name: str, translated: list[dict[str, Any]], verified: list[dict[str, Any]], examples: list[dict[str, Any]]
) -> TranslatorRow:
    found, judged = _add(translated), _add(verified)
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
        examples=examples,
    )


def _add(parts: list[dict[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update({key: value for key, value in part.items() if isinstance(value, int)})
    return total


def _add_reasons(parts: list[dict[str, Any]], key: str) -> Counter[str]:
    return sum((Counter(parse_reasons(part.get(key, ""))) for part in parts), Counter[str]())


def _read_examples(folder: Path, translator: str) -> list[dict[str, Any]]:
    """Return some of a translator's verified snippets, spread over those of the first batch that has any."""
    for component in sorted(folder.iterdir()) if folder.is_dir() else []:
        for shard in list_shards(component):
            for batch in read_batches(shard):
                rows = [row for row in batch.to_pylist() if row["translator"] == translator]
                if rows:
                    step = max(1, len(rows) // EXAMPLES)
                    return rows[step // 2 :: step][:EXAMPLES]
    return []
