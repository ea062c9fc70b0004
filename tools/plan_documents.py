"""How many documents a profile brings, and how many of them reach the corpus."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.sources import HuggingFace, Local, Origin, PythonPackages, WorkedMathematics
from mathcode_pile.sources.formats import SUFFIXES
from stages.fetch.stage import OriginsParams
from tools.earlier_run import Recorded
from tools.figures import Dataset, Figures
from tools.spans import ZERO, Span

# Bytes of text of a generated page, and of the documentation of one object: the sample's means.
PAGE_BYTES = 1_400


class Amount(NamedTuple):
    """Documents, and what they take."""

    documents: Span
    text_bytes: Span
    download_bytes: Span
    stored_bytes: Span
    """Of the download, what stays on the disk until the source is complete."""
    basis: str

    def take(self, share: Span | float) -> "Amount":
        """Return a share of the documents."""
        return self._replace(documents=self.documents * share, text_bytes=self.text_bytes * share)

    def __add__(self, other: "Amount") -> "Amount":  # type: ignore[override]
        basis = ", ".join(dict.fromkeys(part for part in (self.basis, other.basis) if part))
        return Amount(
            self.documents + other.documents,
            self.text_bytes + other.text_bytes,
            self.download_bytes + other.download_bytes,
            self.stored_bytes + other.stored_bytes,
            basis,
        )


NOTHING = Amount(ZERO, ZERO, ZERO, ZERO, "")


def plan_source(source: str, params: OriginsParams, figures: Figures, recorded: Recorded) -> Amount:
    """Return what a source brings: as a run with the same params recorded it, else from its origins."""
    if not params.origins:
        return NOTHING._replace(basis="left out by the profile")
    expected = sum((_plan_origin(origin, figures) for origin in params.origins), NOTHING)
    documents = recorded.fetched(source)
    if documents is None:
        return expected
    stored = recorded.stored_bytes(f"fetch@{source}", f"data/fetch/{source}") or 0
    return expected._replace(
        documents=Span.exact(documents), text_bytes=Span.exact(stored / figures.stored_share), basis="recorded run"
    )


def _plan_origin(origin: Origin, figures: Figures) -> Amount:
    if isinstance(origin, HuggingFace):
        found = [
            row for row in figures.datasets if row.repository == origin.repository and row.pattern in origin.patterns
        ]
        missing = set(origin.patterns) - {row.pattern for row in found}
        amount = _limit(origin, found) if found else NOTHING
        return amount._replace(basis=f"no figures of {origin.repository}" if missing else "published sizes")
    if isinstance(origin, Local):
        size = sum(path.stat().st_size for path in _list_files(origin))
        count = sum(1 for _ in _list_files(origin))
        return Amount(
            Span.exact(count), Span.exact(size), ZERO, ZERO, "files of this machine" if count else f"no {origin.path}"
        )
    if isinstance(origin, WorkedMathematics):
        documents = Span.exact(origin.documents)
        return Amount(documents, documents * PAGE_BYTES, ZERO, ZERO, "the profile")
    if isinstance(origin, PythonPackages) and origin.limits.rows:
        documents = Span(1, 0.8 * origin.limits.rows * len(origin.packages), origin.limits.rows * len(origin.packages))
        return Amount(documents, documents * PAGE_BYTES, ZERO, ZERO, "the profile's limits")
    return NOTHING._replace(basis=f"no figures of {origin.kind}")


def _list_files(origin: Local) -> Iterable[Path]:
    if origin.path.is_file():
        return [origin.path]
    suffixes = SUFFIXES[origin.format]
    return [path for path in origin.path.rglob("*") if path.is_file() and path.name.lower().endswith(suffixes)]


def _limit(origin: HuggingFace, found: list[Dataset]) -> Amount:
    """Return what the limits leave of a repository's files."""
    limits = origin.limits
    files = sum(row.files for row in found)
    share = min(1.0, limits.files / files) if limits.files else 1.0
    rows = share * sum(row.rows for row in found)
    text = share * sum(row.text_gb for row in found) * 1e9
    taken = limits.share or 1.0
    if limits.rows:
        taken = min(taken, limits.rows / rows)
    if limits.bytes:
        taken = min(taken, limits.bytes / text)
    download = share * sum(row.download_gb for row in found) * 1e9
    if limits.rows or limits.bytes:
        # Files are read on the hub, as far as is needed, and none is stored.
        return Amount(Span.exact(rows * taken), Span.exact(text * taken), Span.exact(download * taken), ZERO, "")
    return Amount(Span.exact(rows * taken), Span.exact(text * taken), Span.exact(download), Span.exact(download), "")
