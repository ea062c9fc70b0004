"""Download files of a Hugging Face repository, at one commit, to the scratch folder.

huggingface_hub lists the files and gives the address of each. `download` brings the files themselves: the client's
own download starts again in the next process and compares only sizes. Here each file is compared with the hash that
its commit gives it.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.downloads.download import LocalFile, RefusedError, bring, hash_sha256

Kind = Literal["dataset", "model"]


class HubFile(NamedTuple):  # one file of a repository, as its commit describes it
    name: str
    size: int
    blob: str
    """Git's hash of the file, or of the pointer that Git stores in place of a large file."""
    sha256: str
    """The hash of a large file; empty for a file that Git itself stores."""


def hub_folder(kind: Kind, repository: str, revision: str) -> Path:
    """Return the folder with the downloaded files of a repository's commit."""
    return scratch.scratch_folder("downloads", "hub", scratch.hash_values(kind, repository, revision), "files")


def download_hub(
    kind: Kind, repository: str, revision: str, patterns: list[str], files: int | None = None
) -> Iterator[LocalFile]:
    """Yield the files of a repository at a commit whose names match a pattern, in order of their names.

    files: how many at most. HF_TOKEN is the token for gated and private repositories, HF_ENDPOINT the address of a
    mirror. Files that were downloaded before are not requested again.
    Raises InputError where the repository, the commit or a matching file is missing, where the token may not
    read it, and where a file is not the one that the commit names.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    where = f"huggingface {repository}@{revision}"
    folder = hub_folder(kind, repository, revision)
    with scratch.locked(folder.parent):
        listed = _list_files(kind, repository, revision, folder.parent / "tree.json", where)
        chosen = sorted(file for file in listed if any(fnmatch(file.name, pattern) for pattern in patterns))
        if not chosen:
            raise InputError(f"{where}: no file matches {', '.join(patterns)}")
        for file in chosen[:files]:
            whole = folder / file.name
            if not whole.is_file():
                url = hf_hub_url(
                    repository, file.name, repo_type=kind, revision=revision, endpoint=os.environ.get("HF_ENDPOINT")
                )
                try:
                    bring(url, whole, lambda part, file=file: _check(part, file, where), build_hf_headers())  # type: ignore[misc]
                except RefusedError as error:
                    raise InputError(f"{where}: {file.name}: {_explain_refusal(error)}") from error
            prefix = "hf://datasets/" if kind == "dataset" else "hf://"
            yield LocalFile(whole, file.name, f"{prefix}{repository}@{revision}/{file.name}", file.blob, file.sha256)


def _list_files(kind: Kind, repository: str, revision: str, kept: Path, where: str) -> list[HubFile]:
    """Return all files of a commit; the list is stored in the scratch folder."""
    if not kept.is_file():
        files = _ask_files(kind, repository, revision, where)
        partial = kept.with_suffix(".partial")
        partial.write_text(json.dumps(files), encoding="utf-8")
        partial.rename(kept)
    return [HubFile(*values) for values in json.loads(kept.read_text(encoding="utf-8"))]


def _ask_files(kind: Kind, repository: str, revision: str, where: str) -> list[HubFile]:
    import httpx2  # the client that huggingface_hub uses
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    try:
        tree = HfApi(endpoint=os.environ.get("HF_ENDPOINT")).list_repo_tree(
            repository, recursive=True, revision=revision, repo_type=kind
        )
        files = [
            HubFile(entry.path, entry.size, entry.blob_id, entry.lfs.sha256 if entry.lfs else "")
            for entry in tree
            if isinstance(entry, RepoFile)
        ]
    except GatedRepoError as error:
        raise InputError(f"{where}: {_GATED}") from error
    except RevisionNotFoundError as error:
        raise InputError(f"{where}: the repository has no such commit") from error
    except RepositoryNotFoundError as error:
        raise InputError(f"{where}: no such {kind}, or a private one that HF_TOKEN may not read") from error
    except HfHubHTTPError as error:
        raise InputError(f"{where}: the hub answered {error.response.status_code}") from error
    except (httpx2.HTTPError, OSError) as error:
        raise InputError(f"{where}: the hub cannot be reached: {first_line(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # The name is malformed, or the server is not a hub.
        raise InputError(f"{where}: not a hub's answer, or not a repository's name: {first_line(error)}") from error
    for file in files:
        if PurePosixPath(file.name).is_absolute() or ".." in PurePosixPath(file.name).parts:
            raise InputError(f"{where}: {file.name!r} is outside the repository")
    return files


_GATED = "gated or private: accept its terms on its page, and set HF_TOKEN to a token that may read it"


def _explain_refusal(error: RefusedError) -> str:
    text = str(error).rsplit(": ", 1)[-1]
    return _GATED if text.endswith(("401", "403")) else text


def _check(part: Path, file: HubFile, where: str) -> None:
    """Raise InputError where a downloaded file does not have the hash that the commit names."""
    if file.sha256:
        got, wanted = hash_sha256(part), file.sha256
    else:
        got, wanted = _git_hash(part), file.blob
    if got != wanted:
        raise InputError(f"{where}: {file.name} is corrupted: its hash is {got}, the commit says {wanted}")


def _git_hash(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
