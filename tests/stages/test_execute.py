"""execute gives every snippet an outcome, in the same bytes whatever the workers, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import EXECUTED, SNIPPET
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.shards import read_rows, write_shards
from mathcode_pile.sandbox import Sandbox
from stages.execute import stage as execute
from stages.execute.stage import ExecuteParams, execute_folder, execute_shard, outcome_counts

REPOSITORY = Path(__file__).resolve().parents[2]
PARAMS = ExecuteParams(timeout_s=2, memory_mb=512, output_bytes=4096, disk_mb=4, isolation="full")


@pytest.fixture(scope="module", autouse=True)
def sandbox_works() -> None:
    try:
        with Sandbox():
            pass
    except PipelineError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(REPOSITORY)


def write_snippets(folder: Path, codes: list[str], **extra: pa.Array) -> Path:
    rows: list[dict[str, Any]] = [
        {"document_id": f"d/{i // 3}", "position": i % 3, "code": code}
        | dict.fromkeys(("title", "conditions", "expression", "result", "relation", "translator", "repairs"), "")
        | {"chain": 0, "anchor": 0}
        for i, code in enumerate(codes)
    ]
    table = pa.Table.from_pylist(rows, schema=SNIPPET)
    for name, column in extra.items():
        table = table.append_column(name, column)
    write_shards(folder, table.to_batches(), table.schema, shard_bytes=200)
    return folder


CODES = [
    *(f"print({i} * 2)" for i in range(30)),
    "import math\nprint(math.tau)",
    "1 / 0",
    "x =",
    "import no_such",
    "import socket\nsocket.socket()",
    "print('é', '\\ud800')",
]


def test_every_snippet_gets_an_outcome_and_none_is_dropped(tmp_path: Path) -> None:
    report, layers = execute_folder(write_snippets(tmp_path / "in", CODES), tmp_path / "out", PARAMS)
    rows = list(read_rows(tmp_path / "out"))
    assert [row["code"] for row in rows] == CODES
    assert [row["stdout"] for row in rows[:30]] == [f"{2 * i}\n" for i in range(30)]
    assert [row["outcome"] for row in rows[30:]] == [
        "ok", "exception", "does_not_compile", "missing_module", "blocked", "exception"
    ]  # fmt: skip
    assert (report.read, report.kept, report.dropped.total()) == (36, 36, 0)
    counts = outcome_counts(report)
    assert counts["outcome_ok"] == 31
    assert counts["outcome_timeout"] == 0
    assert sum(counts.values()) == 36
    assert "seccomp" in layers


def test_bytes_do_not_depend_on_workers_or_lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_snippets(tmp_path / "in", CODES)
    made = []
    for workers in ("1", "2"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        out = tmp_path / f"out{workers}"
        execute_folder(folder, out, PARAMS)
        made.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert len(made[0]) > 1
    assert made[0] == made[1]
    shard = folder / "part-00000.parquet"
    for lanes in (1, 3):
        execute_shard(shard, tmp_path / f"lanes{lanes}", PARAMS, lanes)
    assert len({(tmp_path / f"lanes{n}" / "documents.parquet").read_bytes() for n in (1, 3)}) == 1


def test_columns_that_a_stage_added_are_kept(tmp_path: Path) -> None:
    folder = write_snippets(tmp_path / "in", ["print(1)"], attempt=pa.array(["first"]))
    execute_folder(folder, tmp_path / "out", PARAMS)
    table = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    assert table.schema.names == [*EXECUTED.names, "attempt"]
    assert table.column("attempt").to_pylist() == ["first"]


def test_folder_without_snippets_gives_an_empty_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    report, _ = execute_folder(tmp_path / "in", tmp_path / "out", PARAMS)
    assert report.read == 0
    assert not list((tmp_path / "out").iterdir())


def test_shard_without_code_is_a_clear_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"document_id": ["a"]}), tmp_path / "part-00000.parquet")
    with pytest.raises(InputError, match=r"part-00000.parquet: no column 'position'"):
        execute_shard(tmp_path / "part-00000.parquet", tmp_path, PARAMS)


def test_broken_shard_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        execute_shard(tmp_path / "part-00000.parquet", tmp_path, PARAMS)


def test_output_that_differs_in_a_second_run_is_marked(tmp_path: Path) -> None:
    codes = ["import time\nprint(time.perf_counter_ns())", "import random\nprint(random.random())"]
    params = PARAMS.model_copy(update={"runs": 2})
    report, _ = execute_folder(write_snippets(tmp_path / "in", codes), tmp_path / "out", params)
    rows = list(read_rows(tmp_path / "out"))
    assert rows[0]["error"].startswith("unstable")
    assert not rows[1]["error"]
    assert report.counts["unstable"] == 1


def test_machine_that_cannot_isolate_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weak(params: ExecuteParams, lanes: int = 1) -> Sandbox:
        return Sandbox(params.limits(), lanes=lanes, isolation=params.isolation, without=("landlock", "seccomp"))

    monkeypatch.setattr(execute, "open_sandbox", weak)
    folder = write_snippets(tmp_path / "in", ["print(1)"])
    with pytest.raises(PipelineError, match="cannot isolate"):
        execute_folder(folder, tmp_path / "out", PARAMS)
    assert not (tmp_path / "out").exists()
    report, layers = execute_folder(folder, tmp_path / "out", PARAMS.model_copy(update={"isolation": "none"}))
    assert report.counts["outcome_ok"] == 1
    assert "seccomp" not in layers


def test_stage_writes_the_metrics_of_one_component(tmp_path: Path) -> None:
    write_snippets(tmp_path / "in" / "filtered_cc_en", CODES[:3])
    command = [sys.executable, "-m", "stages.execute", str(tmp_path / "in"), str(tmp_path / "out")]
    command += ["--metrics", str(tmp_path), "--only", "filtered_cc_en"]
    subprocess.run(command, check=True, env=os.environ, capture_output=True)
    metrics = json.loads((tmp_path / "filtered_cc_en.json").read_text())
    assert metrics["in"] == metrics["outcome_ok"] == 3
    assert "seccomp" in metrics["isolation"]
