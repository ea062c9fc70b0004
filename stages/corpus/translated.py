"""Write the computations of pages, each with its program, in the form that params name."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import Field, field_validator

from mathcode_pile.core.documents import DOCUMENT, document_id, encode_metadata, snippet_id
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import CoreReason, DropReason, Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import list_shards, read_batches
from stages.corpus.layout import find_layout
from stages.corpus.page_form import write_page
from stages.corpus.programs import SYMBOLIC, Paragraph, Snippet, Translated, choose_programs, place_of
from stages.corpus.quality import Measured, Quality, measure_document
from stages.corpus.reasons import Reason
from stages.corpus.repeated import computed_of
from stages.corpus.retyped import is_retyped
from stages.corpus.steps_form import write_steps

COMPONENT = "translated_code"
BATCH_ROWS = 1000
PAGE = ["id", "text", "source", "url", "license"]

Form = Literal["page", "steps"]
FORMS = {"page": write_page, "steps": write_steps}


class TranslatedParams(Section):
    """How pages are written with the programs of their computations."""

    form: dict[str, Form] = {COMPONENT: "page"}
    """The form of each component of translated code; a form alone is that of the component translated_code."""
    context_characters: int = Field(default=2000, ge=0)
    """How much of a page is kept at most on either side of a program, or before a step, in whole paragraphs."""
    leave_out_retyped: Literal["none", "symbolic", "all"] = "none"
    """Whose programs are left out if they only type the page's arithmetic again and name few of its numbers."""

    @field_validator("form", mode="before")
    @classmethod
    def _name_component(cls, form: Any) -> Any:
        return {COMPONENT: form} if isinstance(form, str) else form


def write_translated(
    folder: Path, component: str, funnel: Funnel, params: TranslatedParams, removals: Removals
) -> Quality:
    """Write the documents of every page that has snippets, and measure them."""
    quality = Quality()
    programs = funnel.report.part(component)
    for snippets in sorted((folder / "snippets").iterdir()):
        counted = [programs, programs.part(snippets.name)]
        for shard in list_shards(snippets):
            # Stages keep the names of shards, so the page of a snippet is in the shard with the same name.
            pages = _read_pages(shard, folder / "documents" / snippets.name / shard.name)
            records = _translate_pages(pages, component, funnel, params, quality, removals, counted)
            while batch := list(islice(records, BATCH_ROWS)):
                funnel.keep(pa.RecordBatch.from_pylist(batch, DOCUMENT))
    return quality


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
    pages: Iterable[tuple[dict[str, Any], list[Snippet]]],
    component: str,
    funnel: Funnel,
    params: TranslatedParams,
    quality: Quality,
    removals: Removals,
    programs: list[Report],
) -> Iterator[dict[str, Any]]:
    """Yield the records of pages; `programs` count what becomes of the snippets."""
    for page, snippets in pages:
        name = document_id(component, page["id"])
        for report in programs:
            report.read += len(snippets)
        if line := removals.find(page["id"], page["url"], page["text"]):
            funnel.count_read()
            funnel.drop(name, Reason.TAKEN_DOWN, f"{page['id']}: {line.name}")
            _count(programs, Reason.TAKEN_DOWN, len(snippets))
            continue
        left_out, chosen = leave_out(snippets, params)
        made = attempt(_translate, page, chosen, component, params)
        if isinstance(made, Failed):
            funnel.count_read()
            funnel.fail(name, made)
            _count(programs, CoreReason.FAILED, len(snippets))
            continue
        funnel.count_read(len(made))
        for reason, count in Counter(left_out.values()).items():
            _count(programs, reason, count)
        _count(programs, Reason.SAME_RESULT, len(chosen) - sum(document.snippets for document in made))
        for document in made:
            # A reader of the published corpus may have named the document, not its page.
            record = document.record
            if line := removals.find(record["id"], record["url"], record["text"]):
                funnel.drop(record["id"], Reason.TAKEN_DOWN, line.name)
                _count(programs, Reason.TAKEN_DOWN, document.snippets)
                continue
            funnel.report.counts["snippets"] += document.snippets
            for report in programs:
                report.kept += document.snippets
            quality.add(record["id"], document.measured)
            yield record


def _count(programs: list[Report], reason: DropReason, count: int) -> None:
    for report in programs:
        report.dropped[reason.value] += count


def leave_out(snippets: list[Snippet], params: TranslatedParams) -> tuple[dict[int, Reason], list[Snippet]]:
    """Return the positions of a page's snippets that are left out, with the reason, and the other snippets.

    Of those others, the form keeps one for each result of a paragraph (`same_result`).
    """
    left_out = {row["position"]: Reason.RETYPED for row in snippets if _is_left_out(row, params.leave_out_retyped)}
    rest = [row for row in snippets if row["position"] not in left_out]
    chosen = _without_repeated(rest)
    positions = {row["position"] for row in chosen}
    left_out |= {row["position"]: Reason.SAME_PROGRAM for row in rest if row["position"] not in positions}
    return left_out, chosen


def _without_repeated(snippets: list[Snippet]) -> list[Snippet]:
    """Return a page's snippets without those of the symbolic translator that compute what another one computes."""
    kept: list[Snippet] = []
    seen: set[str] = set()
    for snippet in sorted(snippets, key=lambda row: (row["translator"] == SYMBOLIC, place_of(row))):
        computed = computed_of(snippet["code"])
        if computed not in seen or snippet["translator"] != SYMBOLIC:
            kept.append(snippet)
        seen |= {computed} - {""}
    return sorted(kept, key=place_of)


def _is_left_out(snippet: Snippet, whose: str) -> bool:
    is_meant = whose == "all" or (whose == "symbolic" and snippet["translator"] == SYMBOLIC)
    return is_meant and is_retyped(snippet["code"])


class _Made(NamedTuple):  # one document of translated code
    record: dict[str, Any]
    snippets: int
    measured: Measured


def _translate(page: dict[str, Any], snippets: list[Snippet], component: str, params: TranslatedParams) -> list[_Made]:
    made = []
    documents = translate_page(page["text"], snippets, params.form[component], params.context_characters)
    for document in documents:
        record = _to_record(document, page, component, is_whole=len(documents) == 1)
        made.append(_Made(record, len(document.snippets), measure_document(record["text"], record["metadata"])))
    return made


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


def translate_page(text: str, snippets: list[Snippet], form: Form, context: int) -> list[Translated]:
    """Return the documents of a page in the given form; most pages make one.

    context: how many characters of the page are kept at most around a program, or before a step.
    Raises InputError where a snippet's anchor is not in the text.
    """
    for snippet in snippets:
        if not 0 <= snippet["anchor"] <= len(text):
            name = snippet_id(snippet["document_id"], snippet["position"])
            raise InputError(f"snippet {name}: anchor {snippet['anchor']}: its page has {len(text)} characters")
    layout = find_layout(text)
    by_block = groupby(sorted(snippets, key=place_of), key=lambda snippet: layout.block_at(snippet["anchor"]))
    paragraphs = [Paragraph(block, choose_programs(group)) for block, group in by_block]
    return list(FORMS[form](layout, paragraphs, context))
