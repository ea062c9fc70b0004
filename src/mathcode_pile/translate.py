"""Find each computation of a document and write it as a snippet of Python.

The symbolic translator reads what LaTeX says and needs no model; a language model reads more, and
its replies are kept. Whether a snippet's result is right is for execute and verify to say.
"""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mathcode_pile.documents import DROPPED, SNIPPET
from mathcode_pile.engine import Report, map_folder
from mathcode_pile.params import Section
from mathcode_pile.shards import ShardWriter, read_batches
from mathcode_pile.symbolic import translate_document


class TranslateParams(Section):
    """How computations are found and translated."""

    backend: Literal["symbolic"]
    max_failed_share: float
    components: dict[str, Any]
    """Which components are translated; dvc.yaml reads it."""


def translate(documents: Path, out: Path, params: TranslateParams) -> Report:
    """Write the snippets of a folder's documents to `out`, each document's in order.

    The report counts documents: kept are those with snippets; `snippets` counts these.
    """
    return map_folder("translate", partial(translate_shard), documents, out, [params.backend])


def translate_shard(shard: Path, folder: Path) -> Report:
    """Write the snippets of one shard's documents to folder/documents.parquet."""
    report = Report()
    with (
        ShardWriter(folder / "documents.parquet", SNIPPET) as snippets,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in read_batches(shard, ["id", "text"]):
            for identifier, text in zip(batch.column(0), batch.column(1), strict=True):
                computations, reasons = translate_document(text.as_py())
                report.read += 1
                report.counts["snippets"] += len(computations)
                report.counts.update({f"not_translated_{name}": count for name, count in reasons.items()})
                if computations:
                    report.kept += 1
                    snippets.write_rows(_rows(identifier.as_py(), computations))
                else:
                    reason, detail = _why_none(reasons)
                    report.dropped[reason] += 1
                    dropped.write_rows([{"id": identifier.as_py(), "reason": reason, "detail": detail}])
    return report


def _rows(document_id: str, computations: Iterable[Any]) -> list[dict[str, Any]]:
    fields = ("title", "conditions", "expression", "result", "code")
    return [
        {"document_id": document_id, "position": position} | {name: getattr(computation, name) for name in fields}
        for position, computation in enumerate(computations)
    ]


def _why_none(reasons: Counter[str]) -> tuple[str, str]:
    """Return the reason of a document without snippets, the most frequent one, and all of them as detail."""
    if not reasons:
        return "no_computation", ""
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ranked[0][0], ", ".join(f"{name} {count}" for name, count in ranked)
