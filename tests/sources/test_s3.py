"""The S3 origin against a real server on 127.0.0.1."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import start_s3

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from mathcode_pile.sources import stores
from stages.fetch.stage import OriginsParams, fetch_source

LINES = b"".join(json.dumps({"text": f"{n} {'x' * 1000}"}).encode() + b"\n" for n in range(300))


@pytest.fixture
def bucket(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server with a bucket of two files."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server, url = start_s3()
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="pile")
    client.put_object(Bucket="pile", Key="data/b.jsonl.gz", Body=gzip.compress(LINES))
    client.put_object(Bucket="pile", Key="data/a.jsonl", Body=LINES)
    client.put_object(Bucket="pile", Key="data/notes.txt", Body=b"x")
    yield url
    server.kill()
    server.wait()


def params(url: str, address: str) -> OriginsParams:
    options = {"client_kwargs": {"endpoint_url": url}}
    origin = {"kind": "s3", "url": address, "options": options, "format": "jsonl", "license": "MIT"}
    return parse_section("fetch.s", {"origins": [origin]}, OriginsParams)


def test_files_of_a_bucket_are_brought_in_blocks_and_go_on_where_they_were_cut(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    asked: list[tuple[str, int]] = []
    whole = S3FileSystem.cat_file

    def cat_file(self: S3FileSystem, path: str, start: int, end: int) -> bytes:
        asked.append((path, start))
        if len(asked) == 3:
            raise ConnectionResetError("cut")
        return whole(self, path, start=start, end=end)

    monkeypatch.setattr(stores, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(S3FileSystem, "cat_file", cat_file)
    with pytest.raises(InputError, match=r"s3://pile/data/\*.jsonl\*: cut"):
        fetch_source("s", params(bucket, "s3://pile/data/*.jsonl*"), tmp_path / "out")
    assert fetch_source("s", params(bucket, "s3://pile/data/*.jsonl*"), tmp_path / "out").kept == 600
    assert [start for path, start in asked if path.endswith("a.jsonl")] == [0, 100_000, 200_000, 200_000, 300_000]
    assert next(read_rows(tmp_path / "out"))["url"] == "s3://pile/data/a.jsonl#1"
    recorded = json.loads((tmp_path / "out" / "files.json").read_text())
    first = recorded[0]
    assert (first["url"], first["bytes"], bool(first["etag"])) == ("s3://pile/data/a.jsonl", len(LINES), True)


@pytest.mark.parametrize("address", ["s3://pile/none*", "s3://pile/none.jsonl", "s3://nothing/x.jsonl", "s4://x/y"])
def test_what_a_store_does_not_have_is_one_line(bucket: str, tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match=address.replace("*", r"\*")) as error:
        fetch_source("s", params(bucket, address), tmp_path / "out")
    assert "\n" not in str(error.value)
