"""On a Ray cluster stages write the local engine's bytes; other code is refused; nothing is lost that can be kept."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from ray_chain import write_input
from ray_cluster import RayCluster, why_not

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
from stages.filter_code.stage import filter_code
from stages.select.stage import SelectParams, SourceParams, select_shard

CHAIN = ROOT / "tests" / "helpers" / "ray_chain.py"
STAGES = ["annotate", "classify", "filter_code", "extract_textbooks", "select", "deduplicate", "translate", "execute"]
STAGES += ["verify", "decontaminate", "tokenize"]


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


def set_engine(project: Path, resources: str = "{}") -> None:
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = text.replace("  kind: local ", "  kind: ray ")
    params.write_text(text.replace("  resources: {}", f"  resources: {resources}"), encoding="utf-8")
    assert "kind: ray" in text


# --- on a real cluster


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain's input."""
    return write_input(tmp_path_factory.mktemp("given"))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RayCluster]:
    if reason := why_not():
        pytest.skip(reason)
    with RayCluster(tmp_path / "nodes") as started:
        yield started


def drive(cluster: RayCluster, scratch_folder: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
    """Start a driver with arguments of ray_chain.py in the working folder."""
    variables = cluster.environment() | {"MATHCODE_SCRATCH": str(scratch_folder), "MATHCODE_API_KEY": "key"}
    return cluster.enter(
        [sys.executable, str(CHAIN), *map(str, arguments)], env=variables, stderr=subprocess.PIPE, text=True
    )


def run_chain(given: Path, out: Path, scratch_folder: Path, cluster: RayCluster | None = None) -> str:
    """Run the chain to its end and return the hash of what it wrote."""
    if cluster:
        driver = drive(cluster, scratch_folder, given, out)
        _, said = driver.communicate(timeout=900)
        assert driver.returncode == 0, said[-3000:]
    else:
        variables = os.environ | {"MATHCODE_SCRATCH": str(scratch_folder)}
        subprocess.run([sys.executable, str(CHAIN), str(given), str(out)], env=variables, check=True)
    return scratch.hash_folder(out)


def test_stages_on_two_nodes_started_elsewhere_write_the_local_bytes(
    tmp_path: Path, project: Path, given: Path, cluster: RayCluster
) -> None:
    write_content(tmp_path / "stale" / "mathcode_pile", {"__init__.py": b"raise ImportError('stale')"})
    cluster.start_worker()
    cluster.start_worker(PYTHONPATH=str(tmp_path / "stale"))  # what the job ships goes before it
    here = run_chain(given, Path("here"), tmp_path / "one")
    assert all(list(Path("here", stage).rglob("part-*.parquet")) for stage in STAGES)
    shutil.copytree(tmp_path / "one" / "kernels", tmp_path / "two" / "kernels")  # compiled once
    set_engine(project)
    assert run_chain(given, Path("there"), tmp_path / "two", cluster) == here
    assert not list((tmp_path / "two" / "probes").iterdir())


@pytest.mark.slow
def test_nodes_that_do_not_see_the_folder_get_files_by_ray_alone(
    tmp_path: Path, project: Path, given: Path, cluster: RayCluster
) -> None:
    (tmp_path / "two").mkdir()
    filter_code(given / "code", Path("here"), ["sympy"], "python")
    cluster.start_worker(hidden=(project, given, tmp_path / "two", ROOT / "src", ROOT / "stages"))
    set_engine(project)
    _, said = drive(cluster, tmp_path / "two", given, "there", "filter_code").communicate(timeout=900)
    assert "shards travel through Ray's object store" in said
    assert scratch.hash_folder(Path("there")) == scratch.hash_folder(Path("here"))


@pytest.mark.slow
def test_a_node_with_stale_code_or_other_packages_is_refused(
    tmp_path: Path, project: Path, given: Path, cluster: RayCluster
) -> None:
    set_engine(project)
    # A checkout that a node's own start-up file imports before the worker sees what the job ships.
    stale = tmp_path / "stale"
    for package in ("src/mathcode_pile", "stages"):
        shutil.copytree(ROOT / package, stale / Path(package).name, ignore=shutil.ignore_patterns("__pycache__"))
    funnel = stale / "mathcode_pile" / "core" / "funnel.py"
    funnel.write_text(funnel.read_text(encoding="utf-8") + "\nOLD = True\n", encoding="utf-8")
    start_up = f"import sys\nsys.path.insert(0, {str(stale)!r})\nimport mathcode_pile.core.ray_worker\n"
    (stale / "sitecustomize.py").write_text(start_up, encoding="utf-8")
    other = tmp_path / "other" / "xxhash-0.1.dist-info"
    write_content(other, {"METADATA": b"Metadata-Version: 2.1\nName: xxhash\nVersion: 0.1\n"})
    for path, expected in [
        (stale, f"runs code from {stale}: it is not the driver's"),
        (other.parent, "has xxhash 0.1, the driver has"),
    ]:
        node = cluster.start_worker(PYTHONPATH=str(path))
        _, said = drive(cluster, tmp_path / "two", given, "out", "filter_code").communicate(timeout=300)
        assert expected in said and "Traceback" not in said
        node.terminate()
        node.wait()
    assert not list(Path("out").glob("*.parquet"))


@pytest.mark.slow
def test_a_model_server_is_asked_by_the_driver_once_for_each_prompt(
    tmp_path: Path, project: Path, given: Path, cluster: RayCluster
) -> None:
    set_engine(project)
    for _ in range(2):
        cluster.start_worker()
    log = tmp_path / "log"
    command = [
        sys.executable,
        str(ROOT / "tests" / "helpers" / "scripted_server.py"),
        "--log",
        str(log),
        "--key",
        "key",
    ]
    server = cluster.enter(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    for _ in range(2):  # the second run finds every reply in the driver's cache
        shutil.rmtree(tmp_path / "two" / "shards", ignore_errors=True)
        driver = drive(cluster, tmp_path / "two", given, "out", "ask", url)
        _, said = driver.communicate(timeout=300)
        assert driver.returncode == 0, said
        shutil.rmtree("out")
    server.kill()
    server.wait()
    bodies = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    questions = [body["messages"][-1]["content"] for body in bodies]
    assert questions and len(questions) == len(set(questions))
