"""Check a corpus against its manifest: python verify_corpus.py FOLDER

Every file that manifest.json names must be there with its size and SHA-256, and no other shard may be among them. The
manifest cannot vouch for itself: compare its hash, which is printed, with the one in the message of the version's tag.
Needs Python 3.9 or newer and no package.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def list_files(manifest: dict) -> Iterator[tuple[str, int, str]]:
    """Yield the path, the size and the SHA-256 of each file that a manifest names."""
    for name, file in manifest["files"].items():
        yield name, file["bytes"], file["sha256"]
    for component, entry in manifest["components"].items():
        for shard in entry["shards"]:
            yield f"{component}/{shard['name']}", shard["bytes"], shard["sha256"]


def check_file(path: Path, size: int, sha256: str) -> str:
    """Return what is wrong with a file, an empty text if nothing is."""
    try:
        if path.stat().st_size != size:
            return f"has {path.stat().st_size} bytes, the manifest says {size}"
        return "" if hash_file(path) == sha256 else "is damaged: its SHA-256 is not the manifest's"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def check_corpus(folder: Path) -> tuple[list[str], str]:
    """Return a line for each fault of a corpus, and one that says what was checked."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        files = list(list_files(manifest))
        version = manifest["version"]
    except OSError as error:
        return [f"{folder / 'manifest.json'} cannot be read: {error.strerror}"], ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return [f"{folder / 'manifest.json'} is damaged, or not the manifest of a corpus"], ""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing leaves Python's lock
        found = list(pool.map(lambda file: check_file(folder / file[0], *file[1:]), files))
    faults = [f"{folder / file[0]} {fault}" for file, fault in zip(files, found) if fault]  # noqa: B905  (Python 3.9)
    named = {folder / file[0] for file in files}
    faults += [f"{path} is not in the manifest" for path in sorted(folder.glob("*/*.parquet")) if path not in named]
    size = sum(file[1] for file in files)
    return faults, (
        f"{folder}: version {version}, {len(files)} files, {size:,} bytes\n"
        f"SHA-256 of manifest.json: {hash_file(folder / 'manifest.json')}"
    )


def main(arguments: list[str]) -> int:
    """Check the folder that the arguments name, the present one by default; return the exit status."""
    faults, checked = check_corpus(Path(arguments[0] if arguments else "."))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{checked}\nEvery file is whole.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
