"""Say what became of a document or snippet: the stages that have it, what they say of it, and where it ended.

Of a page that reached translate it also says which parts gave no snippet, and why.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.dataset as ds

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import load
from stages.corpus.reasons import Reason
from stages.corpus.stage import CorpusParams
from stages.corpus.translated import leave_out
from stages.report.explanations import explain_reasons
from stages.report.funnel import FUNNEL
from tools.lookup import find, page_of, title_of, translated_from
from tools.reasons import name_type
from tools.untranslated import is_translated, say_untranslated

# Copies beside what a stage passes on.
ASIDE = ("rejected", "contaminated")
# A few examples for the report, of what its stage dropped; the places of its snippets are not those of a document.
EXAMPLES = "restated"
# What stages know of a document, by column.
KNOWN = ("types", "component")
EXAMPLE = (
    "make why ID=openwebmath/0123456789abcdef (a snippet's id ends in #0, #1 ...), ID=<an address> "
    "or ID='<a piece of the text>'"
)


class Place(NamedTuple):
    """A folder of shards that knows of the record."""

    folder: Path
    document: dict[str, Any] | None = None
    snippets: tuple[dict[str, Any], ...] = ()
    dropped: tuple[dict[str, Any], ...] = ()

    @property
    def stage(self) -> str:
        """The stage that wrote the folder."""
        return self.folder.parts[0]


def explain(data: Path, wanted: str) -> list[str]:
    """Return lines on the document or snippet that an id, an address or a piece of text means.

    Where several documents have the text, they are listed. Raises PipelineError where none has it.
    """
    if not wanted.strip():
        raise PipelineError(f"what is asked for? {EXAMPLE}")
    found = find(data, wanted)
    if not found:
        raise PipelineError(
            f"{wanted!r}: no id, and no fetched document in {data}/ has this address or text; {EXAMPLE}"
        )
    if len(found) > 1:
        listed = [f"  {one.id}  {one.url}  {one.title}" for one in found]
        return [f"{len(found)} documents or more have it; ask again with an id:", *listed]
    identity = found[0].id
    if page := page_of(data, identity):
        return [f"{identity} was made from the page {page}:", "", *trace(data, page)]
    return trace(data, identity)


def trace(data: Path, identity: str) -> list[str]:
    """Return lines on a document or snippet: what it is, what each stage did, its snippets, where it ended.

    Raises PipelineError where no folder has it.
    """
    document, _, position = identity.partition("#")
    places = list(_places(data, document, int(position) if position else None))
    if not places:
        raise PipelineError(f"{identity}: no shard in {data}/ has it")
    translated = translated_from(data, document)
    left_out = _find_left_out(data, document, translated)
    return [
        *_describe(identity, places),
        *(
            f"  {place.folder.as_posix():<44} {_say(place)}"
            for place in places
            if not set(ASIDE) & set(place.folder.parts)
        ),
        *_show_snippets(places, left_out),
        *([] if position else _show_untranslated(places)),
        "",
        _end(identity, places, translated, left_out),
    ]


def _find_left_out(data: Path, document: str, translated: dict[str, list[int]]) -> dict[int, str]:
    """Return the snippets of a page that `corpus` did not write, by position, with the reason."""
    if not (data / "corpus" / "manifest.json").is_file():
        return {}
    own = [row for place in _places(data, document, None, ["decontaminate"]) for row in place.snippets]
    left_out, _ = leave_out(own, load("corpus", CorpusParams).translated)
    written = {position for positions in translated.values() for position in positions}
    return {
        row["position"]: left_out.get(row["position"], Reason.SAME_RESULT).value
        for row in own
        if row["position"] not in written
    }


def _places(data: Path, document: str, position: int | None, stages: Sequence[str] = FUNNEL) -> Iterator[Place]:
    """Yield what each folder of shards has of a document, or of one of its snippets, in the order of the stages."""
    paths = {path.parent for stage in stages for path in (data / stage).rglob("part-*.parquet")}
    paths = {path for path in paths if path.name != EXAMPLES}
    for path in sorted(paths, key=lambda path: (FUNNEL.index(path.relative_to(data).parts[0]), path)):
        folder = path.relative_to(data)
        table = ds.dataset(sorted(map(str, path.glob("part-*.parquet"))), format="parquet")
        if "document_id" in table.schema.names:
            wanted = ds.field("document_id") == document
            if position is not None:
                wanted &= ds.field("position") == position
            rows = table.to_table(filter=wanted).to_pylist()
            place = Place(folder, snippets=tuple(rows))
        elif "reason" in table.schema.names:
            name = document if position is None else f"{document}#{position}"
            # A document's dropped snippets too: their ids are the document's, # and a position.
            wanted = ds.field("id") == name
            if position is None:
                wanted |= (ds.field("id") > document + "#") & (ds.field("id") < document + "$")
            place = Place(folder.parent, dropped=tuple(table.to_table(filter=wanted).to_pylist()))
        elif "id" in table.schema.names:
            columns = [name for name in table.schema.names if name not in ("content", "tokens")]
            rows = table.to_table(columns=columns, filter=ds.field("id") == document).to_pylist()
            place = Place(folder, document=rows[0] if rows else None)
        else:
            continue
        if place.document or place.snippets or place.dropped:
            yield place


def _describe(identity: str, places: list[Place]) -> Iterator[str]:
    """Yield what the record is: title, address, source, licence, types, scores."""
    yield identity
    known: dict[str, Any] = {}
    for place in places:
        known |= {name: value for name, value in (place.document or {}).items() if value not in (None, "")}
    if "text" in known:
        yield f"  title     {title_of(known['text'])}"
    for name in ("url", "source", "license", *KNOWN):
        if name in known:
            yield f"  {name:<9} {_name_types(known[name]) if name == 'types' else known[name]}"
    for name, value in known.items():
        if name.startswith("score_"):
            yield f"  score     {value:.4f} by {name.removeprefix('score_')}"
    yield ""


def _name_types(types: list[int]) -> str:
    """Return the types of a document's pieces with their names, each where it first occurs."""
    times = Counter(types)
    named = [f"{kind} ({name_type(kind)})" + f" {count} times" * (count > 1) for kind, count in times.items()]
    return ", ".join(named)


