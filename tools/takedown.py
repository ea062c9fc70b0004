"""Take a document down: add a line to removed.csv, and say which versions and stages have it.

The next `dvc repro` makes a corpus without it. Versions that were published before have it still, until their objects
are deleted from the remote; the lines printed last name these objects.
"""

import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.removals import HEADER, KINDS, Removal, Removals, read_removals
from stages.report.funnel import FUNNEL
from tools.recorded import WORKSPACE, DataFile, MissingDataError, Objects, Version, list_tags

REMOVED = Path("removed.csv")
# Made of the documents' tokens, without their ids.
MADE_OF_TOKENS = ("data/pack", "models/pretrain")
NOT_SEARCHED = "neither in the cache nor in the remote"


class Found(NamedTuple):  # one file that has the document, or something made from it
    versions: list[str]
    file: DataFile


class Search:
    """What is known of the document, and where it was found."""

    def __init__(self, line: Removal, objects: Objects) -> None:
        self._removals = Removals([line])
        self._objects = objects
        self.ids: set[str] = set()
        """The ids of the document, and of what was made from it: translated pages."""
        self.found: dict[tuple[str, str], Found] = {}
        """By path and MD5."""
        self.missing: set[str] = set()
        """Outs of versions that could not be read."""
        self._looked: dict[str, bool] = {}

    def search(self, versions: list[Version]) -> None:
        """Look through the shards of every version, in the order of the stages. A shard of several is read once."""
        outs = sorted({out for version in versions for out in version.outs}, key=_place)
        for out in (out for out in outs if _place(out) < len(FUNNEL)):
            for version in versions:
                try:
                    for file in version.list_files(out):
                        if file.is_shard and not file.is_dropped and self._has(file):
                            self.found.setdefault((file.path, file.md5), Found([], file)).versions.append(version.name)
                except MissingDataError:
                    self.missing.add(f"{version.name}: {out}")

    def _has(self, file: DataFile) -> bool:
        if file.md5 not in self._looked:
            columns = ["id", "document_id", "url", "metadata", *(["text"] if self._removals.needs_text else [])]
            is_hit = False
            for rows in self._objects.read_rows(file, columns):
                for row in rows:
                    is_hit |= self._matches(row)
            self._looked[file.md5] = is_hit
        return self._looked[file.md5]

    def _matches(self, row: dict[str, Any]) -> bool:
        """Say whether a row is the document or was made from it; remember the ids of documents."""
        identity = str(row.get("id") or row.get("document_id") or "")
        if identity in self.ids:
            return True
        page = ""
        if '"document_id"' in (row.get("metadata") or ""):
            page = str(json.loads(row["metadata"]).get("document_id"))
        is_hit = page in self.ids or bool(self._removals.find(identity, row.get("url") or "", row.get("text") or ""))
        if is_hit:
            self.ids.add(identity)
        return is_hit


def _place(out: str) -> int:
    stage = out.split("/")[1] if out.startswith("data/") else ""
    return FUNNEL.index(stage) if stage in FUNNEL else len(FUNNEL)


def take_down(target: str, reason: str) -> Iterator[str]:
    """Add a line for a target to removed.csv; yield what was added, where the document is, and how to purge it.

    target: an id, a URL, a domain, or the SHA-256 of a text.
    Raises PipelineError where the target is none of these.
    """
    objects = Objects()
    workspace = Version(WORKSPACE, objects)
    versions = [*(Version(tag, objects) for tag in list_tags()), workspace]
    value = find_page(target, workspace, objects)
    if value != target:
        yield f"{target} was made from {value}, which is taken down with everything made from it"
    line = Removal(find_kind(value), value, date.today().isoformat(), reason)
    is_new = line.name not in {known.name for known in read_removals(REMOVED).lines}
    if is_new:
        _append(line)
    search = Search(line, objects)
    search.search(versions)
    if not search.found:
        undo = f"delete its line from {REMOVED} again (`git diff {REMOVED}` shows it)" if is_new else "it may be a slip"
        yield f"WARNING: {line.name} matches nothing that could be read. If that is not as meant, {undo}."
    yield f"{REMOVED}: {line.name} {'added' if is_new else 'was there already'}"
    yield from _describe(search)
    for copy in find_copies(search.ids, workspace, objects):
        yield f"a copy, which deduplicate will keep instead: {copy}. Take it down too if it is meant"
    yield from _explain_purge(search, objects)


