"""Find each computation of a document and write it as a snippet of Python.

The symbolic translator reads LaTeX and needs no model. A language model finds more, and its replies are kept. Execute
and verify find out whether a snippet's result is right.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mathcode_pile.core.documents import SNIPPET
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import DropReason, Failed, Funnel, Report
from mathcode_pile.core.shards import count_shard, number_batches, read_schema
from mathcode_pile.llm import LlmParams, NoReply, Text
from stages.translate.reasons import Reason
from stages.translate.selection import select
from stages.translate.translators import (
    ModelTranslator,
    SymbolicTranslator,
    TranslateParams,
    Translation,
    choose_translators,
)

RESTATED_EACH = 3
"""Programs of each translator that only print the stated result are shown to people, so many of each shard."""


def translate(documents: Path, out: Path, params: TranslateParams, llm: LlmParams) -> Report:
    """Write the snippets of a folder's documents to `out`, each document's in the order of its text.

    The report counts documents, and keeps those with snippets. `snippets` counts the snippets, and `skipped` the
    parts of documents that gave none, by reason; each translator has a part with its own. Raises PipelineError where
    a model cannot be asked. The folder `restated` has a few of the programs that only print the stated result.
    """
    translators = choose_translators(params, llm)
    asks = any(entry.backend not in ("symbolic", "recorded") for entry in params.translators)
    work = partial(translate_shard, translators=translators, min_operations=params.min_operations)
    key = [params.min_operations, *(list(translator.key) for translator in translators)]
    return map_folder("translate", work, documents, out, key, place="driver" if asks else "workers")


def translate_shard(
    shard: Path, folder: Path, *, translators: Sequence[SymbolicTranslator | ModelTranslator], min_operations: int
) -> Report:
    """Write the snippets of one shard's documents to folder/documents.parquet."""
    read_schema(shard, ["id", "text"])
    total = count_shard(shard)
    names = [translator.name for translator in translators]
    # Models come first: where one cannot be asked, nothing else is worth the time.
    translated = [translator.translate(_texts(shard), total) for translator in translators]
    shown: Counter[str] = Counter()
    with Funnel.of_shard(folder, SNIPPET, restated=SNIPPET) as funnel:
        for start, batch in number_batches(shard, ["id", "text"]):
            funnel.count_read(batch.num_rows)
            snippets: list[dict[str, Any]] = []
            kept = 0
            named_texts = zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True)
            for row, (name, text) in enumerate(named_texts, start):
                if not text.strip():
                    funnel.drop(name, Reason.NO_COMPUTATION)
                    continue
                results = [next(stream) for stream in translated]
                assert all(number == row for number, _ in results)
                chosen = [_select(translation, min_operations) for _, translation in results]
                by_translator = dict(zip(names, chosen, strict=True))
                funnel.copy_aside("restated", _choose_restated(name, by_translator, shown))
                written = _take_document(name, by_translator, funnel)
                snippets += written
                kept += bool(written)
            funnel.keep(snippets, records=kept)
        for stream in translated:
            for _ in stream:  # nothing is left; the asker then checks and notes its run
                pass
    return funnel.report


def _texts(shard: Path) -> Iterator[Text]:
    for start, batch in number_batches(shard, ["text"]):
        for row, text in enumerate(batch.column(0), start):
            if text.as_py().strip():
                yield row, text.as_py()


def _select(translation: Translation | Failed, min_operations: int) -> Translation | Failed:
    """Leave out the programs of a translation that teach nothing."""
    if isinstance(translation, Failed):
        return translation
    kept, restated, reasons = select(translation.computations, min_operations)
    return translation._replace(computations=kept, restated=restated, reasons=translation.reasons + reasons)


def _choose_restated(
    name: str, translations: dict[str, Translation | Failed], shown: Counter[str]
) -> list[dict[str, Any]]:
    """Return a document's restated programs that are shown to people.

    shown: how many of each translator have been chosen from the shard, which is brought up to date.
    """
    rows: list[dict[str, Any]] = []
    for translator, translation in translations.items():
        own = [] if isinstance(translation, Failed) else translation.restated[: RESTATED_EACH - shown[translator]]
        shown[translator] += len(own)
        rows += [{"translator": translator} | computation._asdict() for computation in own]
    return _number(name, rows)


def _take_document(name: str, translations: dict[str, Translation | Failed], funnel: Funnel) -> list[dict[str, Any]]:
    """Return a document's snippets in the order of its text; a document without any is dropped."""
    report = funnel.report
    snippets: list[dict[str, Any]] = []
    reasons: Counter[DropReason] = Counter()
    whys: list[tuple[DropReason, str]] = []
    for translator, translation in translations.items():
        if isinstance(translation, Failed):
            funnel.fail(name, translation)
            return []
        part = report.part(translator)
        part.read += 1
        if translation.computations:
            part.kept += 1
        else:
            whys.append(_why_none(translation))
            part.dropped[whys[-1][0].value] += 1
        part.skipped.update({reason.value: count for reason, count in translation.reasons.items()})
        part.counts["pieces"] += translation.pieces
        part.counts["snippets"] += len(translation.computations)
        for computation in translation.computations:
            part.counts.update(f"repaired_{kind}" for kind in computation.repairs.split())
        reasons += translation.reasons
        snippets += [{"translator": translator} | c._asdict() for c in translation.computations]
    report.skipped.update({reason.value: count for reason, count in reasons.items()})
    report.counts["snippets"] += len(snippets)
    if not snippets:
        # That a reply is not recorded says nothing about the document, so another translator's reason goes first.
        whys.sort(key=lambda why: why[0] is NoReply.NOT_RECORDED)
        funnel.drop(name, whys[0][0], "; ".join(detail for _, detail in whys if detail))
    snippets.sort(key=lambda snippet: snippet["anchor"])
    return _number(name, snippets)


def _number(name: str, snippets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"document_id": name, "position": position} | snippet for position, snippet in enumerate(snippets)]


def _why_none(translation: Translation) -> tuple[DropReason, str]:
    """Return why a translator found no snippet: its most frequent reason, and all of them as detail."""
    ranked = sorted(translation.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked:
        return Reason.NO_COMPUTATION, ""
    counts = ", ".join(f"{reason} {count}" for reason, count in ranked)
    return ranked[0][0], "; ".join(filter(None, [counts, translation.detail]))
