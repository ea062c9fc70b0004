"""What tests share: a project folder of their own, and the optional real data."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub import Hub
from scripted import Server

os.environ.setdefault("OMP_NUM_THREADS", "1")
if not os.environ.get("MATHCODE_TEST_GPU"):  # on a CPU the same input gives the same bits; see test_gpu.py for cards
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("MATHCODE_REAL_DATA") or ROOT.parent / "shared" / "data")
HAS_REAL_DATA = all((REAL_DATA / name).is_dir() for name in ("benchmarks", "documents"))
NO_REAL_DATA = "no real data: MATHCODE_REAL_DATA names no folder with benchmarks/ and documents/"


def run_module(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python -m` with arguments and the repository's code, in a folder or the present one; return what it said."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the repository's params and profiles and a scratch folder of its own, as working folder."""
    folder = tmp_path / "project"
    (folder / "profiles").mkdir(parents=True)
    for name in [
        "params.yaml",
        "removed.csv",
        "published.json",
        *(f"profiles/{p.name}" for p in (ROOT / "profiles").glob("*.yaml")),
    ]:
        (folder / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    return folder


@pytest.fixture(autouse=True)
def _no_model_stays_open() -> Iterator[None]:
    """A process keeps its models open from stage to stage; a test does not hand them on to the next."""
    yield
    if "mathcode_pile.llm.asker" in sys.modules:
        sys.modules["mathcode_pile.llm.asker"].close_askers()


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    if not HAS_REAL_DATA:
        pytest.skip(NO_REAL_DATA)
    return REAL_DATA


@pytest.fixture
def hub(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hugging Face hub played on 127.0.0.1, which the real client takes for the hub."""
    played = Hub(tmp_path)
    monkeypatch.setenv("HF_ENDPOINT", played.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield played
    played.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A function that starts a scripted model server; all of them are stopped."""
    servers: list[Server] = []

    def start(*options: str) -> Server:
        servers.append(Server(tmp_path / f"log{len(servers)}", *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
