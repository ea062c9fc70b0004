"""What must survive a crash: finished shards, replies, downloads, checkpoints; addressed by content.

DVC deletes a stage's outs before the stage runs, so outs hold nothing that a rerun could use. This
folder does: `MATHCODE_SCRATCH`, else `.scratch` beside dvc.yaml (the main repository's also in
experiments, through DVC_ROOT).
"""

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.shards import sync_folder

# The folder that holds `stages`: the repository, and on a node of a cluster what the job shipped.
PROJECT = next(folder for folder in Path(__file__).resolve().parents if (folder / "stages").is_dir())
PACKAGES = {"mathcode_pile": Path(__file__).resolve().parents[1], "stages": PROJECT / "stages"}


def scratch_folder(*parts: str) -> Path:
    """Return (and make) a folder below the scratch folder."""
    root = os.environ.get("MATHCODE_SCRATCH") or Path(os.environ.get("DVC_ROOT") or PROJECT) / ".scratch"
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hash_file(path: Path) -> str:
    """Return 32 hex digits of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def hash_bytes(content: bytes) -> str:
    """Return 32 hex digits of bytes: those of a file with this content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def hash_folder(folder: Path) -> str:
    """Return 32 hex digits of the names and contents of all files below a folder."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{hash_file(path)}\n".encode())
    return digest.hexdigest()


def hash_values(*values: Any) -> str:
    """Return 32 hex digits of values that JSON can hold."""
    encoded = json.dumps(values, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()


def module_path(name: str) -> Path | None:
    """Return the file of one of the project's modules, None where the name is not one of them."""
    package, _, rest = name.partition(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*rest.split(".")) if rest else PACKAGES[package]
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


class Code(NamedTuple):  # what matters of one module's source
    digest: str
    """Of the syntax tree without docstrings: comments, docstrings and layout change nothing."""
    imports: list[str]
    """What the module may import of the project, resolved, lazily imported modules included."""


def read_code(name: str, path: Path) -> Code:
    """Return a module's digest and imports. The result is kept for each source file, because parsing is slow."""
    source = path.read_bytes()
    kept = scratch_folder("code") / hash_values(name, path.name, source.hex())
    with suppress(OSError, ValueError, TypeError):
        return Code(**json.loads(kept.read_text(encoding="utf-8")))
    tree = ast.parse(source)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    code = Code(_hash_tree(tree), list(_imports(tree, package)))
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    with suppress(OSError):
        partial.write_text(json.dumps(code._asdict()), encoding="utf-8")
        partial.rename(kept)
    return code


def _hash_tree(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # a string on its own documents something and does nothing
            body[:] = [part for part in body if not _is_string(part)]
    return hash_values(ast.dump(tree))


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            if source.partition(".")[0] in PACKAGES:
                yield source
                yield from (f"{source}.{alias.name}" for alias in node.names)


@cache
def imported_code(name: str) -> dict[str, str]:
    """Return the project's modules that importing `name` reads, itself included, each with its code's digest."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop()
        path = module_path(module)
        if module in found or path is None:
            continue
        code = read_code(module, path)
        found[module] = code.digest
        waiting += [module.rpartition(".")[0], *code.imports]
    return found


def hash_code(module: str) -> str:
    """Return 32 hex digits of the code of a module and of what it imports of the project."""
    return hash_values(sorted(imported_code(module).items()))


@cache
def hash_environment() -> str:
    """Return 32 hex digits of what the code runs on: Python's minor version and the packages that are installed.

    Only torch and the packages that the lock names count, each in the version that this Python would import.
    """
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    names = {_normalize(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)} | {"torch"}
    installed = installed_versions()
    return hash_values(sys.version_info[:2], {name: installed.get(name) for name in names})


def installed_versions() -> dict[str, str]:
    """Return the version of each installed package that this Python can import, by its normalized name.

    The names of the `.dist-info` folders tell it, within milliseconds; importlib.metadata reads a file of each package.
    """
    found: dict[str, str] = {}
    for place in map(Path, sys.path):
        for folder in place.glob("*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").partition("-")
            found.setdefault(_normalize(name), version)
    return found


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: a second process that wants it waits, saying so."""
    with open(folder / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process to leave {folder}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into, which takes the name `folder` when the block ends without error."""
    # Two pods of a cluster may have processes of one number; a task may be repeated while the first one still runs.
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        for path in partial.rglob("*"):
            if path.is_file():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def working_folder(stage: str) -> Iterator[Path]:
    """Yield an empty folder for what a stage writes to disk while it works; removes it, and what killed runs left."""
    home = scratch_folder("working", stage)
    with ExitStack() as stack:
        with locked(home):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=home)))
            stack.enter_context(_lock_of(folder))
            for other in home.glob("*/"):
                with suppress(OSError), _lock_of(other):
                    shutil.rmtree(other)
        yield folder


@contextmanager
def _lock_of(folder: Path) -> Iterator[None]:
    """Hold a folder itself locked; raises OSError where another process does. The lock ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def link(source: Path, target: Path) -> None:
    """Give a finished scratch file a second name in an out; copies where a hard link cannot be made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def prune() -> int:
    """Remove finished shards that no out and no DVC cache object shares any more; return the bytes freed.

    An out and DVC's cache are hard links of the same file, so a link count of one means that nothing
    refers to it. Replies, downloads and checkpoints have no such links and stay.
    """
    freed = 0
    for home in scratch_folder("shards").glob("*/*"):
        with open(home / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # a stage is at work here
            freed += _prune_home(home)
    return freed


def _prune_home(home: Path) -> int:
    freed = 0
    for partial in home.glob(".*.partial"):
        freed += sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
        shutil.rmtree(partial)
    for marker in home.glob("*/report.json"):
        files = [p for p in marker.parent.rglob("*") if p.is_file() and p != marker]
        if all(p.stat().st_nlink == 1 for p in files):
            freed += sum(p.stat().st_size for p in files)
            marker.unlink()  # first: if we are killed here, the rest must not look like a finished shard
            shutil.rmtree(marker.parent)
    return freed
