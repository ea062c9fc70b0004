"""Say what changed between two versions: documents and snippets by component and reason, tokens, scores, params.

The manifest's shards are compared first: shards that both versions have are not read. Of the others the ids are read,
and the texts only where both versions have the id. Memory: 16 bytes for each record of a shard that differs.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import xxhash
import yaml
from numpy.typing import NDArray

from mathcode_pile.core.documents import snippet_id
from stages.report.funnel import FUNNEL
from tools.recorded import DataFile, MissingDataError, Objects, Version

Hashes = NDArray[np.uint64]
Row = dict[str, Any]


class Kind(NamedTuple):  # what is compared: documents, or snippets
    name: str
    out: str
    below: str
    """The folder of the components below the out."""
    identify: Callable[[Row], str]
    ids: list[str]
    """The columns that `identify` reads."""
    content: list[str]
    """The columns in which a record may have changed."""


DOCUMENTS = Kind("documents", "data/corpus", "", lambda row: str(row["id"]), ["id"], ["text", "license", "metadata"])
SNIPPETS = Kind(
    "snippets",
    "data/decontaminate",
    "snippets/",
    lambda row: snippet_id(row["document_id"], row["position"]),
    ["document_id", "position"],
    ["expression", "result", "code", "stdout"],
)
NEW, GONE = "new in the sources", "no longer in the sources"
# Of a snippet, or a document of translated code, whose page was dropped in neither version.
OTHERS = ("its page or its program is new", "its page or its program is gone")


class Change(NamedTuple):  # what became of the records of one component
    added: Hashes
    removed: Hashes
    changed: Hashes
    old: list[DataFile]
    """The old version's shards that the new one does not have."""
    new: list[DataFile]


class Part(NamedTuple):  # the records of one component that were added, removed or changed
    word: str
    reasons: list[tuple[str, int]]
    """Why, and how many records for it, the most frequent first."""
    examples: list[str]


class ComponentChange(NamedTuple):  # what changed in one component
    component: str
    counts: dict[str, int]
    """Records added, removed and changed."""
    parts: list[Part]


