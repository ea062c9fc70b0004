"""Write the hub's present commits into a profile, wherever a Hugging Face revision is still null."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

DATASET = re.compile(r"(?P<before>repository: *(?P<name>\S+)[^\n]*\n\s*revision: *)null")
MODEL = re.compile(r"(?P<before>\bid: *(?P<name>[^\s,]+)(?:, *|\n *)revision: *)null")
OCR = re.compile(r"(?P<before>ocr: *(?P<name>[^\s/]+/\S+)\n\s*ocr_revision: *)null")


def pin(text: str, find_commit: Callable[[str, str], str]) -> tuple[str, dict[str, str]]:
    """Return a profile's text with every null revision replaced, and the commits by repository.

    find_commit: from the kind (dataset or model) and the name of a repository to its present commit.
    """
    commits: dict[str, str] = {}
    for kind, pattern in (("dataset", DATASET), ("model", MODEL), ("model", OCR)):

        def replace(match: re.Match[str], kind: str = kind) -> str:
            name = match["name"]
            if name not in commits:
                commits[name] = find_commit(kind, name)
            return match["before"] + commits[name]

        text = pattern.sub(replace, text)
    return text, commits


def main() -> None:
    """Pin the profile named on the command line."""
    import httpx2  # what huggingface_hub speaks through
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    path = Path("profiles") / f"{sys.argv[1]}.yaml"
    if not path.is_file():
        sys.exit(f"{path}: no such file; name a profile: make pin PROFILE=paper")
    hub = HfApi()

    def find_commit(kind: str, name: str) -> str:
        return str((hub.dataset_info(name) if kind == "dataset" else hub.model_info(name)).sha)

    try:
        text, commits = pin(path.read_text(encoding="utf-8"), find_commit)
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        sys.exit(f"{path}: nothing pinned: {' '.join(str(error).split())}")
    path.write_text(text, encoding="utf-8")
    if not commits:
        print(f"{path}: every revision is pinned")
    for repository, commit in commits.items():
        print(f"{path}: {repository} at {commit}")


if __name__ == "__main__":
    main()
