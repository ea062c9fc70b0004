"""Write what goes with the corpus's shards: the dataset card, the manifest, and the program that checks them.

None of it is in the shards, so a corpus gets its version without being written again.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import pyarrow.compute as pc
from pydantic import ConfigDict, ValidationError

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import Section
from mathcode_pile.core.removals import Removals, read_removals
from mathcode_pile.core.shards import list_shards, read_batches
from stages.corpus import verify_corpus

MANIFEST, CARD = "manifest.json", "README.md"
UNPUBLISHED = "unpublished"
# select's reason for a document that was taken down; a stage imports no other stage.
TAKEN_DOWN = "taken_down"


class Published(Section):
    """published.json: the version that was published last, and what it contained. Both are empty before the first."""

    version: str
    """The version's name, as v1.0."""
    content: str
    """The hash of the manifest's components."""


class SourceNote(Section):
    """What the card says about a source: the licences and citations of its origins."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    origins: list[dict[str, Any]] = []
    """Where the source's records come from."""


class Register(NamedTuple):  # what removed.csv and published.json say
    removals: Removals = Removals()
    taken_down: Mapping[str, int] = {}
    """How many documents of the sources select dropped for a line of removed.csv, by the reason given there."""
    published: Published = Published(version="", content="")


NOTHING_YET = Register()


def read_register(selected: Path, removed: Path, published: Path) -> Register:
    """Return the register; selected: a folder as select writes it."""
    removals = read_removals(removed)
    return Register(removals, count_taken_down(selected, removals), read_published(published))


def read_published(path: Path) -> Published:
    """Return the content of published.json; raises InputError where it is missing or has other keys."""
    try:
        return Published.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f'{path}: no such file; before the first version it is {{"version": "", "content": ""}}'
        ) from None
    except (ValidationError, UnicodeDecodeError):
        raise InputError(f"{path}: must be a JSON object with the texts version and content") from None


def count_taken_down(selected: Path, removals: Removals) -> dict[str, int]:
    """Return how many documents select dropped because removed.csv names them, by the reason given there.

    selected: a folder as select writes it.
    """
    reasons = {line.name: line.reason for line in reversed(removals.lines)}
    counts: Counter[str] = Counter()
    for folder in sorted(selected.glob("*/dropped")) if removals else []:
        for shard in list_shards(folder):
            for batch in read_batches(shard, ["reason", "detail"]):
                for name in batch["detail"].filter(pc.equal(batch["reason"], TAKEN_DOWN)).to_pylist():
                    counts[reasons.get(name, name)] += 1
    return dict(sorted(counts.items()))


def hash_content(components: dict[str, Any]) -> str:
    """Return the SHA-256 of a manifest's components: their names, their counts and the hashes of their shards."""
    return hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()


def name_version(components: dict[str, Any], published: Published) -> str:
    """Return the published version if the components are those that were published, else that they were not."""
    if published.content == hash_content(components):
        return published.version
    return f"{UNPUBLISHED}, after {published.version}" if published.version else UNPUBLISHED


def write_card(
    out: Path,
    components: dict[str, Any],
    title: str,
    forms: Mapping[str, str],
    sources: Mapping[str, Any],
    register: Register,
) -> None:
    """Write README.md, verify_corpus.py and manifest.json beside the shards of a corpus.

    components: each component's entry of the manifest.
    forms: the form of each component of translated code.
    sources: the profile's `fetch` section.
    Files are replaced, not written into: they may be hard links
    into DVC's cache.
    """
    manifest: dict[str, Any] = {
        "title": title,
        "version": name_version(components, register.published),
        "components": components,
        "taken_down": dict(register.taken_down),
    }
    program = Path(verify_corpus.__file__)
    for name in (CARD, program.name, MANIFEST):
        (out / name).unlink(missing_ok=True)
    (out / CARD).write_text(_render(manifest, forms, sources), encoding="utf-8")
    shutil.copyfile(program, out / program.name)
    manifest["files"] = {name: describe_file(out / name) for name in (CARD, program.name)}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def describe_file(path: Path) -> dict[str, Any]:
    """Return a file's size and SHA-256, as the manifest has them."""
    return {"bytes": path.stat().st_size, "sha256": verify_corpus.hash_file(path)}


def _render(manifest: dict[str, Any], forms: Mapping[str, str], sources: Mapping[str, Any]) -> str:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=False, trim_blocks=True
    )
    notes = {name: SourceNote.model_validate(value) for name, value in sources.items()}
    return templates.get_template("dataset_card.md").render(manifest=manifest, sources=notes, forms=forms)