class Comparison:
    """Two versions, the older first."""

    def __init__(self, old: str, new: str, examples: int) -> None:
        """examples: how many records of each kind of change are shown."""
        self._objects = Objects()
        self.old, self.new, self.examples = Version(old, self._objects), Version(new, self._objects), examples

    def describe(self) -> Iterator[str]:
        """Yield the lines of the comparison."""
        yield f"{self.old.name} to {self.new.name}"
        for kind in (DOCUMENTS, SNIPPETS):
            yield ""
            try:
                yield from _describe_records(kind, self.compare(kind))
            except MissingDataError as error:
                yield f"{kind.name}: not compared: {error}"
        for title, changes in self.list_figures().items():
            lines = [f"  {name}: {before} to {after}{by}" for name, before, after, by in changes]
            yield from ("", f"{title}:", *(lines or ["  the same"]))

    def list_figures(self) -> dict[str, list[tuple[str, Any, Any, str]]]:
        """Return the tokens, scores and params that differ: name, old and new value, and by how much they differ."""
        readers = {"tokens": read_tokens, "scores": read_scores, "params": read_params}
        return {title: _list_changes(read(self.old), read(self.new)) for title, read in readers.items()}

    def compare(self, kind: Kind) -> list[ComponentChange]:
        """Return what changed in each component; raises MissingDataError where the data cannot be had."""
        files = [self._find_shards(version, kind) for version in (self.old, self.new)]
        return [
            self._compare_component(kind, component, *(shards.get(component, []) for shards in files))
            for component in sorted(set().union(*files))
        ]

    def _compare_component(
        self, kind: Kind, component: str, old: list[DataFile], new: list[DataFile]
    ) -> ComponentChange:
        change = self._compare(kind, old, new)
        counts = {name: len(getattr(change, name)) for name in ("added", "removed", "changed")}
        parts = [
            self._explain(kind, "added", change.added, change.new, self.old, NEW),
            self._explain(kind, "removed", change.removed, change.old, self.new, GONE),
            Part("changed", [], list(self._show(kind, "changed", change.changed, change.new, {}))),
        ]
        return ComponentChange(component, counts, parts)

    def _find_shards(self, version: Version, kind: Kind) -> dict[str, list[DataFile]]:
        """Return the shards of each component."""
        found: dict[str, list[DataFile]] = {}
        for file in version.list_files(kind.out):
            component, _, rest = file.name.removeprefix(kind.below).partition("/")
            if file.name.startswith(kind.below) and file.is_shard and "/" not in rest:
                found.setdefault(component, []).append(file)
        return found

    def _compare(self, kind: Kind, old: list[DataFile], new: list[DataFile]) -> Change:
        shared = {file.md5 for file in old} & {file.md5 for file in new}
        old, new = ([file for file in files if file.md5 not in shared] for files in (old, new))
        before, after = (np.unique(self._hash_ids(kind, files)) for files in (old, new))
        both = np.intersect1d(before, after, assume_unique=True)
        contents = [self._hash_contents(kind, files, both) for files in (old, new)] if len(both) else [both, both]
        return Change(
            np.setdiff1d(after, before, assume_unique=True),
            np.setdiff1d(before, after, assume_unique=True),
            both[contents[0] != contents[1]],
            old,
            new,
        )

    def _read(self, files: Iterable[DataFile], columns: list[str]) -> Iterator[list[Row]]:
        for file in files:
            yield from self._objects.read_rows(file, columns)

    def _hash_ids(self, kind: Kind, files: list[DataFile]) -> Hashes:
        parts = [hash_texts(map(kind.identify, rows)) for rows in self._read(files, kind.ids)]
        return np.concatenate([np.empty(0, np.uint64), *parts])

    def _hash_contents(self, kind: Kind, files: list[DataFile], wanted: Hashes) -> Hashes:
        """Return the hash of the content of each wanted record, in their order."""
        contents = np.zeros(len(wanted), np.uint64)
        for rows in self._read(files, kind.ids + kind.content):
            ids = hash_texts(map(kind.identify, rows))
            places = np.searchsorted(wanted, ids)
            hit = wanted[np.minimum(places, len(wanted) - 1)] == ids
            values = hash_texts("\0".join(str(row[name]) for name in kind.content) for row in rows)
            contents[places[hit]] = values[hit]
        return contents

    def _explain(
        self, kind: Kind, word: str, hashes: Hashes, files: list[DataFile], other: Version, otherwise: str
    ) -> Part:
        """Return how many records were added or removed for each reason, and examples.

        other: the version without them; what it dropped says why. Added records are those that it dropped.
        """
        if not len(hashes):
            return Part(word, [], [])
        wanted = set(hashes.tolist())
        ids = {}  # of each record, and of the page that it belongs to
        for rows in self._read(files, [*kind.ids, "metadata"]):
            for row in rows:
                identity = kind.identify(row)
                if hash_one(identity) in wanted:
                    page = row.get("document_id") or json.loads(row.get("metadata") or "{}").get("document_id")
                    ids[identity] = str(page or identity)
        dropped = self._find_reasons(other, set(ids) | set(ids.values()))
        reasons = {}
        for identity, page in ids.items():
            fallback = otherwise if page == identity else OTHERS[otherwise == GONE]
            reasons[identity] = dropped.get(identity) or dropped.get(page) or fallback
        ranked = sorted(Counter(reasons.values()).items(), key=lambda item: (-item[1], item[0]))
        named = [
            (f"was dropped before: {reason}" if word == "added" and reason not in (NEW, OTHERS[0]) else reason, count)
            for reason, count in ranked
        ]
        return Part(word, named, list(self._show(kind, word, hashes, files, reasons)))

    def _find_reasons(self, version: Version, ids: set[str]) -> dict[str, str]:
        """Return the stage and the reason for which a version dropped each of the records, and what it dropped them by.

        A stage whose data cannot be had is passed over.
        """
        reasons: dict[str, str] = {}
        for out in sorted(version.outs, key=_place_in_funnel):
            try:
                files = [file for file in version.list_files(out) if file.is_dropped and file.is_shard]
                for rows in self._read(files, ["id", "reason"]):
                    for row in rows:
                        if row["id"] in ids:
                            reasons.setdefault(row["id"], f"{row['reason']} ({out.split('/')[1]})")
            except MissingDataError:
                continue
        return reasons

    def _show(
        self, kind: Kind, word: str, hashes: Hashes, files: list[DataFile], reasons: dict[str, str]
    ) -> Iterator[str]:
        """Yield a line for each of the first records."""
        wanted = set(hashes.tolist()) if self.examples else set()
        columns = list(dict.fromkeys([*kind.ids, "url", kind.content[0]]))
        rows = (row for rows in (self._read(files, columns) if wanted else []) for row in rows)
        chosen = (row for row in rows if hash_one(kind.identify(row)) in wanted)
        for row in islice(chosen, self.examples):
            identity = kind.identify(row)
            said = " ".join(str(row[kind.content[0]]).split())[:80]
            parts = [f"{word} {identity}", reasons.get(identity, ""), row.get("url", ""), said]
            yield "  ".join(filter(None, parts))


