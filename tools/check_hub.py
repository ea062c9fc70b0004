"""Ask the hub whether the token opens the repositories that a profile reads, without waiting for a hub that is away."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, get_args

from mathcode_pile.core.params import Section
from mathcode_pile.downloads.hub import Kind, hub_folder
from mathcode_pile.downloads.model_files import OriginParams
from mathcode_pile.llm import ModelBackend
from mathcode_pile.sources import HuggingFace

# For one answer. All repositories are asked at once, so this is also about how long the check takes.
TIMEOUT_S = 5
PUBLIC_HUB = "https://huggingface.co"


class Repository(NamedTuple):
    """A repository that a run reads."""

    kind: Kind
    name: str

    @property
    def page(self) -> str:
        """The address of its page, where its terms can be accepted."""
        prefix = "datasets/" if self.kind == "dataset" else ""
        return f"{_endpoint()}/{prefix}{self.name}"


def list_repositories(params: dict[str, Any]) -> dict[Repository, str | None]:
    """Return the repositories that a run reads, with the pinned commit of each."""
    found: dict[Repository, str | None] = {}
    for origin in _list_origins(params):
        found[Repository("dataset", origin.repository)] = origin.revision
    for model in list_models(params).values():
        if model.hub:
            found[Repository("model", model.hub.id)] = model.hub.revision
    books = params["extract_textbooks"]
    if reads_with_nougat(params) and _is_on_hub(books.ocr):
        found[Repository("model", books.ocr)] = books.ocr_revision
    for _, asker in list_askers(params):
        if asker.backend in get_args(ModelBackend):
            model = params["llm"].models[asker.model]
            # A server that the user starts has the model's weights; the tokenizer is read here in any case.
            names = {model.tokenizer or model.id, *([model.id] if asker.backend == "vllm" else [])}
            for name in filter(_is_on_hub, sorted(names)):
                found[Repository("model", name)] = model.revision
    return found


def list_models(params: dict[str, Any]) -> dict[str, OriginParams]:
    """Return the models that the run itself loads, by their keys in params; the one for OCR aside."""
    models: dict[str, OriginParams] = {name: params[name] for name in ("tokenizer", "base_model")}
    return models | {f"evaluate.models.{name}": model for name, model in params["evaluate"].models.items()}


def list_askers(params: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what may ask a model of llm.models, each with the section that says how."""
    translators = params["translate"].translators
    named = [(f"translate.translators.{number}", entry) for number, entry in enumerate(translators)]
    books = params["extract_textbooks"]
    if books.ocr == "served":
        named.append(("extract_textbooks.served", books.served))
    return [("annotate", params["annotate"]), *named]


def reads_with_nougat(params: dict[str, Any]) -> bool:
    """Say whether a nougat model may be loaded for OCR: not where the profile has no textbooks."""
    return params["extract_textbooks"].ocr not in ("none", "served") and bool(params["fetch"]["textbooks"].origins)


def _is_on_hub(name: str) -> bool:
    return "/" in name and not Path(name).is_dir()


def _list_origins(params: dict[str, Any]) -> Iterator[HuggingFace]:
    sections: list[Section] = [params["fetch"][name] for name in params["sources"]]
    sections += params["fetch_benchmarks"].benchmarks.values()
    for section in sections:
        yield from (origin for origin in section.origins if isinstance(origin, HuggingFace))  # type: ignore[attr-defined]


def list_closed(params: dict[str, Any], gated: list[str]) -> list[str]:
    """Return a line for each repository that the token does not open, or one line if the hub cannot be reached.

    gated: repositories that are known to need a token, for machines without a hub. Repositories whose files are on this
    machine already are not asked about.
    """
    wanted = [
        repository for repository, commit in list_repositories(params).items() if not _is_here(repository, commit)
    ]
    if not wanted:
        return []
    with ThreadPoolExecutor(len(wanted)) as threads:
        answers = dict(zip(wanted, threads.map(_ask, wanted), strict=True))
    silent = [repository.name for repository, answer in answers.items() if answer is None]
    lines = [f"{repository.kind} {repository.name}: {answer}" for repository, answer in answers.items() if answer]
    if silent:
        lines.append(
            f"the hub {_endpoint()} does not answer within {TIMEOUT_S} s, so these could not be checked: "
            f"{', '.join(silent)}; connect this machine, or set HF_ENDPOINT to a mirror"
        )
        closed = [name for name in silent if name in gated]
        if closed and not _has_token():
            lines.append(f"HF_TOKEN is not set, and these are gated: {', '.join(closed)}; accept their terms first")
    return lines


def _ask(repository: Repository) -> str | None:
    """Return what keeps a repository closed, "" where it is open, None where the hub does not answer."""
    import httpx2  # the client that huggingface_hub uses
    from huggingface_hub.utils import build_hf_headers

    address = f"{_endpoint()}/api/{repository.kind}s/{repository.name}/auth-check"
    try:
        answer = httpx2.get(address, headers=build_hf_headers(), timeout=TIMEOUT_S, follow_redirects=True)
    except (httpx2.HTTPError, OSError):
        return None
    if answer.status_code == 200:
        return ""
    if answer.headers.get("X-Error-Code") == "GatedRepo" or answer.status_code == 403:
        token = "this token's owner may not read it" if _has_token() else "HF_TOKEN is not set"
        return f"gated, and {token}: accept its terms at {repository.page} and set HF_TOKEN to a token that may read it"
    if answer.status_code in (401, 404):
        token = "or this token may not read it" if _has_token() else "or it is private and HF_TOKEN is not set"
        return f"there is no such {repository.kind}, {token}"
    return f"the hub answered {answer.status_code}; try again later"


def _is_here(repository: Repository, commit: str | None) -> bool:
    """Say whether the listing of a repository's commit was fetched before, which no closed repository allows."""
    if commit is None:
        return False
    return (hub_folder(repository.kind, repository.name, commit).parent / "tree.json").is_file()


def _has_token() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
