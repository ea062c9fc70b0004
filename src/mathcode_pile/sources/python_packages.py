"""Documentation and code of installed Python packages, as documents.

A package is read at the version that the profile names, so that the same files are read on every machine. The
standard library is left out: its files differ between machines.
"""

import ast
import gzip
import hashlib
import html
import inspect
import json
import multiprocessing
import re
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import pyarrow as pa

from mathcode_pile.core.engine import count_workers
from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.core.funnel import CoreReason, Failed, attempt
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.scratch import hash_code, hash_values, scratch_folder
from mathcode_pile.core.shards import ShardWriter, read_batches
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import Rejected, Row

# These record how a wheel was built, which differs between machines.
BUILD_FILES = {"__config__.py", "_distributor_init.py"}

# The file that describes a botocore service.
SERVICE = "service-2.json.gz"
# Files that a process reads at a time.
CHUNK_FILES = 16

What = Literal["documentation", "code", "books"]


class Part(NamedTuple):  # one docstring or description, or one whole file
    path: str
    part: str
    """The name within the file; empty for the whole."""
    content: str
    """The text, or the detail of the reason."""
    reason: str
    """Why the file is rejected, one of REASONS; empty where it is not."""


REASONS = {reason.value: reason for reason in (Reason.UNREADABLE, CoreReason.FAILED)}
PARTS = pa.schema([pa.field(name, pa.large_string(), nullable=False) for name in Part._fields])


def read_packages(packages: list[str], what: What, rows: int | None, min_characters: int) -> Iterator[Row | Rejected]:
    """Yield the rows of each package in turn, at most `rows` of each.

    documentation: a row for each docstring and each description of a service, of at least
    `min_characters`. code: a row for each source file. books: a row for each subpackage, its
    documentation in order.
    packages: `name==version`. Raises InputError where that version is not installed.
    """
    for pin in packages:
        name, _, version = pin.partition("==")
        try:
            package = distribution(name)
        except PackageNotFoundError:
            raise InputError(f"python_packages: {name} is not installed") from None
        if package.version != version:
            raise InputError(f"python_packages: {pin} is wanted, {package.version} is installed; run `make setup`")
        yield from _evenly(_read_package(package, what, min_characters), rows)


def _evenly(rows: Iterator[Row | Rejected], most: int | None) -> Iterator[Row | Rejected]:
    """Yield at most `most` of the rows in their order; a hash of the keys spreads them over the package."""
    if most is None:
        yield from rows
        return
    taken = list(rows)
    chosen = sorted(taken, key=lambda row: hashlib.blake2b(row.key.encode()).digest())[:most]
    keys = {row.key for row in chosen}
    yield from (row for row in taken if row.key in keys)


def _read_package(package: Distribution, what: What, min_characters: int) -> Iterator[Row | Rejected]:
    name, version, license_name = package.name, package.version, _license(package)
    book: dict[str, list[str]] = {}
    for path, part, content, reason in _read_parts(package, what):
        url = f"pkg:pypi/{name}@{version}#{path}" + (f":{part}" if part else "")
        key = f"{name}/{path}" + (f":{part}" if part else "")
        if reason:
            yield Rejected(key, REASONS[reason], content)
        elif what == "books":
            book.setdefault(str(PurePosixPath(path).parent), []).append(content)
        elif len(content) >= min_characters or what == "code":
            metadata = {"package": name, "version": version, "path": path, "part": part}
            yield Row(key, content, url, license_name, metadata)
    for folder, texts in book.items():
        text = "\n\n".join(texts)
        if len(text) >= min_characters:
            metadata = {"package": name, "version": version, "path": folder}
            yield Row(f"{name}/{folder}", text, f"pkg:pypi/{name}@{version}#{folder}", license_name, metadata)


def _read_parts(package: Distribution, what: What) -> Iterator[Part]:
    """Yield the parts of a package's files; documentation is kept, since parsing a large package takes long."""
    if what == "code":
        yield from _read_files(package, what)
        return
    files = hash_values(package.name, package.version, package.read_text("RECORD"), hash_code(__name__))
    kept = scratch_folder("packages") / f"{package.name}-{files}.parquet"
    if not kept.is_file():
        with ShardWriter(kept, PARTS) as writer:
            writer.write_rows([part._asdict() for part in _read_files(package, what)])
    for batch in read_batches(kept):
        yield from (Part(**row) for row in batch.to_pylist())


def _read_files(package: Distribution, what: What) -> Iterator[Part]:
    """Yield the parts of a package's files, read by several processes, in the order of their paths."""
    paths = [path for path in sorted(package.files or [], key=str) if _is_read(path, what)]
    files = [str(path.locate()) for path in paths]
    workers = min(count_workers(), 1 + len(files) // CHUNK_FILES)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), die_with_parent) as pool:
        names = [str(path) for path in paths]
        read = pool.map(partial(attempt, _read_file), files, names, [what] * len(files), chunksize=CHUNK_FILES)
        for path, parts in zip(names, read, strict=True):
            yield from [Part(path, "", parts.detail, CoreReason.FAILED)] if isinstance(parts, Failed) else parts


def _is_read(path: PurePosixPath, what: What) -> bool:
    if path.name in BUILD_FILES or path.parts[0] == ".." or ".dist-info" in path.parts[0]:
        return False
    return path.suffix == ".py" or (path.name == SERVICE and what != "code")


def _read_file(file: str, path: str, what: What) -> list[Part]:
    parts: list[Part] = []
    try:
        if path.endswith(SERVICE):
            parts += (Part(path, name, text, "") for name, text in _service_descriptions(Path(file)))
        elif what == "code":
            parts.append(Part(path, "", Path(file).read_text(encoding="utf-8"), ""))
        else:
            source = Path(file).read_text(encoding="utf-8")
            parts += (Part(path, name, text, "") for name, text in _docstrings(source))
    except (OSError, EOFError, zlib.error, SyntaxError, ValueError, RecursionError) as error:
        parts.append(Part(path, "", first_line(error), Reason.UNREADABLE))
    return parts


def _docstrings(source: str) -> Iterator[tuple[str, str]]:
    """Yield the dotted name and text of each docstring of a module, in the order of the source."""

    def walk(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield name or "module", inspect.cleandoc(text)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                # The line number tells two definitions with one name apart.
                dotted = f"{name}.{child.name}" if name else child.name
                yield from walk(child, dotted if "@" in dotted else dotted + f"@{child.lineno}")

    yield from walk(ast.parse(source), "")


def _service_descriptions(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and plain text of each documented operation of a botocore service."""
    service = json.loads(gzip.decompress(file.read_bytes()))
    for name, operation in sorted(service.get("operations", {}).items()):
        if text := operation.get("documentation"):
            yield name, _plain_text(text)


def _plain_text(markup: str) -> str:
    markup = re.sub(r"<(?:/p|/li|br ?/?|/h\d)>", "\n\n", markup)
    text = html.unescape(re.sub(r"<[^>]*>", "", markup))
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"[ \t]+", " ", text)).strip()


def _license(package: Distribution) -> str:
    metadata = package.metadata
    for field in ("License-Expression", "License"):
        value = ((metadata.get_all(field) or [""])[0] or "").strip()
        # Some packages put the whole text of the licence into this field.
        if value and "\n" not in value and len(value) < 80:
            return value
    classifiers = metadata.get_all("Classifier") or []
    names = [c.rsplit(" :: ", 1)[1] for c in classifiers if c.startswith("License :: ")]
    return ", ".join(names) or "unknown"
