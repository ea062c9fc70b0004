"""The Hugging Face origin, through the real client, with an imitated hub on 127.0.0.1."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import ROOT, run_module
from hub import Hub
from played_hub import TOKEN
from small_training import make_tokenizer

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from stages.fetch.stage import OriginsParams, fetch_source
from stages.tokenizer.stage import TokenizerParams, bring_tokenizer

NAME = "owner/pages"


def parquet(rows: int = 400, start: int = 0) -> bytes:
    """A file that is large for the imitated hub: random-looking text, which does not compress."""
    texts = [hashlib.sha256(str(n).encode()).hexdigest() * 4 for n in range(start, start + rows)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"content": texts, "id": list(range(start, start + rows))}), sink)
    return sink.getvalue().to_pybytes()


def origin(commit: str | None, **values: Any) -> OriginsParams:
    entry = {"kind": "huggingface", "repository": NAME, "revision": commit, "patterns": ["data/*.parquet"]}
    entry |= {"format": "parquet", "license": "MIT", "columns": {"text": "content"}} | values
    return parse_section("fetch.s", {"origins": [entry]}, OriginsParams)


def test_files_are_chosen_by_pattern_at_their_commit_and_brought_once(hub: Hub, tmp_path: Path) -> None:
    files = {"data/b.parquet": parquet(5, 100), "data/a.parquet": parquet(400), "README.md": b"x", "other/c.txt": b"y"}
    commit = hub.add(NAME, files)
    report = fetch_source("s", origin(commit), tmp_path / "out")
    rows = list(read_rows(tmp_path / "out"))
    assert report.kept == 405 and rows[0]["text"].startswith(hashlib.sha256(b"0").hexdigest())
    assert rows[0]["url"] == f"hf://datasets/{NAME}@{commit}/data/a.parquet#1"
    recorded = json.loads((tmp_path / "out" / "files.json").read_text())
    assert [(f["url"].rsplit("/", 1)[1], f["bytes"], f["sha256"]) for f in recorded] == [
        (name, len(files[f"data/{name}"]), hashlib.sha256(files[f"data/{name}"]).hexdigest())
        for name in ("a.parquet", "b.parquet")
    ]
    asked = len(hub.requests())
    fetch_source("s", origin(commit), tmp_path / "again")
    fetch_source("s", origin(commit, limits={"files": 1}), tmp_path / "one")
    assert len(hub.requests()) == asked
    assert len(list(read_rows(tmp_path / "one"))) in (5, 400)


def test_small_files_come_through_the_hub_itself(hub: Hub, tmp_path: Path) -> None:
    lines = gzip.compress(b'{"content": "one"}\n{"content": "two"}\n')
    commit = hub.add(NAME, {"a.jsonl.gz": lines})
    fetch_source("s", origin(commit, patterns=["*.gz"], format="jsonl"), tmp_path / "out")
    assert [row["text"] for row in read_rows(tmp_path / "out")] == ["one", "two"]
    assert {request["server"] for request in hub.requests("a.jsonl.gz")} == {"Hub"}


def test_an_interrupted_download_continues_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    content = parquet()
    commit = hub.add(NAME, {"data/a.parquet": content}, **{"data/a.parquet": ["cut", "busy", "cut", "down"]})
    begun = time.monotonic()
    assert fetch_source("s", origin(commit), tmp_path / "out").kept == 400
    assert time.monotonic() - begun >= 1  # what Retry-After asks for
    ranges = [request["Range"] for request in hub.requests("signature")]
    half, rest = len(content) // 2, (len(content) - len(content) // 2) // 2
    assert ranges == [None, *[f"bytes={half}-"] * 2, *[f"bytes={half + rest}-"] * 2]


def test_a_server_without_ranges_is_asked_for_all_of_it(hub: Hub, tmp_path: Path) -> None:
    commit = hub.add(NAME, {"data/a.parquet": parquet()}, **{"data/a.parquet": ["cut", "whole"]})
    assert fetch_source("s", origin(commit), tmp_path / "out").kept == 400


def test_the_next_process_continues_the_download_of_a_killed_one(hub: Hub, tmp_path: Path) -> None:
    content = parquet(4000)
    commit = hub.add(NAME, {"data/a.parquet": content}, **{"data/a.parquet": ["stall"]})
    code = (
        "from mathcode_pile.downloads.hub import download_hub\n"
        f"list(download_hub('dataset', {NAME!r}, {commit!r}, ['data/*']))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT / "src")})
    partial = wait_for(lambda: next((tmp_path / "scratch").rglob("a.parquet.partial"), None))
    wait_for(lambda: partial.stat().st_size > len(content) // 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    have = partial.stat().st_size
    assert fetch_source("s", origin(commit), tmp_path / "out").kept == 4000
    assert [request["Range"] for request in hub.requests("signature")] == [None, f"bytes={have}-"]


def wait_for(condition: Any) -> Any:
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("waited for half a minute")


@pytest.mark.parametrize("name", ["data/large.parquet", "data/small.parquet"])
def test_a_corrupted_file_is_refused_and_brought_anew_by_the_next_run(hub: Hub, tmp_path: Path, name: str) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"content": ["x"]}), sink, store_schema=False)
    content = parquet() if "large" in name else sink.getvalue().to_pybytes()
    commit = hub.add(NAME, {name: content}, **{name: ["corrupt"]})
    with pytest.raises(InputError, match=f"{NAME}@{commit}: {name} is corrupted: its hash is .* the commit says"):
        fetch_source("s", origin(commit), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("part-*")) and not list((tmp_path / "scratch").rglob("*.parquet*"))
    assert fetch_source("s", origin(commit), tmp_path / "out").kept > 0


def test_a_token_opens_a_gated_repository_and_is_written_nowhere(hub: Hub, tmp_path: Path, project: Path) -> None:
    commit = hub.add(NAME, {"data/a.parquet": parquet(), "data/b.parquet": parquet(3, 500)}, gated=True)
    profile = yaml.safe_load((project / "profiles" / "sample.yaml").read_text())
    profile["fetch"]["textbooks"] = origin(commit).model_dump(mode="json", exclude={"shard_megabytes"})
    (project / "profiles" / "sample.yaml").write_text(yaml.safe_dump(profile))
    command = [sys.executable, "-m", "stages.fetch", "out", "--source", "textbooks", "--metrics", "metrics.json"]

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, capture_output=True, text=True
        )

    refused = run()
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert "gated or private: accept its terms on its page, and set HF_TOKEN" in refused.stderr.splitlines()[-1]
    done = run(HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    sent = {(request["server"], request["Authorization"]) for request in hub.requests()}
    assert sent == {("Hub", None), ("Hub", f"Bearer {TOKEN}"), ("Storage", None)}
    hub.stop()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path != hub.log]
    assert any("part-00000" in path.name for path in written) and any("metrics" in path.name for path in written)
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in done.stdout + done.stderr + refused.stderr


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"repository": "owner/nothing"}, "no such dataset, or a private one that HF_TOKEN may not read"),
        ({"repository": "owner/private"}, "no such dataset, or a private one that HF_TOKEN may not read"),
        ({"revision": "0" * 40}, "the repository has no such commit"),
        ({"patterns": ["*.csv"]}, r"no file matches \*\.csv"),
        ({"repository": "a name/with/too much"}, "not a repository's name"),
        ({"revision": None}, "no revision is pinned; run `make pin`"),
        ({"patterns": ["*"]}, "README.md: not a file of format parquet"),
    ],
)
def test_what_the_hub_does_not_have_is_one_line(hub: Hub, tmp_path: Path, values: dict[str, Any], message: str) -> None:
    values = dict(values)
    commit = hub.add(NAME, {"data/a.parquet": parquet(), "README.md": b"x"})
    hub.add("owner/private", {"a.parquet": parquet()}, private=True)
    with pytest.raises(InputError, match=message) as error:
        fetch_source("s", origin(values.pop("revision", commit), **values), tmp_path / "out")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "http://127.0.0.1:9/nowhere"])
def test_a_hub_that_is_not_there_is_one_line(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client's own waits
    with pytest.raises(InputError, match="the hub cannot be reached: .*refused"):
        fetch_source("s", origin("0" * 40), tmp_path / "out")


def test_make_pin_writes_the_present_commits_into_a_profile(hub: Hub, project: Path) -> None:
    commit = hub.add(NAME, {"data/a.parquet": parquet()})
    model = hub.add("owner/model", {"config.json": b"{}"}, kind="models")
    profile = project / "profiles" / "played.yaml"
    text = f"fetch:\n  repository: {NAME}\n  revision: null\nbase_model:\n  hub: {{id: owner/model, revision: null}}\n"
    profile.write_text(text)
    assert run_module("tools", "pin", "played").returncode == 0
    assert profile.read_text() == text.replace("null", commit, 1).replace("null", model, 1)
    profile.write_text(text.replace("owner/model", "owner/nothing"))
    failed = run_module("tools", "pin", "played")
    assert failed.returncode == 1 and "Traceback" not in failed.stderr and "nothing pinned" in failed.stderr
    assert profile.read_text().count("null") == 2


def test_a_tokenizer_comes_from_the_hub(hub: Hub, tmp_path: Path) -> None:
    make_tokenizer(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    commit = hub.add("owner/model", files | {"weights.bin": b"not asked for"}, kind="models")
    params = parse_section("tokenizer", {"hub": {"id": "owner/model", "revision": commit}}, TokenizerParams)
    bring_tokenizer(params, tmp_path / "nowhere", tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    assert not hub.requests("weights.bin")
