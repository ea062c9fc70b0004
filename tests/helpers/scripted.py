"""Shared by the tests which ask models: starts scripted servers, writes small folders of documents."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.shards import ShardWriter, shard_name

HERE = Path(__file__).parent


class Server:
    """A scripted server in a process of its own."""

    def __init__(self, log: Path, *options: str) -> None:
        self.log = log
        command = [sys.executable, str(HERE / "scripted_server.py"), "--log", str(log), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def requests(self) -> list[dict[str, Any]]:
        """The body of each request."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def asked(self) -> Counter[str]:
        """How often each last turn was asked."""
        return Counter(body["messages"][-1]["content"] for body in self.requests())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def write_documents(folder: Path, texts: list[str], shards: int = 1) -> Path:
    """Write documents s/0, s/1, ... in turn to so many shards."""
    rows = [
        {"id": f"s/{i}", "text": text, "source": "s", "url": "", "license": "", "metadata": "{}"}
        for i, text in enumerate(texts)
    ]
    for index in range(shards):
        with ShardWriter(folder / shard_name(index), DOCUMENT) as shard:
            shard.write_rows(rows[index::shards])
    return folder
