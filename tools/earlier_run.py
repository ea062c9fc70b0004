"""What an earlier run recorded, as far as its params are those of the profile that is planned."""

import json
from pathlib import Path
from typing import Any

from stages.report.recorded import read_lock


class Recorded:
    """The run that dvc.lock and metrics/ describe."""

    def __init__(self, root: Path, profile: dict[str, Any]) -> None:
        """root: the repository's folder. profile: the content of the profile that is planned."""
        self.root, self.profile, self.stages = root, profile, read_lock(root)

    def has_source(self, source: str) -> bool:
        """Say whether the run fetched a source with the profile's params."""
        params = self.stages.get(f"fetch@{source}", {}).get("params", {})
        mine = self.profile.get("fetch", {}).get(source)
        return any(values.get(f"fetch.{source}") == mine for name, values in params.items() if "profiles/" in name)

    def fetched(self, source: str) -> int | None:
        """Return the documents of a source, None where the run fetched another one."""
        return self._read(f"fetch/{source}").get("kept") if self.has_source(source) else None

    def stored_bytes(self, stage: str, path: str) -> int | None:
        """Return the size of an out."""
        outs = self.stages.get(stage, {}).get("outs", [])
        return next((out["size"] for out in outs if out["path"] == path), None)

    def annotated(self, source: str, before: str) -> tuple[int, int] | None:
        """Return the documents and pieces of a source that annotate judged, None where they are not the profile's.

        before: the folder below data/ that annotate reads.
        """
        found = self._read(f"annotate/{source}")
        if not self.has_source(source) or "pieces" not in found or found["in"] != self._read(before).get("kept"):
            return None
        return found["kept"], found["pieces"]

    def selected(self, source: str, before: str) -> int | None:
        """Return the documents of a source that select kept, None unless it read what the stage before it kept.

        before: the folder below data/ that select reads.
        """
        if not self.has_source(source):
            return None
        before_it, found = self._read(before), self._read(f"select/{source}")
        return found.get("kept") if found and found.get("in") == before_it.get("kept") else None

    def _read(self, name: str) -> dict[str, Any]:
        path = self.root / "metrics" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
