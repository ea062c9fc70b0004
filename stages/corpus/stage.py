"""Assemble the publishable corpus: shards by component, a dataset card, a manifest with checksums."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, Field

from mathcode_pile.core.documents import DOCUMENT, DROPPED, document_id, encode_metadata, snippet_id
from mathcode_pile.core.engine import refuse_failures
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardsWriter, list_shards, read_batches, shard_name
from stages.corpus.programs import Snippet, Translated
from stages.corpus.reasons import Reason
from stages.corpus.translated import Form, translate_page

TRANSLATED = "translated_code"
BATCH_ROWS = 1000
PAGE = ["id", "text", "source", "url", "license"]


class TranslatedParams(Section):
    """How pages are written with the programs of their computations."""

    form: Form | dict[str, Form] = "page"
    """The form of the component translated_code, or a form for each of several components."""
    context_characters: int = Field(default=2000, ge=0)
    """How much of a page is kept at most on either side of a program, or before a step, in whole paragraphs."""

    @property
    def forms(self) -> dict[str, Form]:
        """The form of each component of translated code."""
        return self.form if isinstance(self.form, dict) else {TRANSLATED: self.form}


class CorpusParams(Section):
    """The corpus's name and version, the size of its shards, and the form of translated code."""

    title: str
    version: str
    translated: TranslatedParams = TranslatedParams()
    shard_megabytes: int = Field(default=256, gt=0)


class SourceNote(Section):
    """What the card says about a source: the licences and citations of its origins."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    origins: list[dict[str, Any]] = []


def assemble(folder: Path, out: Path, components: list[str], params: CorpusParams, sources: dict[str, Any]) -> Report:
    """Write every component's shards, manifest.json and README.md to `out`.

    folder: `documents/<component>` and `snippets/<component>`, as decontaminate writes them.
    sources: the profile's `fetch` section, for the card.
    A document that cannot be written is named in <component>/dropped, which exists only if there is one.
    Raises InputError where a component has documents but params do not name it, and ParamsError where a form has a
    component that they do not name.
    """
    made = sorted(path.name for path in (folder / "documents").iterdir() if path.is_dir())
    if unknown := sorted(set(made) - set(components)):
        raise InputError(f"{folder}/documents/{unknown[0]}: params.yaml: components does not name it")
    if unknown := sorted(set(params.translated.forms) - set(components)):
        raise ParamsError(f"params: corpus.translated.form: components has no {unknown[0]!r}")
    total, documents = Report(), Counter[str]()
    manifest: dict[str, Any] = {"title": params.title, "version": params.version, "components": {}}
    for component in components:
        kept = ShardsWriter(out / component, DOCUMENT, params.shard_megabytes << 20)
        with Funnel(kept, LazyShard(out / component / "dropped" / shard_name(0), DROPPED)) as funnel:
            if component in params.translated.forms:
                _write_translated(folder, component, funnel, params.translated)
            else:
                _write_documents(folder / "documents" / component, funnel)
        total += funnel.report
        documents[f"documents_{component}"] = funnel.report.kept
        manifest["components"][component] = _describe(out / component)
    total.counts.update(documents)
    refuse_failures("corpus", total)
    notes = {name: SourceNote.model_validate(value) for name, value in sources.items()}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_write_card(manifest, notes), encoding="utf-8")
    return total


def _write_documents(folder: Path, funnel: Funnel) -> None:
    for shard in list_shards(folder) if folder.is_dir() else []:
        for batch in funnel.read(shard, DOCUMENT.names):
            funnel.keep(batch.cast(DOCUMENT))


def _write_translated(folder: Path, component: str, funnel: Funnel, params: TranslatedParams) -> None:
    """Write the documents of every page that has snippets."""
    for snippets in sorted((folder / "snippets").iterdir()):
        for shard in list_shards(snippets):
            # Stages keep the names of shards, so the page of a snippet is in the shard with the same name.
            pages = _read_pages(shard, folder / "documents" / snippets.name / shard.name)
            documents = _translate_pages(pages, component, funnel, params)
            while batch := list(islice(documents, BATCH_ROWS)):
                funnel.keep(pa.RecordBatch.from_pylist(batch, DOCUMENT))


def _read_pages(snippets: Path, documents: Path) -> Iterator[tuple[dict[str, Any], list[Snippet]]]:
    """Yield each page that has snippets, with them. Both shards have the pages in the same order."""
    pages = (row for batch in read_batches(documents, PAGE) for row in batch.to_pylist())
    rows = (row for batch in read_batches(snippets) for row in batch.to_pylist())
    for identity, group in groupby(rows, key=lambda row: row["document_id"]):
        own = list(group)
        page = next((page for page in pages if page["id"] == identity), None)
        if page is None:
            name = snippet_id(identity, own[0]["position"])
            raise InputError(f"snippet {name}: its document is not in {documents}, or not in the order of the snippets")
        yield page, own


def _translate_pages(
    pages: Iterable[tuple[dict[str, Any], list[Snippet]]], component: str, funnel: Funnel, params: TranslatedParams
) -> Iterator[dict[str, Any]]:
    form = params.forms[component]
    for page, snippets in pages:
        written = attempt(translate_page, page["text"], snippets, form, params.context_characters)
        if isinstance(written, Failed):
            funnel.count_read()
            funnel.fail(document_id(component, page["id"]), written)
            continue
        funnel.count_read(len(written))
        count = sum(len(document.snippets) for document in written)
        funnel.report.counts["snippets"] += count
        funnel.report.skipped[Reason.SAME_RESULT.value] += len(snippets) - count
        for document in written:
            yield _to_record(document, page, component, is_whole=len(written) == 1)


def _to_record(document: Translated, page: dict[str, Any], component: str, *, is_whole: bool) -> dict[str, Any]:
    positions = sorted(snippet["position"] for snippet in document.snippets)
    translators: dict[str, list[int]] = {}
    for snippet in sorted(document.snippets, key=lambda row: row["position"]):
        translators.setdefault(snippet["translator"], []).append(snippet["position"])
    # A page has one document in the component as a rule. Otherwise its first program tells its documents apart.
    key = page["id"] if is_whole else snippet_id(page["id"], positions[0])
    metadata = encode_metadata(document_id=page["id"], positions=positions, translators=translators)
    return {
        "id": document_id(component, key),
        "text": document.text,
        "source": page["source"],
        "url": page["url"],
        "license": page["license"],
        "metadata": metadata,
    }


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
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        shards.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256})
    return {
        "documents": documents,
        "characters": characters,
        "licences": dict(sorted(licences.items())),
        "shards": shards,
    }


def _write_card(manifest: dict[str, Any], sources: dict[str, SourceNote]) -> str:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=False, trim_blocks=True
    )
    return templates.get_template("dataset_card.md").render(manifest=manifest, sources=sources)
