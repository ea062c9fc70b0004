"""Assemble the publishable corpus: shards by component, a dataset card, a manifest with checksums."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from pydantic import Field

from mathcode_pile.core.documents import DOCUMENT, DROPPED
from mathcode_pile.core.engine import refuse_failures
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import LazyShard, ShardsWriter, list_shards, read_batches, shard_name
from stages.corpus.card import NOTHING_YET, Register, describe_file, write_card
from stages.corpus.reasons import Reason
from stages.corpus.translated import TranslatedParams, write_translated


class CorpusParams(Section):
    """The corpus's name, the size of its shards, and the form of translated code."""

    title: str
    """The name of the corpus, as its card states it."""
    translated: TranslatedParams = TranslatedParams()
    """How translated code is written."""
    shard_megabytes: int = Field(default=256, gt=0)
    """Megabytes of text in a shard."""


def assemble(
    folder: Path,
    out: Path,
    components: list[str],
    params: CorpusParams,
    sources: dict[str, Any],
    register: Register = NOTHING_YET,
) -> tuple[Report, dict[str, Any]]:
    """Write every component's shards, manifest.json and README.md to `out`; return the counts, and the quality figures.

    folder: `documents/<component>` and `snippets/<component>`, as decontaminate writes them.
    sources: the profile's `fetch` section, for the card.
    register: the documents that were taken down, and the version that was published last.
    A document that cannot be written is named in <component>/dropped, which exists only if there is one.
    Raises InputError where a component has documents but params do not name it, and ParamsError where a form has a
    component that they do not name.
    """
    made = sorted(path.name for path in (folder / "documents").iterdir() if path.is_dir())
    if unknown := sorted(set(made) - set(components)):
        raise InputError(f"{folder}/documents/{unknown[0]}: params.yaml: components does not name it")
    if unknown := sorted(set(params.translated.form) - set(components)):
        raise ParamsError(f"params: corpus.translated.form: components has no {unknown[0]!r}")
    total, documents = Report(), Counter[str]()
    figures: dict[str, Any] = {}
    entries: dict[str, Any] = {}
    for component in components:
        kept = ShardsWriter(out / component, DOCUMENT, params.shard_megabytes << 20)
        with Funnel(kept, LazyShard(out / component / "dropped" / shard_name(0), DROPPED)) as funnel:
            if component in params.translated.form:
                quality = write_translated(folder, component, funnel, params.translated, register.removals)
                figures |= {f"{component}_{name}": value for name, value in quality.to_metrics().items()}
            else:
                _write_documents(folder / "documents" / component, funnel, register.removals)
        total += funnel.report
        documents[f"documents_{component}"] = funnel.report.kept
        entries[component] = _describe(out / component)
    total.counts.update(documents)
    refuse_failures("corpus", total)
    write_card(out, entries, params.title, params.translated.form, sources, register)
    return total, figures


def _write_documents(folder: Path, funnel: Funnel, removals: Removals) -> None:
    for shard in list_shards(folder) if folder.is_dir() else []:
        for batch in funnel.read(shard, DOCUMENT.names):
            funnel.keep(removals.drop_from(batch, funnel, Reason.TAKEN_DOWN).cast(DOCUMENT))


def _describe(folder: Path) -> dict[str, Any]:
    """Return a component's entry in the manifest: its counts, its licences, and the checksum of each shard."""
    shards = []
    licences: Counter[str] = Counter()
    documents = characters = 0
    for path in list_shards(folder):
        for batch in read_batches(path, ["text", "license"]):
            for pair in batch["license"].value_counts().to_pylist():
                licences[pair["values"]] += pair["counts"]
            documents += batch.num_rows
            characters += pc.sum(pc.utf8_length(batch["text"])).as_py() or 0
        shards.append({"name": path.name} | describe_file(path))
    return {
        "documents": documents,
        "characters": characters,
        "licences": dict(sorted(licences.items())),
        "shards": shards,
    }
