"""Documentation and code of installed Python packages, as documents.

Only distributions that requirements.lock pins belong here: the same version has the same files on
every machine, which the standard library has not.
"""

import ast
import gzip
import hashlib
import html
import inspect
import json
import re
import zlib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Literal

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import Rejected, Row, attempt_record

# These record how a wheel was built, which differs between machines.
BUILD_FILES = {"__config__.py", "_distributor_init.py"}

What = Literal["documentation", "code", "books"]


def read_packages(packages: list[str], what: What, rows: int | None, min_characters: int) -> Iterator[Row | Rejected]:
    """Yield the rows of each package in turn, at most `rows` of each.

    documentation: a row for each docstring and each description of a service, of at least
    `min_characters`. code: a row for each source file. books: a row for each subpackage, its
    documentation in order.
    Raises InputError where a package is not installed.
    """
    for name in packages:
        try:
            package = distribution(name)
        except PackageNotFoundError:
            raise InputError(f"python_packages: {name} is not installed") from None
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
    for path in sorted(package.files or [], key=str):
        if path.name in BUILD_FILES or path.parts[0] == ".." or ".dist-info" in path.parts[0]:
            continue
        file = Path(str(path.locate()))
        found = _read_file(file, path, what)
        parts: list[tuple[str, str | Exception]] | Rejected = attempt_record(f"{name}/{path}", list, found)
        if isinstance(parts, Rejected):
            yield parts
            continue
        for part, content in parts:
            url = f"pkg:pypi/{name}@{version}#{path}" + (f":{part}" if part else "")
            key = f"{name}/{path}" + (f":{part}" if part else "")
            if isinstance(content, Exception):
                yield Rejected(key, Reason.UNREADABLE, first_line(content))
            elif what == "books":
                book.setdefault(str(PurePosixPath(path).parent), []).append(content)
            elif len(content) >= min_characters or what == "code":
                metadata = {"package": name, "version": version, "path": str(path), "part": part}
                yield Row(key, content, url, license_name, metadata)
    for folder, texts in book.items():
        text = "\n\n".join(texts)
        if len(text) >= min_characters:
            metadata = {"package": name, "version": version, "path": folder}
            yield Row(f"{name}/{folder}", text, f"pkg:pypi/{name}@{version}#{folder}", license_name, metadata)


def _read_file(file: Path, path: PurePosixPath, what: What) -> Iterator[tuple[str, str | Exception]]:
    try:
        if path.suffix == ".py":
            text = file.read_text(encoding="utf-8")
            if what == "code":
                yield "", text
            else:
                yield from _docstrings(text)
        elif path.name == "service-2.json.gz" and what != "code":
            yield from _service_descriptions(file)
    except (OSError, EOFError, zlib.error, SyntaxError, ValueError, RecursionError) as error:
        yield "", error


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
