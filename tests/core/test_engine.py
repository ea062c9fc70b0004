"""Shards are mapped once each, whatever the workers; what is finished survives; failures are one line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core import scratch
from mathcode_pile.core.documents import DOCUMENT, DROPPED
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.funnel import Report, parse_reasons
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches, read_rows, shard_name


def make_shards(folder: Path, count: int, rows: int = 20) -> None:
    base = {"source": "s", "url": "", "license": "MIT", "metadata": "{}"}
    for index in range(count):
        with ShardWriter(folder / shard_name(index), DOCUMENT) as writer:
            writer.write_rows([base | {"id": f"{index}-{n}", "text": f"{index} {n}"} for n in range(rows)])


def keep_even(shard: Path, folder: Path, log: Path | None = None) -> Report:
    """Keep rows whose number is even, drop the others."""
    if log:
        with open(log, "a") as file:
            file.write(f"{shard.name}\n")
    report = Report()
    with (
        ShardWriter(folder / "documents.parquet", DOCUMENT) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as out,
    ):
        for batch in read_batches(shard):
            even = [int(text.split()[1]) % 2 == 0 for text in batch["text"].to_pylist()]
            kept.write(batch.filter(pa.array(even)))
            lost = [i for i, e in zip(batch["id"].to_pylist(), even, strict=True) if not e]
            out.write_rows([{"id": i, "reason": "odd", "detail": ""} for i in lost])
            report += Report(batch.num_rows, sum(even))
            report.dropped["odd"] += len(lost)
    return report


def die(shard: Path, folder: Path) -> Report:
    """Be killed, as for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Report()


def hang(shard: Path, folder: Path) -> Report:
    """Say who is at work, and never end."""
    os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)
    return Report()


