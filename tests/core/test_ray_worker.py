"""What a Ray worker does, without a cluster: it finds or takes files, and refuses other code than the driver's."""

import os
import pickle
import shutil
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from ray_driver import set_engine

from mathcode_pile.core import ray_worker, scratch
from mathcode_pile.core.engine import EngineParams, Resources, count_threads
from mathcode_pile.core.errors import InputError, ParamsError, PipelineError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.ray_worker import (
    Job,
    Unseen,
    WorkPickler,
    installed_packages,
    mark,
    read_content,
    write_content,
)
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shard_tasks import ShardTask
from stages.select.stage import SelectParams, SourceParams, select_shard


def make_job(folder: Path, **changes: Any) -> Job:
    probe = folder / "probe"
    probe.touch()
    source = SourceParams(component="c", input="i", keep="all")
    work = partial(select_shard, source=source, params=SelectParams(keep_types=[1]), removals=Removals())
    pickled = BytesIO()
    WorkPickler(pickled).dump(work)
    module, there = select_shard.__module__, str(folder / "scratch")
    job = Job(str(folder), module, scratch.hash_code(module), installed_packages(), {}, there, str(probe), [], [], [])
    ray_worker._works[job.number] = pickle.loads(pickled.getvalue())
    return job._replace(**changes)


def write_shard(folder: Path) -> Path:
    from scripted import write_documents

    return write_documents(folder, ["$1 + 1$", "no formula"]) / "part-00000.parquet"


@pytest.fixture
def own_variables(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker changes the variables of its process; here they come back after the test."""
    for name in ("MATHCODE_SCRATCH", "DVC_ROOT"):
        monkeypatch.setenv(name, str(project / name.lower()))
    shutil.copyfile(scratch.PROJECT / "requirements.lock", project / "requirements.lock")
    monkeypatch.setattr(scratch, "PROJECT", project)
    monkeypatch.setattr(ray_worker, "_checked", set())
    monkeypatch.setattr(ray_worker, "_works", {})
    return project


def test_a_worker_reads_and_writes_in_place_where_it_sees_the_files(own_variables: Path) -> None:
    job, shard = make_job(own_variables), write_shard(own_variables / "in")
    done = own_variables / "scratch" / "done"
    report = ray_worker.do_task(job, ShardTask(done, shard), mark(shard), None)
    assert report.kept == 2 and (done / "documents.parquet").is_file() and (done / "report.json").is_file()
    assert ray_worker.do_hashes(job, mark(shard)) == [scratch.hash_file(shard)]


def test_a_worker_that_sees_another_file_asks_for_the_content_and_makes_the_same_bytes(own_variables: Path) -> None:
    job, shard = make_job(own_variables), write_shard(own_variables / "in")
    task, marks = ShardTask(own_variables / "done", shard), mark(shard)
    here = ray_worker.do_task(job, task, marks, None)
    os.utime(shard, ns=(1, 1))
    assert isinstance(ray_worker.do_task(job, task, marks, None), Unseen)
    sent = ray_worker.do_task(job, task, [], {shard.name: shard.read_bytes()})
    assert sent.report == here
    write_content(own_variables / "sent", sent.files)
    assert scratch.hash_folder(own_variables / "sent") == scratch.hash_folder(own_variables / "done")


def test_an_error_on_content_that_travelled_names_the_drivers_path(own_variables: Path) -> None:
    shard = own_variables / "in" / "part-00000.parquet"
    error = ray_worker.do_task(
        make_job(own_variables), ShardTask(own_variables, shard), [], {shard.name: b"no Parquet"}
    )
    assert isinstance(error, InputError) and str(error).startswith(f"{shard}: not a readable Parquet file")


def test_other_code_and_other_packages_are_refused_with_one_line(own_variables: Path) -> None:
    shard = write_shard(own_variables / "in")
    packages = installed_packages()
    assert {"Python", "pyarrow", "numpy"} <= packages.keys()
    for changes, said in [
        ({"code": "0" * 32}, "it is not the driver's"),
        ({"packages": packages | {"pyarrow": "1.0"}}, f"has pyarrow {packages['pyarrow']}, the driver has 1.0"),
        ({"packages": packages | {"unheard-of": "1.0"}}, "lacks unheard-of, the driver has 1.0"),
    ]:
        job = make_job(own_variables, **changes)
        error = ray_worker.do_task(job, ShardTask(own_variables / "done", shard), mark(shard), None)
        assert type(error) is PipelineError and said in str(error) and "\n" not in str(error)
    assert not (own_variables / "done").exists()


def test_paths_that_work_holds_are_found_wherever_they_are(own_variables: Path) -> None:
    held = own_variables / "model"
    write_content(held, {"a": b"1", "b/c": b"2"})
    buffer = BytesIO()
    pickler = WorkPickler(buffer)
    pickler.dump(partial(select_shard, source={"deep": [Path("model"), Path("missing")]}))
    assert pickler.paths == {held}

    def load(sent: Any) -> list[Path]:
        return ray_worker._WorkUnpickler(BytesIO(buffer.getvalue()), sent).load().keywords["source"]["deep"]

    assert load(None) == [held, Path("missing")]
    copy, _ = load({str(held): read_content(held)})
    assert copy != held and copy.name == "model" and scratch.hash_folder(copy) == scratch.hash_folder(held)
    assert load({str(held): read_content(held)})[0] == copy


def test_resources_name_stages_and_decide_how_many_threads_a_shard_has(project: Path) -> None:
    with pytest.raises(ParamsError, match="engine.resources: there is no stage 'executed'"):
        parse_section("engine", {"resources": {"executed": {"cpu": 2}}}, EngineParams)
    assert parse_section("engine", {"resources": {"execute": {"cpu": 2}}}, EngineParams).resources == {
        "execute": Resources(cpu=2)
    }
    set_engine(project, resources="{execute: {cpu: 3, memory_gb: 2}}")
    assert (count_threads("execute", 100), count_threads("tokenize", 1)) == (3, 1)
