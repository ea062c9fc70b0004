"""Finished work is keyed by the code that a stage really imports, and by nothing that only people read."""

import importlib.metadata
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mathcode_pile.core.scratch import hash_environment, imported_code, installed_versions, read_code

CODE = """\
'What it is.'

import ast


def double(number: int) -> int:
    'Return twice.'
    return 2 * number
"""


def digest(folder: Path, source: str) -> str:
    path = folder / "module.py"
    path.write_text(source)
    return read_code("mathcode_pile.module", path).digest


@pytest.mark.parametrize(
    "source",
    [
        CODE.replace("What it is", "What else it is"),
        CODE.replace("    'Return twice.'\n", ""),
        CODE.replace("    return", "    # why\n    return"),
        CODE.replace("2 * number", "(2  *  number)"),
        CODE.replace("import ast\n", "import ast\n\n'Of the module.'\n"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(tmp_path: Path, project: Path, source: str) -> None:
    assert source != CODE and digest(tmp_path, source) == digest(tmp_path, CODE)


@pytest.mark.parametrize("change", [("2 *", "3 *"), ("int:", "float:"), ("import ast", "import os"), ("'x'", "'y'")])
def test_code_changes_the_hash(tmp_path: Path, project: Path, change: tuple[str, str]) -> None:
    code = CODE + "\n\nNAME = 'x'\n"
    assert digest(tmp_path, code.replace(*change)) != digest(tmp_path, code)


def test_lazily_imported_modules_and_packages_count() -> None:
    modules = imported_code("stages.execute.__main__")
    assert {"stages.execute.stage", "mathcode_pile.sandbox", "mathcode_pile.sandbox.controller"} <= set(modules)
    assert not [name for name in modules if name.startswith(("stages.verify", "mathcode_pile.answers"))]


def test_a_package_in_another_version_than_the_lock_names_changes_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest_with(*installed: str) -> str:
        folder = tmp_path / "-".join(["site", *installed])
        for name in installed:
            (folder / f"{name}.dist-info").mkdir(parents=True)
        hash_environment.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(folder), *sys.path])
            return hash_environment()

    assert "numpy==0.0.1" not in (ROOT / "requirements.lock").read_text()
    others = [digest_with("numpy-0.0.1"), digest_with("torch-0.0.1"), digest_with("typing_extensions-0.0.1")]
    assert len({digest_with(), *others}) == 4
    assert digest_with("a_package_that_no_lock_names-1.0") == digest_with()
    hash_environment.cache_clear()


def test_the_versions_found_are_those_that_python_reports() -> None:
    found = installed_versions()
    names = ["numpy", "pyarrow", "torch", "scikit-learn", "typing-extensions", "PyYAML"]
    assert [found[name.lower()] for name in names] == [importlib.metadata.version(name) for name in names]
