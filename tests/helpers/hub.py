"""Shared by the tests which read a played hub: lays repositories out and starts it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from played_hub import Repository

from mathcode_pile.core.lifetime import die_with_parent

HERE = Path(__file__).parent


class Hub:
    """A played hub in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "requests.jsonl"
        command = [sys.executable, str(HERE / "played_hub.py"), str(folder), "--log", str(self.log)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        self.log.touch()

    def add(self, repository: str, files: dict[str, bytes], kind: str = "datasets", **play: Any) -> str:
        """Lay out a repository that has not been asked for yet; return its commit."""
        home = self.folder / kind / repository
        for name, content in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(content)
        (home / ".play.json").write_text(json.dumps(play))
        return Repository(home).commit

    def requests(self, ending: str = "") -> list[dict[str, Any]]:
        """Return what was asked for so far at addresses with this in them."""
        asked = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [request for request in asked if ending in request["path"]]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
