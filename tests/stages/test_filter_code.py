"""The import filter on labelled cases, and notebooks in their three layouts."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import ShardWriter, read_rows
from stages.filter_code.stage import filter_code, imported_packages, read_cells

PACKAGES = {"sympy", "fractions", "cmath", "scipy", "statistics"}

# Each statement is tried alone, in a function, under a condition, after other code and before it.
IMPORTING = [
    "import sympy",
    "import sympy as sp",
    "import numpy as np, scipy as sp",
    "import os; import sympy",
    "from sympy import *",
    "from scipy.stats import norm as n, t",
    "from fractions import (\n    Fraction,\n    gcd,\n)",
    "import scipy.linalg",
    "import os, \\\n    cmath",
    "from statistics import mean; print(mean([1]))",
    "try:\n    import cmath\nexcept ImportError:\n    cmath = None",
]
NOT_IMPORTING = [
    "import numpy as np",
    "x = 'import sympy'",
    '"""\nimport sympy\n"""',
    "# import sympy",
    "import sympy_helpers",
    "from .sympy import x",
    "from . import scipy",
    "import my.sympy",
    "from helpers import sympy",
    "import numpy as sympy",
    "importlib.import_module('sympy')",
    "statistics = {}; statistics['import'] = 1",
]
SETTINGS = {
    "alone": "{}",
    "in a function": "def f():\n{indented}\n    return 1",
    "after code": "a = [1,\n 2]\n{}",
    "before code": "{}\nprint('done')",
    "in Python 2": "print 'hello'\n{}\nexec 'x = 1'",
    "in a broken file": "{}\nclass A(:\n   pass",
}


def place(statement: str, setting: str) -> str:
    indented = "\n".join("    " + line for line in statement.splitlines())
    return setting.replace("{indented}", indented).replace("{}", statement)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("statement", IMPORTING)
def test_real_imports_are_found(statement: str, setting: str) -> None:
    assert imported_packages(place(statement, SETTINGS[setting])) & PACKAGES


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("statement", NOT_IMPORTING)
def test_mere_mentions_are_not_imports(statement: str, setting: str) -> None:
    assert not imported_packages(place(statement, SETTINGS[setting])) & PACKAGES


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\nimport sympy",
        "!pip install x\nfrom scipy import stats",
        "print 'unclosed (\nimport sympy",
        "\ufeffimport sympy",
        "if x:\n  import sympy\n    y = 1",
        "s = '''unclosed\n" + "import sympy\n" * 0 + "'''\nimport cmath\nprint 1",
    ],
)
def test_imports_of_files_that_do_not_parse_are_found(source: str) -> None:
    assert imported_packages(source) & PACKAGES


@pytest.mark.parametrize("source", ["", "\0", "import", "from", "from sympy", "import ,", "(" * 5000, "a" * 100_000])
def test_hostile_source_imports_nothing(source: str) -> None:
    assert imported_packages(source) == set()


def ipynb(*cells: tuple[str, str]) -> str:
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": k, "source": s.splitlines(True)} for k, s in cells]})


def test_notebooks_are_read_in_three_layouts() -> None:
    assert read_cells(ipynb(("markdown", "# T"), ("code", "import sympy"))) == [
        ("text", "# T"),
        ("code", "import sympy"),
    ]
    structured = "<jupyter_start><jupyter_text># T<jupyter_code>import sympy<jupyter_output>3<empty_output>"
    assert [cell.kind for cell in read_cells(structured) or []] == ["text", "code", "output"]
    assert read_cells("# coding: utf-8\n\n# In[1]:\n\nimport sympy\n") is not None
    old = json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": "import cmath"}]}]})
    assert read_cells('{"cells": [{"cell_type": "code", "source": "x = 1", "outputs": 5}]}') == [("code", "x = 1")]
    assert read_cells(old) == [("code", "import cmath")]


def test_a_long_broken_file_is_read_in_time_that_grows_with_its_length() -> None:
    lines = ["x = (1,", "print 'a'"] * 20_000
    assert imported_packages("\n".join([*lines, "import os; import sympy"])) & PACKAGES


@pytest.mark.parametrize("text", ['{"worksheets": 5}', "{", '{"a": 1}', '{"cells": 3', "plain words only"])
def test_what_is_no_notebook_is_named(text: str) -> None:
    assert read_cells(text) is None


def test_every_document_is_kept_or_dropped_with_a_reason(tmp_path: Path, project: Path) -> None:
    texts = {
        "a": ipynb(("markdown", "Text"), ("code", "from sympy import pi\nprint(pi)")),
        "b": ipynb(("markdown", "import sympy"), ("code", "print(1)")),
        "c": "not a notebook",
    }
    base = {"source": "s", "url": "", "license": "MIT", "metadata": "{}"}
    with ShardWriter(tmp_path / "in" / "part-00000.parquet", DOCUMENT) as writer:
        writer.write(pa.RecordBatch.from_pylist([base | {"id": i, "text": t} for i, t in texts.items()], DOCUMENT))
    report = filter_code(tmp_path / "in", tmp_path / "out", sorted(PACKAGES), "notebook")
    assert (report.read, report.kept) == (3, 1)
    assert dict(report.dropped) == {"no_mathematical_import": 1, "not_a_notebook": 1}
    (kept,) = read_rows(tmp_path / "out")
    assert kept["text"] == "Text\n\n```python\nfrom sympy import pi\nprint(pi)\n```"
    assert {row["id"] for row in read_rows(tmp_path / "out" / "dropped")} == {"b", "c"}


def test_a_file_that_is_no_shard_of_documents_is_named(project: Path, tmp_path: Path) -> None:
    shard = tmp_path / "in" / "part-00000.parquet"
    shard.parent.mkdir()
    shard.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"part-00000\.parquet: not a readable Parquet file"):
        filter_code(tmp_path / "in", tmp_path / "out", sorted(PACKAGES), "python")
    pq.write_table(pa.table({"text": ["import sympy"]}), shard)
    with pytest.raises(InputError, match=r"part-00000\.parquet: no column 'id'"):
        filter_code(tmp_path / "in", tmp_path / "out", sorted(PACKAGES), "python")
