"""Get the model to start from: made from a configuration and a seed, or from a folder, a Python package or a hub.

The same params give the same bytes. The model is always written as safetensors in 32-bit floats, together with the
tokenizer of the corpus.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import Section
from mathcode_pile.downloads.model_files import OriginParams
from mathcode_pile.models.language_model import MODEL_FILES, load_tokenizer, read_model, save_model


class ArchitectureParams(Section):
    """The shape of a new model, trained from scratch."""

    architecture: Literal["llama"]
    """The family of the model."""
    hidden_size: int = Field(gt=0)
    """The width of the residual stream."""
    intermediate_size: int = Field(gt=0)
    """The width of the layers between, in each feed-forward block."""
    layers: int = Field(gt=0)
    """The number of transformer layers."""
    heads: int = Field(gt=0)
    """Attention heads in each layer."""
    key_value_heads: int = Field(gt=0)
    """Heads of keys and values; fewer than `heads` is grouped-query attention."""
    tie_embeddings: bool = True
    """Whether the input and output embeddings are one matrix."""
    max_positions: int = Field(default=8192, gt=0)
    """The longest row that the model can be given, in tokens."""


class BaseModelParams(OriginParams):
    """The source of the base model: exactly one of config, folder, package and hub."""

    OWN = "config"
    config: ArchitectureParams | None = None
    """The shape of a new model, whose weights are random."""
    seed: int = Field(default=0, ge=0)
    """The seed of a new model's weights."""


def bring_base_model(params: BaseModelParams, tokenizer_folder: Path, out: Path) -> dict[str, Any]:
    """Write the base model and the tokenizer to a folder; return the numbers of parameters and of embeddings.

    Raises InputError where the tokenizer has more ids than the model has embeddings, or is not the model's own.
    """
    tokenizer = load_tokenizer(tokenizer_folder)
    if params.config is not None:
        model, own = make_model(params.config, tokenizer, params.seed), None
    else:
        model, own = read_model(*params.fetch(MODEL_FILES, "base_model"))
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InputError(f"{tokenizer_folder}: {len(tokenizer)} tokens, but the base model has only {rows} embeddings")
    if own is not None and own.get_vocab() != tokenizer.get_vocab():
        raise InputError(f"{tokenizer_folder}: not the base model's own tokenizer; set tokenizer to the same origin")
    save_model(model, tokenizer, out)
    return {"parameters": sum(p.numel() for p in model.parameters()), "vocabulary": rows}


def make_model(shape: ArchitectureParams, tokenizer: Any, seed: int) -> Any:
    """Return a new Llama of this shape, its weights drawn from the seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        # A multiple of 64 is fast on matrix units. The rows after the tokenizer's ids are never used.
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