def find_kind(target: str) -> str:
    """Return which kind of value a target is; raises PipelineError where it is none."""
    for kind in ("text", "id", "domain"):
        # A file name in a folder is no domain, and a URL may look like nothing else.
        if KINDS[kind].fullmatch(target):
            return kind
    if re.search(r"[/:]", target) and KINDS["url"].fullmatch(target):
        return "url"
    raise PipelineError(f"{target!r} is no id, URL, domain or SHA-256 of a text")


def find_page(target: str, workspace: Version, objects: Objects) -> str:
    """Return the id of the page that a document of translated code was made from, else the target itself."""
    component = target.split("/")[0]
    for file in workspace.list_files("data/corpus") if find_kind(target) == "id" else []:
        if file.is_shard and file.name.split("/")[0] == component:
            for rows in objects.read_rows(file, ["id", "metadata"]):
                for row in rows:
                    if row["id"] == target:
                        return str(json.loads(row["metadata"]).get("document_id") or target)
    return target


def _append(line: Removal) -> None:
    with open(REMOVED, "a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow([getattr(line, name) for name in HEADER])


def find_copies(ids: set[str], workspace: Version, objects: Objects) -> list[str]:
    """Return the documents that deduplicate dropped as copies of these, or kept in their place."""
    copies = set()
    for file in workspace.list_files("data/deduplicate"):
        if file.is_shard and file.is_dropped:
            for rows in objects.read_rows(file, ["id", "detail"]):
                for row in rows:
                    if of := re.match(r"of (\S+) \d+ percent", row["detail"]):
                        pair = {row["id"], of[1]}
                        copies |= pair - ids if pair & ids else set()
    return sorted(copies)


def _describe(search: Search) -> Iterator[str]:
    if not search.found:
        yield "no shard that could be read has it"
    for path, md5 in search.found:
        yield f"{', '.join(search.found[path, md5].versions)}: {path}"
    for out in sorted(search.missing):
        yield f"{out}: not searched, {NOT_SEARCHED}"


def _explain_purge(search: Search, objects: Objects) -> Iterator[str]:
    """Yield what is left to do, for the next version and for those that are published."""
    stages = {path.split("/")[1] for path, _ in search.found}
    yield ""
    yield "For the next version:"
    yield "  git add removed.csv && git commit -m 'Take a document down'"
    yield "  dvc repro && git commit -am 'The corpus without it'"
    yield "  make publish VERSION=<the next one>"
    if "fetch" in stages:
        yield "  data/fetch, and what stages before select make of it, keep the text: push the corpus alone"
        yield "  (make publish STAGES=corpus), or take the document out of the source."
    published = {key: found for key, found in search.found.items() if set(found.versions) - {WORKSPACE}}
    tags = sorted({name for found in published.values() for name in found.versions} - {WORKSPACE})
    if not tags:
        return
    yield f"To purge it from {', '.join(tags)}: these versions can then no longer be fetched as a whole."
    yield "  1. Delete these objects from the remote, and from the cache of everyone who has them:"
    addresses = set()
    for _, md5 in published:
        try:
            addresses.add(objects.remote_address(md5))
        except MissingDataError:
            addresses.add(f"files/md5/{md5[:2]}/{md5[2:]}")
    yield from (f"     {address}" for address in sorted(addresses))
    yield f"     Delete {' and '.join(MADE_OF_TOKENS)} of these versions too: they have the tokens, without ids."
    yield f"  2. Delete the tags: git push origin --delete {' '.join(tags)}; git tag --delete {' '.join(tags)}"
    yield "  3. On the Hugging Face hub: push the next version, then squash the history of the dataset."
    yield "  4. On this machine: dvc gc --workspace, make prune, and downloads, replies and checkpoints in .scratch/."
