"""On a Ray cluster stages write the local engine's bytes; other code is refused; nothing is lost that can be kept."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from ray_chain import write_input
from ray_cluster import RayCluster, why_not
from ray_driver import (
    CHAIN,
    asked,
    count_replies,
    drive,
    finish,
    finished,
    kill_within_a_task,
    set_engine,
    wait_until,
)
from scripted import write_documents

from mathcode_pile.core import scratch
from mathcode_pile.core.ray_worker import write_content
from mathcode_pile.core.shards import read_rows

SERVER = ROOT / "tests" / "helpers" / "scripted_server.py"
REPLY = (
    "**Conditions:** n = 3\n**Expression:** $3! + 1$\n**Result:** 7\n"
    "**Code:**\n```python\nimport math\nprint(math.factorial(3) + 1)\n```"
)
STAGES = ["annotate", "classify", "filter_code", "extract_textbooks", "select", "deduplicate", "translate", "execute"]
STAGES += ["verify", "decontaminate", "tokenize"]


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chain's input."""
    return write_input(tmp_path_factory.mktemp("given"), shards=8)


@pytest.fixture(scope="session")
def local(given: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: in `out` what the chain writes with the local engine, in `scratch` its scratch folder."""
    folder = tmp_path_factory.mktemp("local")
    share_kernels(folder / "scratch")
    subprocess.run(
        [sys.executable, str(CHAIN), str(given), str(folder / "out")],
        env=os.environ | {"MATHCODE_SCRATCH": str(folder / "scratch")},
        cwd=ROOT,
        check=True,
    )
    assert all(list((folder / "out" / stage).rglob("part-*.parquet")) for stage in STAGES)
    return folder


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RayCluster]:
    if reason := why_not():
        pytest.skip(reason)
    with RayCluster(tmp_path / "nodes") as started:
        yield started


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The scratch folder of a driver on the cluster."""
    return share_kernels(tmp_path / "two")


def share_kernels(scratch_folder: Path) -> Path:
    """Make a scratch folder with the repository's compiled kernels: compiling takes minutes."""
    kernels = ROOT / ".scratch" / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    scratch_folder.mkdir()
    (scratch_folder / "kernels").symlink_to(kernels)
    return scratch_folder


def test_stages_on_two_nodes_started_elsewhere_write_the_local_bytes(
    tmp_path: Path, project: Path, given: Path, local: Path, kept: Path, cluster: RayCluster
) -> None:
    write_content(tmp_path / "stale" / "mathcode_pile", {"__init__.py": b"raise ImportError('stale')"})
    cluster.start_worker()
    cluster.start_worker(PYTHONPATH=str(tmp_path / "stale"))  # what the job ships goes before it
    set_engine(project)
    finish(drive(cluster, kept, given, "there"))
    assert scratch.hash_folder(Path("there")) == scratch.hash_folder(local / "out")
    assert not list((kept / "probes").iterdir())


@pytest.mark.slow
def test_stages_on_a_node_that_does_not_see_the_folders_write_the_local_bytes(
    project: Path, given: Path, local: Path, kept: Path, cluster: RayCluster
) -> None:
    cluster.start_worker(hidden=(project, given, local, kept, ROOT / "src", ROOT / "stages"))
    set_engine(project)
    said = finish(drive(cluster, kept, given, "there"))
    told = Counter(re.findall(r"(\w+): not all nodes see this folder", said))
    assert told == Counter(STAGES) + Counter({"select": 2, "deduplicate": 3, "decontaminate": 3}), said
    assert scratch.hash_folder(Path("there")) == scratch.hash_folder(local / "out")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["deduplicate", "execute"])
def test_a_worker_and_the_driver_killed_cost_only_the_unfinished_shards(
    stage: str, project: Path, given: Path, local: Path, kept: Path, cluster: RayCluster
) -> None:
    set_engine(project)
    for _ in range(2):
        cluster.start_worker()
    for earlier in STAGES[: STAGES.index(stage)]:
        shutil.copytree(local / "out" / earlier, Path("there", earlier))
    driver = drive(cluster, kept, given, "there", stage)
    kill_within_a_task(cluster)
    wait_until(lambda: len(finished(kept, stage)) > 1)
    driver.send_signal(signal.SIGSTOP)
    before = finished(kept, stage)
    driver.kill()
    driver.wait()
    assert not Path("there", stage).exists()
    finish(drive(cluster, kept, given, "there", stage))
    after = finished(kept, stage)
    assert before.items() < after.items()  # and none was done again
    assert scratch.hash_folder(Path("there", stage)) == scratch.hash_folder(local / "out" / stage)


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
def test_a_driver_killed_while_it_asks_a_model_server_asks_no_answered_prompt_again(
    tmp_path: Path, project: Path, cluster: RayCluster
) -> None:
    local_params = (project / "params.yaml").read_bytes()
    set_engine(project)
    node = cluster.start_worker()
    # Of the second of three shards, four documents get no answer when they are first asked about.
    texts = [f"Document {n}, with 3! + 1 = 7. {'play hang 1;' if n % 3 == 1 and 6 < n < 18 else ''}" for n in range(24)]
    write_documents(tmp_path / "given" / "web", texts, shards=3)
    log, most = tmp_path / "log", tmp_path / "most"
    options = ["--log", str(log), "--most", str(most), "--key", "key", "--reply", REPLY, "--delay", "0.05"]
    server = cluster.enter([sys.executable, str(SERVER), *options], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"

    def ask(out: str, scratch_folder: str = "two") -> "subprocess.Popen[str]":
        return drive(cluster, tmp_path / scratch_folder, tmp_path / "given", out, "ask", url)

    driver = ask("there")
    wait_until(lambda: count_replies(tmp_path / "two") == 10 and asked(log).total() == 14)
    node.kill()
    driver.kill()
    driver.wait()
    finish(ask("there"))
    assert asked(log) == Counter({text: 1 + ("hang" in text) for text in asked(log)}) and len(asked(log)) == 24
    assert most.read_text() == "4"
    shutil.rmtree(tmp_path / "two" / "shards")
    finish(ask("again"))  # every reply is in the driver's cache
    assert asked(log).total() == 28
    (project / "params.yaml").write_bytes(local_params)
    finish(ask("here", "one"))
    assert asked(log).total() == 28 + 24
    assert len({scratch.hash_folder(Path(out)) for out in ("there", "again", "here")}) == 1
    assert sum(1 for _ in read_rows(Path("here"))) == 24
