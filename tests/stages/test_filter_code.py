"""The import filter on labelled cases, and notebooks in their three layouts."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import ShardWriter, read_rows
from stages.filter_code.imports import imported_packages
from stages.filter_code.notebooks import read_cells
from stages.filter_code.reasons import Reason
from stages.filter_code.stage import Kept, filter_code, judge_code

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


def judge(content: str, layout: str = "notebook") -> Kept | Reason:
    return judge_code(content, "{}", frozenset(PACKAGES), layout)  # type: ignore[arg-type]


def test_notebooks_are_read_in_both_layouts_that_have_cells() -> None:
    assert read_cells(ipynb(("markdown", "# T"), ("code", "import sympy"))) == [
        ("text", "# T"),
        ("code", "import sympy"),
    ]
    old = json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": "import cmath"}]}]})
    assert read_cells('{"cells": [{"cell_type": "code", "source": "x = 1", "outputs": 5}]}') == [("code", "x = 1")]
    assert read_cells(old) == [("code", "import cmath")]


# As the makers of StarCoder's data write a notebook (jupyter-structured/ in bigcode-project/bigcode-dataset): cells of
# one kind are joined, an output that is missing has a mark of its own, and one that is long is cut.
STRUCTURED = (
    "<jupyter_start><jupyter_text>Roots of $x^2 - 2$<jupyter_code>import sympy\nx = sympy.Symbol('x')"
    "<jupyter_output><empty_output><jupyter_code>sympy.solve(x**2 - 2)<jupyter_output>[-sqrt(2), sqrt(2)]"
    "<jupyter_text>Both are irrational.<jupyter_code>print(2)<jupyter_output><empty_output>\n"
)


def test_no_mark_of_the_structured_layout_is_left() -> None:
    assert judge(STRUCTURED) == (
        "Roots of $x^2 - 2$\n\n```python\nimport sympy\nx = sympy.Symbol('x')\n```\n\n"
        "```python\nsympy.solve(x**2 - 2)\n```\n\n```output\n[-sqrt(2), sqrt(2)]\n```\n\n"
        "Both are irrational.\n\n```python\nprint(2)\n```",
        "{}",
    )
    one = "<jupyter_start><jupyter_code>import sympy\nprint(sympy.pi)<jupyter_output><empty_output><|endoftext|>"
    assert judge(one) == ("```python\nimport sympy\nprint(sympy.pi)\n```", "{}")


def test_a_notebook_of_one_cell_is_rendered_too() -> None:
    assert judge(ipynb(("code", "from sympy import pi\npi"))) == ("```python\nfrom sympy import pi\npi\n```", "{}")


def test_a_notebook_that_is_a_script_stays_one() -> None:
    script = "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\nimport sympy\n"
    assert judge(script) == (script, "{}")
    about = "tokens = ['<jupyter_start>', '<jupyter_code>']\nimport sympy\n"
    assert judge(about) == (about, "{}")


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def test_pictures_and_terminal_codes_of_a_notebook_are_left_out() -> None:
    outputs = [
        {"output_type": "stream", "text": ["\x1b[1m\x1b[31mTypeError\x1b[0m: \x1b]0;title\x07no\n"]},
        {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "[0;31mred[0m <Figure>"}},
        {"output_type": "execute_result", "data": {"text/plain": f"'{PNG}'"}},
        {"output_type": "pyout", "png": PNG, "text": ["[1, 2]"]},
    ]
    code = f"import sympy\nurl = 'data:image/png;base64,{PNG}'\nform = 'data:image/png;base64,{{}}'\nraw = b'{PNG}'"
    text = (
        f"Before ![a graph](data:image/png;base64,{PNG}) after <img src='data:image/gif;base64,R0lGODlhAQ=='/>!\n"
        f"\n[graph]: <data:image/svg+xml;base64,{PNG}>\nThe end."
    )
    cells = [
        {"cell_type": "markdown", "source": text, "attachments": {"a.png": {"image/png": PNG}}},
        {"cell_type": "code", "source": code, "outputs": outputs},
    ]
    kept = judge(json.dumps({"cells": cells, "nbformat": 4}))
    assert isinstance(kept, Kept)
    assert kept.text == (
        "Before a graph after !\n\nThe end.\n\n"
        "```python\nimport sympy\nurl = ''\nform = 'data:image/png;base64,{}'\nraw = b''\n```\n\n"
        "```output\nTypeError: no\n```\n\n```output\nred <Figure>\n```\n\n```output\n''\n```\n\n```output\n[1, 2]\n```"
    )
    structured = f"<jupyter_start><jupyter_code>import sympy<jupyter_output>\x1b[0;32mok\x1b[m {PNG}"
    assert judge(structured) == ("```python\nimport sympy\n```\n\n```output\nok \n```", "{}")


def test_a_fence_inside_a_cell_does_not_end_it() -> None:
    kept = judge(ipynb(("code", 'import sympy\nprint("""```\n""")')))
    assert kept == ('````python\nimport sympy\nprint("""```\n""")\n````', "{}")


@pytest.mark.parametrize(
    ("head", "metadata"),
    [
        ("<reponame>o/r<filename>a/b c.py<gh_stars>10-100\n", ["reponame", "filename", "gh_stars"]),
        ("<filename>a/b c.py<gh_stars>10-100\n", ["filename", "gh_stars"]),
        ("<reponame>o/r<gh_stars>10-100\n", ["reponame", "gh_stars"]),
        ("<reponame>o/r\n", ["reponame"]),
        ("<filename>a/b c.py\r\n", ["filename"]),
        ("<gh_stars>10-100\n", ["gh_stars"]),
        ("\ufeff<gh_stars>10-100\n", ["gh_stars"]),
        ("\ufeff", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("layout", ["python", "notebook"])
def test_the_line_before_a_file_of_starcoder_becomes_metadata(head: str, metadata: list[str], layout: str) -> None:
    source = '"""About <filename>."""\nfrom __future__ import division\nimport sympy\n'
    said = {"reponame": "o/r", "filename": "a/b c.py", "gh_stars": "10-100"}
    kept = judge_code(head + source, '{"id": "1"}', frozenset(PACKAGES), layout)  # type: ignore[arg-type]
    assert isinstance(kept, Kept) and kept.text == source
    assert json.loads(kept.metadata) == {"id": "1"} | {name: said[name] for name in metadata}


def test_a_line_before_a_notebook_of_starcoder_does_not_hide_its_layout() -> None:
    kept = judge("<reponame>o/r<filename>a.ipynb\n" + STRUCTURED)
    assert isinstance(kept, Kept) and kept.text.startswith("Roots of") and "<jupyter" not in kept.text


def test_a_shard_of_starcoder_keeps_its_metadata_beside_its_text(tmp_path: Path, project: Path) -> None:
    """A shard as another library writes it, with rows that lack a text or their metadata."""
    texts = ["<gh_stars>1-10\nimport sympy", "import os", None, "import cmath"]
    columns = {"id": ["1", "2", "3", "4"], "text": texts, "metadata": ['{"a": 1}', "{}", "{}", None]}
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "in" / "part-00000.parquet")
    report = filter_code(tmp_path / "in", tmp_path / "out", sorted(PACKAGES), "python")
    assert (report.kept, dict(report.dropped)) == (2, {"no_mathematical_import": 2})
    assert list(read_rows(tmp_path / "out")) == [
        {"id": "1", "text": "import sympy", "metadata": '{"a": 1, "gh_stars": "1-10"}'},
        {"id": "4", "text": "import cmath", "metadata": "{}"},
    ]


def test_a_long_broken_file_is_read_in_time_that_grows_with_its_length() -> None:
    lines = ["x = (1,", "print 'a'"] * 20_000
    assert imported_packages("\n".join([*lines, "import os; import sympy"])) & PACKAGES


@pytest.mark.parametrize("text", ['{"worksheets": 5}', "{", '{"a": 1}', '{"cells": 3', "plain words only"])
def test_what_is_no_notebook_is_named(text: str) -> None:
    assert judge(text) is Reason.NOT_A_NOTEBOOK


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