def test_results_do_not_depend_on_workers(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shards(tmp_path / "in", 5)
    outs = []
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        report = map_folder("t", keep_even, tmp_path / "in", tmp_path / workers, [])
        assert (report.read, report.kept, report.dropped["odd"]) == (100, 50, 50)
        outs.append(scratch.hash_folder(tmp_path / workers))
    assert outs[0] == outs[1] == outs[2]
    assert len(list(read_rows(tmp_path / "1" / "dropped"))) == 50


def test_an_added_shard_computes_only_itself(tmp_path: Path, project: Path) -> None:
    work = partial(keep_even, log=tmp_path / "log")
    make_shards(tmp_path / "in", 3)
    map_folder("t", work, tmp_path / "in", tmp_path / "a", [])
    make_shards(tmp_path / "in", 4)
    report = map_folder("t", work, tmp_path / "in", tmp_path / "b", [])
    assert sorted((tmp_path / "log").read_text().split()) == [shard_name(n) for n in range(4)]
    assert report.read == 80 and len(list_shards(tmp_path / "b")) == 4
    map_folder("t", work, tmp_path / "in", tmp_path / "c", ["another key"])
    assert len((tmp_path / "log").read_text().split()) == 8


def test_a_killed_worker_is_one_clear_line(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_WORKERS", "2")
    make_shards(tmp_path / "in", 2)
    with pytest.raises(PipelineError, match="a worker was killed"):
        map_folder("t", die, tmp_path / "in", tmp_path / "out", [])


def test_finished_shards_survive_kill_9(tmp_path: Path, project: Path) -> None:
    make_shards(tmp_path / "in", 4)
    script = (
        "import sys, time; from pathlib import Path; sys.path[:0] = [{src!r}, {tests!r}]\n"
        "from mathcode_pile.core.engine import map_folder\nimport test_engine\n"
        "def slow(shard, folder):\n"
        "    if shard.name == 'part-00002.parquet': print('reached', flush=True); time.sleep(60)\n"
        "    return test_engine.keep_even(shard, folder, Path('log'))\n"
        "slow.__module__ = 'test_engine'\n"
        "map_folder('t', slow, Path({inp!r}), Path('out'), [])\n"
    ).format(src=str(scratch.PROJECT / "src"), tests=str(Path(__file__).parent), inp=str(tmp_path / "in"))
    environment = os.environ | {"MATHCODE_WORKERS": "1"}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout and process.stdout.readline() == "reached\n"
    process.kill()
    process.wait()
    assert not (project / "out").exists()
    map_folder("t", partial(keep_even, log=project / "log"), tmp_path / "in", project / "out", [])
    assert sorted((project / "log").read_text().split()) == [shard_name(n) for n in range(4)]
    assert len(list(read_rows(project / "out"))) == 40


def test_workers_die_with_a_killed_stage(tmp_path: Path, project: Path) -> None:
    make_shards(tmp_path / "in", 2)
    script = (
        "import os, sys, time; from pathlib import Path; sys.path[:0] = [{src!r}, {tests!r}]\n"
        "from mathcode_pile.core.engine import map_folder\nimport test_engine\n"
        "map_folder('t', test_engine.hang, Path({inp!r}), Path('out'), [])\n"
    ).format(src=str(scratch.PROJECT / "src"), tests=str(Path(__file__).parent), inp=str(tmp_path / "in"))
    environment = os.environ | {"MATHCODE_WORKERS": "2"}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_prune_frees_only_what_no_out_shares(tmp_path: Path, project: Path) -> None:
    make_shards(tmp_path / "in", 2)
    map_folder("t", keep_even, tmp_path / "in", tmp_path / "out", [])
    assert scratch.prune() == 0
    for path in (tmp_path / "out").rglob("*.parquet"):
        path.unlink()
    assert scratch.prune() > 0
    assert not list((tmp_path / "scratch").rglob("*.parquet"))


def test_a_prune_that_was_cut_short_leaves_nothing_that_passes_for_finished(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shards(tmp_path / "in", 2)
    map_folder("s", keep_even, tmp_path / "in", tmp_path / "out", [])
    shutil.rmtree(tmp_path / "out")

    def remove_a_part(folder: Path) -> None:
        (folder / "documents.parquet").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("mathcode_pile.core.scratch.shutil.rmtree", remove_a_part)
    with pytest.raises(KeyboardInterrupt):
        scratch.prune()
    monkeypatch.undo()
    monkeypatch.chdir(project)
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    map_folder("s", keep_even, tmp_path / "in", tmp_path / "again", [])
    assert len(list_shards(tmp_path / "again")) == 2


def test_an_out_with_shards_of_another_run_is_refused(tmp_path: Path, project: Path) -> None:
    make_shards(tmp_path / "in", 2)
    map_folder("s", keep_even, tmp_path / "in", tmp_path / "out", [])
    (tmp_path / "in" / shard_name(1)).unlink()
    with pytest.raises(InputError, match=r"part-00001\.parquet: not a shard of this run"):
        map_folder("s", keep_even, tmp_path / "in", tmp_path / "out", [])
    assert len(list_shards(tmp_path / "out")) == 2


def test_reasons_survive_their_metrics_file() -> None:
    report = Report(10, 7)
    report.dropped.update(too_short=2, no_text=1)
    assert parse_reasons(report.to_metrics()["reasons"]) == {"too_short": 2, "no_text": 1}


def test_working_folder_goes_also_when_its_process_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path))
    script = (
        "from mathcode_pile.core.scratch import working_folder\n"
        "with working_folder('pack') as folder:\n    (folder / 'f').touch()\n    print(folder, flush=True)\n    input()"
    )
    command = [sys.executable, "-c", script]
    environment = os.environ | {"PYTHONPATH": str(scratch.PROJECT / "src")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(2)]
    killed, living = [Path(process.stdout.readline().strip()) for process in processes]  # type: ignore[union-attr]
    processes[0].kill()
    processes[0].wait()
    assert killed.is_dir() and (living / "f").is_file()
    with scratch.working_folder("pack") as folder:
        assert not killed.exists() and (living / "f").is_file() and not list(folder.iterdir())
    assert not folder.exists()
    processes[1].communicate("\n")
    assert not living.exists()
