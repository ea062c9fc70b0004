"""Snippets to look at: verified, probably wrong in the source, contradicted by a model alone, failed, restated."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.documents import snippet_id
from mathcode_pile.core.shards import list_shards, read_batches
from stages.report.excerpts import find_documents

SYMBOLIC = "symbolic"
"""The translator that reads formulas by rules; what it contradicts is not a model's mistake."""
CONTRADICTED, RESTATED = "contradicted", "restated"
EACH = 3
"""Verified or restated snippets of each translator."""
FAILED_EACH = 1
SHARDS = 8
"""Of a component; enough to choose from, whatever the size of the corpus."""
BEFORE, AFTER = 260, 160
"""Characters of the page that are shown around a statement."""


class Shown(NamedTuple):
    """A snippet with its page."""

    snippet: dict[str, Any]
    fate: str
    """Why it was dropped, `verified` if it was not."""
    url: str = ""
    around: str = ""
    """The page's text around the statement."""
    agreeing: tuple[str, ...] = ()
    """The translators whose programs print the same other result."""

    @property
    def id(self) -> str:
        """The snippet's id."""
        return snippet_id(self.snippet["document_id"], self.snippet["position"])


class Gallery(NamedTuple):
    """The snippets of a run that are worth a look."""

    verified: list[Shown]
    """Some of each translator."""
    wrong: list[Shown]
    """Statements that are probably wrong in the source, the best evidence first."""
    doubtful: list[Shown]
    """Statements that only a model's program contradicts: the program may be wrong."""
    failed: list[Shown]
    """Some that did not run, cannot be compared or printed what nobody would print, of each reason."""
    restated: list[Shown]
    """Some that only print the stated result, of each translator; they were not run."""


def fill_gallery(data: Path) -> Gallery:
    """Choose snippets of a run, with the addresses of their pages and the text around them."""
    verified = _spread(_read(data / "decontaminate" / "snippets"))
    rejected = list(_read(data / "verify", "rejected"))
    wrong, doubtful = weigh_contradictions(row for row in rejected if row["verdict"] == CONTRADICTED)
    failed = _one_of_each(row for row in rejected if row["verdict"] != CONTRADICTED)
    restated = _spread(_read(data / "translate", RESTATED))
    groups = [_with_pages(data, group) for group in (verified, wrong, doubtful, failed, restated)]
    return Gallery(*groups)


def weigh_contradictions(rows: Iterable[dict[str, Any]]) -> tuple[list[Shown], list[Shown]]:
    """Return the contradicted statements that are probably wrong, and those that only a model's program contradicts.

    Each statement occurs once. Most convincing are those that two translators contradict with the same result, then
    exact ones, then approximations, where a digit may be a matter of rounding.
    """
    statements: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        statements.setdefault((row["document_id"], row["stated"]), []).append(row)
    found = []
    for same in statements.values():
        first = min(same, key=lambda row: (row["translator"] != SYMBOLIC, row["position"]))
        agreeing = sorted({row["translator"] for row in same if row["printed"] == first["printed"]})
        found.append(Shown(first, CONTRADICTED, agreeing=tuple(agreeing)))
    found.sort(key=lambda one: (-len(one.agreeing), one.snippet["relation"] != "=", one.id))
    return [one for one in found if _is_convincing(one)], [one for one in found if not _is_convincing(one)]


def _is_convincing(shown: Shown) -> bool:
    return SYMBOLIC in shown.agreeing or len(shown.agreeing) > 1


def _read(folder: Path, below: str = "") -> Iterator[dict[str, Any]]:
    """Yield the snippets of the first row group of the first shards of each component."""
    for component in sorted(folder.iterdir()) if folder.is_dir() else []:
        place = component / below
        for shard in list_shards(place)[:SHARDS] if place.is_dir() else []:
            for batch in islice(read_batches(shard), 1):
                yield from batch.to_pylist()


def _spread(rows: Iterable[dict[str, Any]]) -> list[Shown]:
    """Return some snippets of each translator, spread over all that were read."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["translator"], []).append(row)
    chosen = []
    for name in sorted(groups, key=lambda name: (name != SYMBOLIC, name)):
        own = groups[name]
        step = max(1, len(own) // EACH)
        chosen += [Shown(row, row.get("verdict", RESTATED)) for row in own[step // 2 :: step][:EACH]]
    return chosen


def _one_of_each(rows: Iterable[dict[str, Any]]) -> list[Shown]:
    """Return the first snippets of each way to fail."""
    groups: dict[str, list[Shown]] = {}
    for row in rows:
        fate = row["verdict"] if row["outcome"] == "ok" else row["outcome"]
        fate = "unclean_output" if fate == "verified" else fate
        groups.setdefault(fate, []).append(Shown(row, fate))
    return [one for fate in sorted(groups) for one in groups[fate][:FAILED_EACH]]


def _with_pages(data: Path, group: list[Shown]) -> list[Shown]:
    """Return the group with its pages' addresses and the text around the statements."""
    pages = find_documents(data / "deduplicate", {one.snippet["document_id"] for one in group})
    return [_with_page(one, pages.get(one.snippet["document_id"])) for one in group]


def _with_page(one: Shown, page: dict[str, Any] | None) -> Shown:
    if page is None:
        return one
    return one._replace(url=page["url"], around=cut_around(page["text"], one.snippet["anchor"]))


def cut_around(text: str, place: int) -> str:
    """Return a text's lines around a place, without half a formula at the end."""
    start = text.rfind("\n", 0, max(0, place - BEFORE)) + 1 if place > BEFORE else 0
    stop = text.find("\n", place)
    around = text[max(start, place - 2 * BEFORE) : min(stop if stop >= 0 else len(text), place + AFTER)].strip()
    return around[: around.rindex("$")].rstrip() if around.count("$") % 2 else around
