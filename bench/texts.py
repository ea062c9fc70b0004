"""Make the text of the benchmarks from the installed Python files.

A document consists of consecutive whole paragraphs of a file, without indentation, 1 to 8 kB in all. It is as long as
the text of a web page, and has as few blanks.
"""

import random
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.scratch import atomic_folder, scratch_folder
from mathcode_pile.core.shards import list_shards, read_batches, write_shards

# Files of these packages count as mathematical.
MATHEMATICAL = ("sympy", "scipy", "numpy", "mpmath", "networkx", "sklearn")
_LEAST, _MOST = 1000, 8000


def _files() -> list[Path]:
    folders = {Path(sysconfig.get_paths()[name]) for name in ("purelib", "platlib", "stdlib")}
    folders |= {Path(path) for path in sys.path if path.endswith("site-packages")}
    files = sorted({file for folder in sorted(folders) for file in folder.rglob("*.py")})
    random.Random(0).shuffle(files)
    return files


def _documents(file: Path) -> Iterator[str]:
    lines = [line.strip() for content in _whole(file) for line in content.splitlines()]
    limit = random.Random(str(file)).randint(_LEAST, _MOST)
    held: list[str] = []
    size = 0
    for paragraph in "\n".join(lines).split("\n\n"):
        held.append(paragraph)
        size += len(paragraph) + 2
        if size >= limit:
            yield "\n\n".join(held)[: 2 * _MOST]
            held, size = [], 0
    if size >= _LEAST:
        yield "\n\n".join(held)[: 2 * _MOST]


def make_texts(megabytes: int) -> Path:
    """Return a folder of shards with `megabytes` of documents; they are made once and kept in the scratch folder.

    Raises PipelineError if less text is installed.
    """
    return _make("texts", megabytes, _documents)


def make_files(megabytes: int) -> Path:
    """Return a folder of shards with `megabytes` of whole Python files; see make_texts."""
    return _make("files", megabytes, _whole)


def _whole(file: Path) -> Iterator[str]:
    try:
        yield file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return


def _make(name: str, megabytes: int, read: Callable[[Path], Iterator[str]]) -> Path:
    folder = scratch_folder("bench") / f"{name}-{megabytes}"
    if folder.is_dir():
        return folder
    rows, size = [], 0
    for file in _files():
        source = "mathematical" if set(file.parts) & set(MATHEMATICAL) else "other"
        for index, text in enumerate(read(file)):
            key = f"{file}#{index}"
            row = {"id": document_id("bench", key), "text": text, "source": source}
            rows.append(row | {"url": key, "license": "", "metadata": "{}"})
            size += len(text.encode())
        if size >= megabytes * 1_000_000:
            break
    else:
        raise PipelineError(f"only {size // 1_000_000} MB of Python files are installed, {megabytes} MB are asked for")
    with atomic_folder(folder) as partial:
        batches = (
            pa.RecordBatch.from_pylist(rows[start : start + 2000], schema=DOCUMENT)
            for start in range(0, len(rows), 2000)
        )
        write_shards(partial, batches, DOCUMENT, 32 << 20)
    return folder


def count_bytes(folder: Path) -> int:
    """Return how many bytes of text the shards of a folder contain."""
    batches = (batch for shard in list_shards(folder) for batch in read_batches(shard, ["text"]))
    return sum(pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0 for batch in batches)