def _say(place: Place) -> str:
    """Return what a stage did with the document and its snippets."""
    said = [f"{row['id']} dropped: {_explain(place.stage, row)}" for row in place.dropped]
    if place.document:
        said.append("passed on")
    if place.snippets:
        outcomes = Counter(row.get("verdict") or row.get("outcome") or "" for row in place.snippets)
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()) if name)
        said.append(f"{len(place.snippets)} snippet{'s' * (len(place.snippets) > 1)}" + f" ({kinds})" * bool(kinds))
    return ("\n" + " " * 47).join(said)


def _explain(stage: str, row: dict[str, Any]) -> str:
    """Return a drop's reason with its detail and its sentence."""
    sentences = [one.sentence for one in explain_reasons({stage: [row["reason"]]})]
    return " ".join(filter(None, [row["reason"], f"({row['detail']})" if row["detail"] else "", *sentences]))


def _show_snippets(places: list[Place], left_out: dict[int, str]) -> Iterator[str]:
    """Yield each snippet with its program, output and verdict, as the last stage that knows it has it."""
    latest: dict[int, dict[str, Any]] = {}
    for place in places:
        latest |= {row["position"]: row for row in place.snippets}
    for position, row in sorted(latest.items()):
        judged = row.get("verdict") or row.get("outcome") or "not run yet"
        method = f" by {row['method']}" if row.get("method") else ""
        yield ""
        end = f"; left out by corpus: {left_out[position]}" if position in left_out else ""
        yield f"snippet #{position}: {judged}{method}, written by {row['translator']}{end}"
        stated = f" {row['relation']} {row['result']}" if not row["expression"].endswith(row["result"]) else ""
        yield f"  {row['expression']}{stated}"
        yield from (f"  | {line}" for line in row["code"].strip().splitlines())
        if "stdout" in row:
            yield f"  printed {json.dumps(row['stdout'].strip() or row['error'], ensure_ascii=False)[:200]}"


def _show_untranslated(places: list[Place]) -> Iterator[str]:
    """Yield what the translators left out of a page that reached them."""
    for place in places:
        if place.stage == "deduplicate" and place.document and is_translated(place.folder.name):
            yield ""
            yield from say_untranslated(place.document["text"])


def _end(identity: str, places: list[Place], translated: dict[str, list[int]], left_out: dict[int, str]) -> str:
    """Return where the record ended."""
    untranslated = ""
    for place in places:
        for row in place.dropped:
            if row["id"] != identity:
                continue
            if place.stage != "translate" or "#" in identity:
                return f"It ended in {place.stage}: {row['reason']}."
            untranslated = row["reason"]  # the page itself goes on, to `decontaminate` and the corpus
    last = [place for place in places if place.snippets or "#" not in identity][-1].folder
    corpus = [place.folder.as_posix() for place in places if place.stage == "corpus"]
    if "#" in identity:
        position = int(identity.rpartition("#")[2])
        if position in left_out:
            return f"It ended in corpus: {_explain('corpus', {'reason': left_out[position], 'detail': ''})}"
        ends = [f"It is in the corpus: {name}." for name, positions in translated.items() if position in positions]
        return " ".join(ends) or f"It reached {last.as_posix()}, and no later stage has read it yet."
    if corpus or translated:
        without = f"; it has no translated code: {untranslated}" if untranslated and not translated else ""
        return f"It is in the corpus: {', '.join([*corpus, *translated])}{without}."
    if untranslated:
        return f"It has no translated code: {untranslated}. No later stage has read it yet."
    return f"It reached {last.as_posix()}, and no later stage has read it yet."
