"""Download files of a Hugging Face repository, at one commit, to the scratch folder, or read them where they are.

huggingface_hub lists the files and gives the address of each. `download` brings the files themselves: the client's
own download starts again in the next process and compares only sizes. Here each file is compared with the hash that
its commit gives it.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.downloads.download import LocalFile, RefusedError, bring, hash_sha256
from mathcode_pile.downloads.remote import open_http

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


class Repository(NamedTuple):
    """A repository at a commit.

    HF_TOKEN is the token for gated and private repositories, HF_ENDPOINT the address of a mirror. Its methods raise
    InputError where the repository, the commit or a file is missing, where the token may not read it, and where a file
    is not the one that the commit names.
    """

    kind: Kind
    name: str
    revision: str

    def __str__(self) -> str:
        """Return the repository's name for messages."""
        return f"huggingface {self.name}@{self.revision}"

    def list_files(self, patterns: list[str]) -> list[list[HubFile]]:
        """Return the files that match each pattern, in order of their names; a file belongs to its first pattern."""
        home = hub_folder(self.kind, self.name, self.revision).parent
        with scratch.locked(home):
            left = sorted(_list_files(self, home / "tree.json"))
        groups = []
        for pattern in patterns:
            groups.append([file for file in left if fnmatch(file.name, pattern)])
            left = [file for file in left if not fnmatch(file.name, pattern)]
        if not any(groups):
            raise InputError(f"{self}: no file matches {', '.join(patterns)}")
        return groups

    def address(self, file: HubFile) -> str:
        """Return the address of a file that names its commit, for documents and records."""
        return f"hf://{'datasets/' if self.kind == 'dataset' else ''}{self.name}@{self.revision}/{file.name}"

    def download(self, file: HubFile) -> LocalFile:
        """Return a file on this machine; one that was downloaded before is not requested again."""
        whole = hub_folder(self.kind, self.name, self.revision) / file.name
        with scratch.locked(hub_folder(self.kind, self.name, self.revision).parent):
            if not whole.is_file():
                with self._explaining(file):
                    bring(self._url(file), whole, lambda part: _check(part, file, str(self)), _headers())
        return LocalFile(whole, file.name, self.address(file), file.blob, file.sha256)

    def open(self, file: HubFile) -> io.BufferedReader:
        """Return a file that is read where it is; its size is compared with the commit's, its content is not."""
        with self._explaining(file):
            opened = open_http(self._url(file), file.size, _headers())
            opened.peek(1)  # the first answer says whether the token may read it
            return opened

    def _url(self, file: HubFile) -> str:
        from huggingface_hub import hf_hub_url

        endpoint = os.environ.get("HF_ENDPOINT")
        return hf_hub_url(self.name, file.name, repo_type=self.kind, revision=self.revision, endpoint=endpoint)

    @contextmanager
    def _explaining(self, file: HubFile) -> Iterator[None]:
        try:
            yield
        except RefusedError as error:
            raise InputError(f"{self}: {file.name}: {_explain_refusal(error)}") from error


def _headers() -> dict[str, str]:
    from huggingface_hub.utils import build_hf_headers

    return build_hf_headers()


def download_hub(kind: Kind, repository: str, revision: str, patterns: list[str]) -> Iterator[LocalFile]:
    """Yield the files of a repository at a commit whose names match a pattern, in order of their names."""
    found = Repository(kind, repository, revision)
    for file in sorted(file for group in found.list_files(patterns) for file in group):
        yield found.download(file)


def _list_files(repository: Repository, kept: Path) -> list[HubFile]:
    """Return all files of a commit; the list is stored in the scratch folder."""
    if not kept.is_file():
        files = _ask_files(*repository, str(repository))
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
