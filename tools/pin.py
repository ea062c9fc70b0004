"""Write the hub's present commits into a profile, wherever a Hugging Face revision is still null."""

import re
import sys
from collections.abc import Callable
from pathlib import Path


def pin(text: str, find_commit: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """Return a profile's text with every null revision replaced, and the commits by repository."""
    commits: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        repository = match["repository"]
        commits.setdefault(repository, find_commit(repository))
        return match["before"] + commits[repository]

    pattern = r"(?P<before>repository: *(?P<repository>\S+)[^\n]*\n\s*revision: *)null"
    return re.sub(pattern, replace, text), commits


def main() -> None:
    """Pin the profile named on the command line."""
    from huggingface_hub import HfApi

    path = Path("profiles") / f"{sys.argv[1]}.yaml"
    text, commits = pin(path.read_text(encoding="utf-8"), lambda name: HfApi().dataset_info(name).sha or "null")
    path.write_text(text, encoding="utf-8")
    for repository, commit in commits.items():
        print(f"{path}: {repository} at {commit}")


if __name__ == "__main__":
    main()
