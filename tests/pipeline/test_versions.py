"""Versions of a small repository: published to a real S3 server, fetched elsewhere, checked, and damaged."""

import hashlib
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from s3_server import start_s3
from small_repository import IDS, Repository

from mathcode_pile.core.documents import document_id
from mathcode_pile.core.shards import read_rows

pytestmark = pytest.mark.pipeline
KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository with v1.0 and v1.1 on an S3 server."""
    import boto3

    server, url = start_s3()
    try:
        keys = {name.lower(): value for name, value in KEYS.items() if "REGION" not in name}
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys).create_bucket(Bucket="pile")
        made = Repository(tmp_path_factory.mktemp("versions"), "s3://pile/store", AWS_ENDPOINT_URL=url, **KEYS)
        made.publish("v1.0")
        made.change_for_v1_1()
        made.publish("v1.1")
        yield made
    finally:
        server.kill()
        server.wait()


def test_each_version_can_be_got_imported_and_loaded_elsewhere(repository: Repository, tmp_path: Path) -> None:
    origin = str(repository.home / "origin.git")
    for version, pages in (("v1.0", "abcd"), ("v1.1", "ade")):
        repository.run("dvc", "get", "-q", origin, "data/corpus", "--rev", version, "-o", version, folder=tmp_path)
        rows = list(read_rows(tmp_path / version / "web"))
        assert [row["id"] for row in rows] == [IDS[key] for key in pages]
        said = repository.run(sys.executable, "-I", f"{version}/verify_corpus.py", version, folder=tmp_path)
        assert f"version {version}" in said and said.endswith("Every file is whole.\n")
        sha256 = hashlib.sha256((tmp_path / version / "manifest.json").read_bytes()).hexdigest()
        assert sha256 in said and sha256 in repository.run("git", "tag", "-n9", "--list", version)
        assert f"Version: {version}." in (tmp_path / version / "README.md").read_text()
    (tmp_path / "mine").mkdir()
    repository.run("git", "init", "-q", folder=tmp_path / "mine")
    repository.run("dvc", "init", "-q", folder=tmp_path / "mine")
    repository.run("dvc", "import", "-q", origin, "data/corpus", "--rev", "v1.0", folder=tmp_path / "mine")
    program = "from datasets import load_dataset as load; d = load('corpus', split='train'); print(len(d), d[0]['id'])"
    said = repository.run(sys.executable, "-c", program, folder=tmp_path / "mine")
    assert f"7 {IDS['a']}" in said.splitlines()


def test_a_version_reruns_no_training(repository: Repository) -> None:
    # Once for each corpus, not for the versions.
    assert (repository.home / "train.log").read_text() == "trained\ntrained\n"
    assert repository.run("dvc", "status").strip() == "Data and pipelines are up to date."


def test_affected_lists_what_the_present_changes_rerun(repository: Repository) -> None:
    command = ["python", "-m", "tools", "affected"]
    assert repository.run(*command) == "nothing is changed\n"
    repository.change("params.yaml", "keep_types: [1]", "keep_types: [1, 2]")
    try:
        said = [line.split()[0] for line in repository.run(*command).splitlines()]
    finally:
        repository.change("params.yaml", "keep_types: [1, 2]", "keep_types: [1]")
    assert said == ["select", "decontaminate", "corpus", "tokenizer", "tokenize", "train"]


def test_publish_refuses_what_is_not_whole_and_changes_nothing(repository: Repository) -> None:
    def head() -> str:
        return repository.run("git", "rev-parse", "HEAD") + repository.run("git", "status", "--porcelain")

    before = head()
    assert "'1.2' is no version" in repository.publish("1.2", fails=True)
    assert "v1.1 is published" in repository.publish("v1.1", fails=True)
    said = repository.publish("v1.2", "DRY_RUN=1", "STAGES=corpus")
    assert "would run: dvc push corpus\n" in said
    assert said.endswith("would run: git push origin refs/tags/v1.2\n")
    (repository.folder / "note.txt").write_text("x")
    assert "1 files are not committed: ?? note.txt" in repository.publish("v1.2", fails=True)
    address = repository.run("git", "remote", "get-url", "origin").strip()
    repository.run("git", "remote", "set-url", "origin", "/nowhere")
    said = repository.publish("1.2", fails=True)
    repository.run("git", "remote", "set-url", "origin", address)
    assert re.findall("error: (.{12})", said)[:3] == ["'1.2' is no ", "the Git remo", "1 files are "]
    assert "git remote set-url origin <" in said
    (repository.folder / "note.txt").unlink()
    name = hashlib.md5((repository.folder / "data/select/web/part-00000.parquet").read_bytes()).hexdigest()
    place = repository.folder / ".dvc/cache/files/md5" / name[:2] / name[2:]
    whole = place.read_bytes()
    place.chmod(0o644)
    place.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        assert "data/select/web/part-00000.parquet is damaged in the cache" in repository.publish("v1.2", fails=True)
    finally:
        place.write_bytes(whole)
    assert head() == before


def test_publish_does_not_ask_for_the_outs_of_a_stage_that_is_gone(repository: Repository) -> None:
    lock = repository.folder / "dvc.lock"
    recorded = lock.read_text()
    gone = {"gone@all": {"cmd": "true", "outs": [{"path": "data/gone", "md5": "0" * 32, "size": 1}]}}
    lock.write_text(recorded + textwrap.indent(yaml.safe_dump(gone), "  "))
    try:
        script = (
            "from tools.publish import *; print(list(Version(WORKSPACE, Objects()).outs), list(find_faults(Objects())))"
        )
        said = repository.run("python", "-c", script)
    finally:
        lock.write_text(recorded)
    assert "data/gone" in said and said.endswith("] []\n")


def test_the_next_corpus_does_not_bear_the_version(repository: Repository, tmp_path: Path) -> None:
    manifest = repository.manifest()
    assert manifest["version"] == "v1.1" and manifest["taken_down"] == {"copyright": 1}
    shutil.copytree(repository.folder, tmp_path / "pile", symlinks=True)
    content = json.loads((tmp_path / "pile" / "published.json").read_text())["content"]
    (tmp_path / "pile" / "published.json").write_text(json.dumps({"version": "v1.1", "content": content[::-1]}))
    repository.run("dvc", "repro", "-q", "corpus", folder=tmp_path / "pile")
    assert '"version": "unpublished, after v1.1"' in (tmp_path / "pile/data/corpus/manifest.json").read_text()


def test_a_page_that_was_taken_down_is_in_no_out_that_select_feeds(repository: Repository) -> None:
    data = repository.folder / "data"
    holding = {path.relative_to(data).parts[0] for path in data.rglob("*.parquet") if _has(path, "Begonia")}
    assert holding == {"fetch"}
    assert IDS["b"] not in {row["id"] for row in read_rows(data / "tokenize" / "web", ["id"])}


def _has(path: Path, word: str) -> bool:
    import pyarrow.parquet as pq

    rows = pq.read_table(path).to_pylist()
    tokens = [bytes(row["tokens"]).decode() for row in rows if "tokens" in row]
    return word in str(rows) or any(word in text for text in tokens)


def test_diff_lists_exactly_what_was_planted(repository: Repository) -> None:
    said = repository.run("python", "-m", "tools", "diff", "v1.0", "v1.1")
    documents, snippets, tokens, scores, params = said.removeprefix("v1.0 to v1.1\n\n").split("\n\n")
    assert [line for line in documents.splitlines() if not line.startswith("      ")] == [
        "documents:",
        "  translated_code: 1 added, 1 removed, 1 changed",
        "    added, its page or its program is new: 1",
        "    removed, taken_down (select): 1",
        "  web: 1 added, 2 removed, 1 changed",
        "    added, new in the sources: 1",
        "    removed, empty_text (select): 1",
        "    removed, taken_down (select): 1",
    ]
    assert f"      removed {IDS['c']}  empty_text (select)  https://c.example.org/page  Nothing is" in documents
    assert f"      changed {IDS['a']}  https://a.example.org/page  The sum is" in documents
    assert [line for line in snippets.splitlines() if not line.startswith("      ")] == [
        "snippets:",
        "  web: 1 added, 2 removed, 0 changed",
        "    added, its page or its program is new: 1",
        "    removed, taken_down (select): 2",
    ]
    assert "  tokenize/web: kept: 4 to 3 (-1)" in tokens
    assert scores == "scores:\n  the same"
    assert params == "params:\n  corpus.translated.context_characters: 2000 to 1999 (-1)\n"


def test_the_page_of_a_diff_has_what_the_lines_have(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "diff.html"
    repository.run("python", "-m", "tools", "diff", "v1.0", "v1.1", "--html", str(path))
    page = path.read_text(encoding="utf-8")
    assert "removed, taken_down (select): 2<br>" in page and f"<li>removed {IDS['c']}  empty_text (select)" in page
    assert re.search(r"<td[^>]*>2000</td><td[^>]*>1999</td>", page) and "not compared" not in page.lower()
    assert "<script" not in page and 'src="' not in page


def test_diff_reads_a_version_from_the_remote_where_the_cache_is_empty(repository: Repository, tmp_path: Path) -> None:
    repository.run("git", "clone", "-q", str(repository.home / "origin.git"), str(tmp_path / "pile"), folder=tmp_path)
    repository.run("dvc", "cache", "dir", "--local", str(tmp_path / "cache"), folder=tmp_path / "pile")
    command = ["python", "-m", "tools", "diff", "v1.0", "v1.1"]
    assert repository.run(*command, folder=tmp_path / "pile") == repository.run(*command)
    assert "nothing: no such tag, commit or experiment" in repository.run(*command[:-1], "nothing", fails=True)


def test_takedown_adds_a_line_and_says_where_the_document_is(repository: Repository) -> None:
    translated = document_id("translated_code", IDS["d"])
    try:
        said = repository.run("python", "-m", "tools", "takedown", translated, "--reason", "private").splitlines()
        assert (repository.folder / "removed.csv").read_text().splitlines()[-1].startswith(f"id,{IDS['d']},20")
        again = repository.run("python", "-m", "tools", "takedown", "https://d.example.org/page/")
        nothing = repository.run("python", "-m", "tools", "takedown", "nobody.example.org")
    finally:
        repository.run("git", "checkout", "-q", "removed.csv")
    assert said[0] == f"{translated} was made from {IDS['d']}, which is taken down with everything made from it"
    assert said[1] == f"removed.csv: id {IDS['d']} added"
    found = {line.partition(": ")[2] for line in said if line.startswith("v1")}
    shards = ["fetch/web", "select/web", "decontaminate/documents/web", "decontaminate/snippets/web"]
    shards += [f"{stage}/{component}" for stage in ("corpus", "tokenize") for component in ("web", "translated_code")]
    assert found == {f"data/{place}/part-00000.parquet" for place in shards}
    assert {line.partition(": ")[0] for line in said if "data/corpus/web" in line} == {"v1.0", "v1.1, workspace"}
    corpus = hashlib.md5((repository.folder / "data/corpus/web/part-00000.parquet").read_bytes()).hexdigest()
    assert f"     s3://pile/store/files/md5/{corpus[:2]}/{corpus[2:]}" in said
    assert "git push origin --delete v1.0 v1.1; git tag --delete v1.0 v1.1" in "\n".join(said)
    assert "removed.csv: url https://d.example.org/page/ added" in again and "WARNING" not in again
    warning, added = nothing.splitlines()[:2]
    assert warning.startswith("WARNING: domain nobody.example.org matches nothing")
    assert "delete its line from removed.csv" in warning and added == "removed.csv: domain nobody.example.org added"
    assert "v1.1, workspace: data/tokenize/translated_code/part-00000.parquet" in again


def test_a_flipped_byte_in_the_remote_is_refused_by_pull(repository: Repository, tmp_path: Path) -> None:
    import boto3

    keys = {name.lower(): value for name, value in KEYS.items() if "REGION" not in name}
    url = repository.environment["AWS_ENDPOINT_URL"]
    store = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    shard = repository.folder / "data" / "corpus" / "web" / "part-00000.parquet"
    name = hashlib.md5(shard.read_bytes()).hexdigest()
    key = f"store/files/md5/{name[:2]}/{name[2:]}"
    whole = store.get_object(Bucket="pile", Key=key)["Body"].read()
    try:
        store.put_object(Bucket="pile", Key=key, Body=whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        origin = str(repository.home / "origin.git")
        repository.run("git", "clone", "-q", origin, str(tmp_path / "pile"), folder=tmp_path)
        repository.run("dvc", "cache", "dir", "--local", str(tmp_path / "cache"), folder=tmp_path / "pile")
        said = repository.run("dvc", "pull", "corpus", folder=tmp_path / "pile", fails=True)
        assert "data/corpus" in said
        assert not (tmp_path / "pile/data/corpus/web/part-00000.parquet").exists()
        # `dvc get` and `dvc import` do not check: what they bring is checked by the program in it.
        repository.run("dvc", "get", "-q", origin, "data/corpus", "--rev", "v1.1", "-o", "got", folder=tmp_path)
        said = repository.run(sys.executable, "got/verify_corpus.py", "got", folder=tmp_path, fails=True)
        assert "got/web/part-00000.parquet is damaged" in said
    finally:
        store.put_object(Bucket="pile", Key=key, Body=whole)
