"""The check of a profile lists all that is missing in one go: pins, hub, token, PDFs, GPUs, disk, vLLM, launcher."""

import re
import shutil
import socket
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from hub import Hub

from mathcode_pile.core.errors import ParamsError, PipelineError
from mathcode_pile.downloads.hub import download_hub
from mathcode_pile.llm import LlmParams
from mathcode_pile.llm.served import KEY_VARIABLE
from mathcode_pile.llm.settings import ServerParams
from stages.fetch.stage import OriginsParams
from stages.pretrain.memory import Memory
from stages.pretrain.training_params import PretrainParams
from tools import check_hub
from tools.check import check_all, check_profile
from tools.check_hub import Repository, list_closed, list_repositories
from tools.check_machine import Gpu, list_full, list_gpus, list_missing_files, list_too_small
from tools.check_servers import list_silent
from tools.figures import load_figures
from tools.profiles import choose_profile

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_hub(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the real hub or has a token or a GPU of this machine."""
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.setenv("HF_HOME", str(project / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("PATH", str(project / "bin"))
    (project / "sample").symlink_to(ROOT / "sample")
    (project / "configs").symlink_to(ROOT / "configs")


def read(profile: str, folder: Path) -> dict[str, Any]:
    return check_all(choose_profile(profile, folder))


def missing(profile: str | None) -> list[str]:
    with pytest.raises(PipelineError) as error:
        check_profile(profile)
    return str(error.value).split("\nerror: ")


def test_the_sample_lacks_nothing_and_its_training_is_stated(capsys: pytest.CaptureFixture[str]) -> None:
    check_profile()
    assert capsys.readouterr().out.startswith("pretrain: 80 steps, 328k tokens. A checkpoint takes 17 MB; ")


def test_on_a_machine_that_lacks_everything_all_is_listed_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = namedtuple("disk", "total used free")(10**12, 99 * 10**10, 10**10)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disk)
    monkeypatch.setenv("MATHCODE_VLLM", "nowhere")
    profile = yaml.safe_load((project / "profiles/workstation.yaml").read_text())
    profile["pretrain"]["launcher"] = "configs/nope.yaml"
    books = {"kind": "local", "path": "textbooks", "format": "pdf", "license": "as each book states"}
    profile["fetch"]["textbooks"] = {"origins": [books]}
    (project / "profiles/mine.yaml").write_text(yaml.safe_dump(profile))
    lines = missing("mine")
    assert "pretrain: 381 steps, 200M tokens" in capsys.readouterr().out
    pins = lines[0].removeprefix("params: not pinned: ")
    assert pins.endswith("; `make pin PROFILE=mine` writes the commits")
    nulls = re.findall(r"revision: null", (project / "profiles/workstation.yaml").read_text())
    assert len(pins.partition(";")[0].split(", ")) == len(nulls) > 15
    assert any(line.startswith("params: annotate.backend: ") for line in lines)
    assert "pretrain.launcher: configs/nope.yaml: no such file" in lines
    assert any(line.startswith("fetch.textbooks.origins.0.path: textbooks has no file") for line in lines)
    assert any(line.startswith("disk: the run takes about ") and "10 GB are free" in line for line in lines)
    assert any(line.startswith(f"the hub {NOBODY} does not answer") for line in lines)
    assert any(line.startswith("HF_TOKEN is not set") and "bigcode/starcoderdata" in line for line in lines)


def test_a_profile_for_gpus_says_what_they_must_have(capsys: pytest.CaptureFixture[str]) -> None:
    lines = missing("paper")
    assert re.search(
        r"pretrain: .* steps, .* tokens, .* on 8 GPUs H100, 29 GB of GPU memory each", capsys.readouterr().out
    )
    (gpus,) = (line for line in lines if line.startswith("pretrain needs"))
    assert gpus.startswith("pretrain needs 8 GPUs with 29.4 GB") and "this machine has none" in gpus
    (token,) = (line for line in lines if line.startswith("HF_TOKEN"))
    for name in ("bigcode/starcoderdata", "meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Meta-Llama-3-8B"):
        assert name in token


# --- the hub


def lay_out(hub: Hub, params: dict[str, Any], gated: list[str], without: str) -> None:
    """Put the profile's repositories on the played hub."""
    for repository in list_repositories(params):
        if repository.name != without:
            hub.add(repository.name, {"a": b"x"}, f"{repository.kind}s", gated=repository.name in gated)


def test_the_hub_is_asked_whether_the_token_opens_each_repository(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    params, gated = read("paper", tmp_path), load_figures().gated
    lay_out(hub, params, gated, without="openai/gsm8k")
    closed = list_closed(params, gated)
    assert len(closed) == len(gated) + 1
    for name in gated:
        (line,) = (line for line in closed if f" {name}: " in line)
        assert "HF_TOKEN is not set: accept its terms at " in line and line.count(hub.url) == 1
    assert "dataset openai/gsm8k: there is no such dataset, or it is private and HF_TOKEN is not set" in closed
    asked = {request["path"] for request in hub.requests("/auth-check")}
    assert len(asked) == len(list_repositories(params))
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody")
    assert all("this token's owner may not read it" in line for line in list_closed(params, gated) if "gated" in line)
    monkeypatch.setenv("HF_TOKEN", "hf_played")
    assert list_closed(params, gated) == [
        "dataset openai/gsm8k: there is no such dataset, or this token may not read it"
    ]


def test_a_hub_that_says_nothing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_hub, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        (line,) = list_closed(read("workstation", tmp_path), [])
    assert "does not answer within 0.2 s" in line and "open-web-math/open-web-math" in line


def test_what_was_downloaded_is_not_asked_about(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    commit = hub.add("some/pages", {"a.jsonl": b"{}"})
    list(download_hub("dataset", "some/pages", commit, ["*"]))
    monkeypatch.setattr(check_hub, "list_repositories", lambda params: {Repository("dataset", "some/pages"): commit})
    before = len(hub.requests())
    assert list_closed({}, []) == [] and len(hub.requests()) == before


def test_repositories_of_every_stage_are_named(project: Path, tmp_path: Path) -> None:
    before = list_repositories(read("sample", tmp_path))
    profile = yaml.safe_load((project / "profiles" / "sample.yaml").read_text())
    commit = "a" * 40
    served = {"backend": "vllm", "model": "eyes"}
    profile["extract_textbooks"] |= {"ocr": "served", "served": served}
    profile["llm"]["models"]["eyes"] = {
        "id": "some/eyes", "revision": commit, "tokenizer": "some/words", "context_tokens": 8192, "vllm": {}
    }  # fmt: skip
    profile["evaluate"]["models"] = {"published": {"hub": {"id": "some/published", "revision": commit}}}
    (project / "profiles" / "more.yaml").write_text(yaml.safe_dump(profile))
    (tmp_path / "more").mkdir()
    named = list_repositories(read("more", tmp_path / "more"))
    assert not before
    assert named == {Repository("model", f"some/{name}"): commit for name in ("eyes", "published", "words")}


def test_an_ocr_model_without_textbooks_is_not_needed(tmp_path: Path) -> None:
    assert Repository("model", "facebook/nougat-base") not in list_repositories(read("paper", tmp_path))


def test_a_profile_without_a_hub_asks_none(tmp_path: Path) -> None:
    assert list_repositories(read("sample", tmp_path)) == {}


# --- servers of models


class Handler(BaseHTTPRequestHandler):
    """A server of models that asks for a key."""

    def do_GET(self) -> None:
        """Answer a request for the list of models."""
        is_known = self.path == "/v1/models" and self.headers["Authorization"] == "Bearer right"
        self.send_response(200 if is_known else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def serve_at(params: dict[str, Any], address: str) -> dict[str, Any]:
    """Return params whose models are all served at one address."""
    models = params["llm"].models.items()
    server = ServerParams(base_urls=(address,))
    return params | {
        "llm": LlmParams(models={name: model.model_copy(update={"openai": server}) for name, model in models})
    }


def test_a_server_that_is_not_up_is_named_with_what_starts_it(tmp_path: Path) -> None:
    (line,) = list_silent(serve_at(read("coder", tmp_path), f"{NOBODY}/v1"))
    assert line.startswith(f"annotate, translate.translators.0: {NOBODY}/v1, the server of llm.models.coder, does not")
    assert "start `make serve-model`, or correct llm.models.coder.openai.base_urls" in line
    (tmp_path / "paper").mkdir()
    lines = list(list_silent(serve_at(read("paper", tmp_path / "paper"), f"{NOBODY}/v1")))
    assert len(lines) == 2 and all("start your server" in line for line in lines)


def test_a_server_that_answers_lacks_nothing_but_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        params = serve_at(read("coder", tmp_path), f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv(KEY_VARIABLE, "right")
        assert list(list_silent(params)) == []
        monkeypatch.delenv(KEY_VARIABLE)
        (line,) = list_silent(params)
        assert "answers 401 (is MATHCODE_API_KEY set to a key it takes?)" in line
        server.shutdown()


def test_a_source_without_an_origin_is_named_with_the_profile(project: Path) -> None:
    path = project / "params.yaml"
    values = yaml.safe_load(path.read_text())
    values["sources"]["lecture_notes"] = {"component": "synthetic", "input": "fetch/lecture_notes", "keep": "all"}
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(
        ParamsError, match=r"^profiles/sample\.yaml: fetch\.lecture_notes is missing, sources of params"
    ):
        check_all()


def test_recorded_replies_need_no_server(tmp_path: Path) -> None:
    assert list(list_silent(serve_at(read("sample", tmp_path), NOBODY))) == []


# --- the machine


def write_smi(project: Path, *gpus: str) -> None:
    """Play nvidia-smi with these lines."""
    program = project / "bin" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{gpu}'\n" for gpu in gpus))
    program.chmod(0o755)


def test_gpus_are_those_that_nvidia_smi_names(project: Path) -> None:
    assert list_gpus() == []
    write_smi(project, "NVIDIA H100 80GB HBM3, 81559", "NVIDIA RTX A5000, 24564")
    assert list_gpus() == [Gpu("NVIDIA H100 80GB HBM3", 81559 * 2**20), Gpu("NVIDIA RTX A5000", 24564 * 2**20)]


def test_a_card_that_is_too_small_is_named_with_the_params_to_turn(project: Path, tmp_path: Path) -> None:
    write_smi(project, "NVIDIA RTX A5000, 24564")
    lines = missing("workstation")
    (line,) = (line for line in lines if line.startswith("pretrain needs about"))
    assert "34.0 GB (state 30.8, " in line and "NVIDIA RTX A5000 has 25.8 GB" in line
    assert "lower pretrain.micro_batch_rows (2)" in line and "loss_chunk_tokens: 4096" in line
    write_smi(project, "NVIDIA H100 80GB HBM3, 81559")
    assert not [line for line in missing("workstation") if line.startswith("pretrain")]


def test_training_on_a_cpu_needs_no_gpu(tmp_path: Path) -> None:
    params: PretrainParams = read("sample", tmp_path)["pretrain"]
    assert list(list_too_small(params, Memory(10**12, 0, 0), [])) == []


def test_a_disk_that_two_folders_share_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (line,) = list_full(1e18, (tmp_path, tmp_path / "a"))
    assert line.startswith("disk: the run takes about 1e+06 TB")
    assert list(list_full(1, (tmp_path,))) == []


def test_what_a_run_has_written_already_needs_no_free_disk(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = namedtuple("disk", "total used free")(10**9, 10**9 - 10**6, 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: disk)
    monkeypatch.setenv("MATHCODE_VLLM", "nowhere")
    assert len(list(list_full(3e6, (project,)))) == 1
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "shard").write_bytes(b"x" * 1_500_000)
    (project / "data" / "link").hardlink_to(project / "data" / "shard")
    assert len(list(list_full(3e6, (project,)))) == 1  # 2.5 MB: the file with two names counts once
    (project / "data" / "more").write_bytes(b"x" * 600_000)
    assert list(list_full(3e6, (project,))) == []


def test_a_folder_without_pdfs_is_named(project: Path) -> None:
    books = {"kind": "local", "path": "textbooks", "format": "pdf", "license": "as each book states"}
    fetch = {"textbooks": OriginsParams.model_validate({"origins": [books]})}
    (line,) = list_missing_files(fetch, ["textbooks"])
    assert line.startswith("fetch.textbooks.origins.0.path: textbooks has no file that ends in .pdf: ")
    (project / "textbooks").mkdir()
    (project / "textbooks" / "notes.txt").write_text("no book")
    assert len(list(list_missing_files(fetch, ["textbooks"]))) == 1
    (project / "textbooks" / "Book.PDF").write_bytes(b"%PDF-")
    assert list(list_missing_files(fetch, ["textbooks"])) == []
