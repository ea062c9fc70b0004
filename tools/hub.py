"""Push a published version of the corpus to the Hugging Face hub, as a second place beside DVC's remote."""

import json
import os
from pathlib import Path

from mathcode_pile.core.errors import PipelineError, first_line
from stages.corpus.card import MANIFEST, UNPUBLISHED
from stages.corpus.verify_corpus import check_corpus, list_files


def push_to_hub(repository: str, folder: Path) -> str:
    """Make the dataset's main branch the folder's content, tag it with the version, and return the commit's address.

    The repository is made, private, if it does not exist. Files of an earlier version that are not in this one are
    deleted from the branch; the hub keeps them in its history. HF_TOKEN is the token, HF_ENDPOINT another hub.
    Raises PipelineError where the corpus is damaged or unpublished, where the hub refuses, and where the hub's files
    do not have the sizes and hashes of the manifest.
    """
    import httpx2  # the client that huggingface_hub uses
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    faults, _ = check_corpus(folder)
    if faults:
        raise PipelineError(f"{len(faults)} files are not as the manifest says; the first: {faults[0]}")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    version = manifest["version"]
    if version.startswith(UNPUBLISHED):
        raise PipelineError(f"{folder}: {version}; make publish VERSION=v1.0 first, or dvc get a published version")
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        hub.create_repo(repository, repo_type="dataset", private=True, exist_ok=True)
        commit = hub.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message=f"Version {version}",
            delete_patterns="*",
            ignore_patterns="*/dropped/*",
        )
        stored = {entry.path: entry for entry in hub.list_repo_tree(repository, recursive=True, repo_type="dataset")}
        for name, size, sha256 in list_files(manifest):
            entry = stored.get(name)
            large = getattr(entry, "lfs", None)  # the hub gives the SHA-256 of large files alone
            if getattr(entry, "size", None) != size or (large and large.sha256 != sha256):
                raise PipelineError(f"{repository}: {name} is not on the hub as the manifest says; push again")
        hub.create_tag(repository, tag=version, revision=commit.oid, repo_type="dataset")
    except HfHubHTTPError as error:
        raise PipelineError(f"{repository}: the hub refused: {first_line(error)}") from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise PipelineError(f"{repository}: {first_line(error)}") from error
    return str(commit.commit_url)