def _describe_records(kind: Kind, changes: list[ComponentChange]) -> Iterator[str]:
    yield f"{kind.name}:"
    for component, counts, parts in changes:
        yield f"  {component}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
        for word, reasons, examples in parts:
            yield from (f"    {word}, {reason}: {count:,}" for reason, count in reasons)
            yield from (f"      {example}" for example in examples)


def hash_one(text: str) -> int:
    """Return the 64-bit hash of a text."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8"))


def hash_texts(texts: Iterable[str]) -> Hashes:
    """Return the 64-bit hash of each text."""
    return np.fromiter(map(hash_one, texts), np.uint64)


def _place_in_funnel(out: str) -> int:
    stage = out.split("/")[1] if "/" in out else ""
    return FUNNEL.index(stage) if stage in FUNNEL else len(FUNNEL)


def read_tokens(version: Version) -> dict[str, Any]:
    """Return the counts of tokenize and pack, by name: `tokenize/textbooks: tokens`."""
    return _read_metrics(version, ("tokenize", "pack"))


def read_scores(version: Version) -> dict[str, Any]:
    """Return the figures of pretrain and evaluate."""
    return _read_metrics(version, ("evaluate", "pretrain"))


def _read_metrics(version: Version, stages: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path in version.list_texts("metrics", ".json"):
        name = path.removeprefix("metrics/").removesuffix(".json")
        if name.split("/")[0] in stages:
            content = json.loads(version.read_text(path) or "{}")
            values |= {f"{name}: {key}": value for key, value in _flatten(content).items()}
    return values


def read_params(version: Version) -> dict[str, Any]:
    """Return every param of params.yaml and of the profile that it names."""
    params = yaml.safe_load(version.read_text("params.yaml") or "{}")
    profile = f"profiles/{params.get('profile')}.yaml"
    size = yaml.safe_load(version.read_text(profile) or "{}")
    return _flatten(params) | {f"{profile}: {key}": value for key, value in _flatten(size).items()}


def _flatten(values: Any, before: str = "") -> dict[str, Any]:
    if not isinstance(values, dict):
        return {before: values}
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flatten(value, f"{before}.{key}" if before else str(key))
    return flat


def _list_changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, Any, Any, str]]:
    changes = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "none"), new.get(name, "none")
        if before != after:
            is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (before, after))
            changes.append((name, before, after, f" ({after - before:+,.6g})" if is_number else ""))
    return changes
