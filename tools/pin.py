"""Write the present commits of Hugging Face repositories into a profile, wherever a revision is null."""

import re
from collections.abc import Callable
from pathlib import Path

from mathcode_pile.core.errors import PipelineError

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


def find_commit(kind: str, name: str) -> str:
    """Return the present commit of a repository; raises PipelineError where the hub does not answer for it.

    kind: dataset or model.
    """
    import httpx2  # what huggingface_hub speaks through
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        return str((hub.dataset_info(name) if kind == "dataset" else hub.model_info(name)).sha)
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        raise PipelineError(" ".join(str(error).split())) from None


def pin_profile(profile: str) -> list[str]:
    """Replace every null revision in the profile's file; return a line for each repository.

    Raises PipelineError, and leaves the file as it is, where the hub does not answer for one of them.
    """
    path = Path("profiles") / f"{profile}.yaml"
    if not path.is_file():
        raise PipelineError(f"{path}: no such file; name a profile: make pin PROFILE=paper")
    try:
        text, commits = pin(path.read_text(encoding="utf-8"), find_commit)
    except PipelineError as error:
        raise PipelineError(f"{path}: nothing pinned: {error}") from None
    path.write_text(text, encoding="utf-8")
    if not commits:
        return [f"{path}: every revision is pinned already"]
    return [f"{path}: {repository} at {commit}" for repository, commit in commits.items()]
