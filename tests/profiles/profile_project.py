"""A clone of the repository in which a profile of real sources runs against a hub and a model of this machine."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from conftest import ROOT
from hub import Hub
from killed_run import clone
from played_hub import TOKEN

OVERLAY = yaml.safe_load((Path(__file__).parent / "overlay.yaml").read_text(encoding="utf-8"))


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the values of both; where both have one, that of `above`."""
    joined = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        joined[key] = merge(below[key], value) if both else value
    return joined


class ProfileProject:
    """The clone, with its profile pinned to the hub's commits and overlaid."""

    def __init__(self, home: Path, profile: str, hub: Hub, server: str = "", **environment: str) -> None:
        """server: the address of a model's server, for a profile that has one."""
        self.folder, self.log, self.profile = home / "repository", home / "log", profile
        self.environment = clone(
            ROOT, home, HF_ENDPOINT=hub.url, HF_HOME=str(home / "huggingface"), HF_TOKEN=TOKEN, **environment
        )
        params = (self.folder / "params.yaml").read_text(encoding="utf-8")
        changed = re.sub(r"^profile: \w+", f"profile: {profile}", params, flags=re.MULTILINE)
        (self.folder / "params.yaml").write_text(changed, encoding="utf-8")
        self.run("tools", "pin", profile)
        path = self.folder / "profiles" / f"{profile}.yaml"
        pinned = yaml.safe_load(path.read_text(encoding="utf-8"))
        overlay = json.loads(json.dumps(OVERLAY[profile]).replace("SERVER", server))
        merged = merge(merge(pinned, OVERLAY["every"]), overlay)
        path.write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run `python -m` in the clone; return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    def metrics(self, name: str) -> dict[str, Any]:
        """Return the metrics of a stage."""
        return json.loads((self.folder / "metrics" / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def read_prompts(log: Path) -> Counter[str]:
    """Return how often each request was made to a scripted server."""
    return Counter(log.read_text(encoding="utf-8").splitlines()) if log.exists() else Counter()
