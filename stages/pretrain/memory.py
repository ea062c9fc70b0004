"""Compute what a training run needs of a GPU's memory, and of the disk for its checkpoints, before a model is loaded.

The formula is for models of Llama's kind. It was fitted to the figures of `bench/train.py` in docs/training.md, and is
within 10% of them (tests/stages/test_pretrain_memory.py).
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.errors import ParamsError
from stages.pretrain.training_params import PretrainParams

# CUDA's own context, and memory that the allocator holds but cannot use.
OVERHEAD_BYTES = 1_000_000_000
# How far the formula may be wrong.
TOLERANCE = 0.1


class Shape(NamedTuple):
    """The sizes of a model of Llama's kind."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    query_width: int
    key_value_width: int
    vocabulary: int
    is_tied: bool
    """Whether embeddings and output share their weights."""

    @property
    def layer_parameters(self) -> int:
        """The parameters of one layer: four matrices of attention, three of the MLP, two norms."""
        attention = 2 * self.hidden * (self.query_width + self.key_value_width)
        return attention + 3 * self.hidden * self.intermediate + 2 * self.hidden

    @property
    def head_parameters(self) -> int:
        """The parameters of the output, which embeddings share if they are tied."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All parameters; tied ones count once."""
        tables = self.head_parameters * (1 if self.is_tied else 2)
        return tables + self.layers * self.layer_parameters + self.hidden

    def flops_a_token(self, pairs_a_token: float) -> float:
        """Return the operations that training on a token needs; pairs_a_token: the tokens that it attends to.

        The same count as `training_flops`, without a model.
        """
        looked_up = 0 if self.is_tied else self.head_parameters
        return 6 * (self.parameters - looked_up) + 12 * self.layers * self.query_width * pairs_a_token


def read_shape(config: dict[str, Any]) -> Shape | None:
    """Return the shape in a model's config.json, None where it is not of Llama's kind."""
    try:
        heads, hidden = config["num_attention_heads"], config["hidden_size"]
        width = config.get("head_dim") or hidden // heads
        return Shape(
            hidden=hidden,
            intermediate=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            query_width=heads * width,
            key_value_width=(config.get("num_key_value_heads") or heads) * width,
            vocabulary=config["vocab_size"],
            is_tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (KeyError, TypeError):
        return None


def read_model_shape(folder: Path) -> Shape | None:
    """Return the shape of the model in a folder, None where it is not of Llama's kind."""
    config = folder / "config.json"
    return read_shape(json.loads(config.read_text(encoding="utf-8"))) if config.is_file() else None


class Memory(NamedTuple):
    """The bytes that one GPU needs at the most."""

    state: int
    """Weights, gradients, AdamW's moments, and copies of the weights in bf16."""
    activations: int
    """What the layers keep for the backward pass."""
    logits: int
    """The logits of a chunk, and the gradient of the output's weights."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.state + self.activations + self.logits + OVERHEAD_BYTES


def estimate_memory(
    shape: Shape, params: PretrainParams, sequence_length: int, devices: int = 1, is_sharded: bool = False
) -> Memory:
    """Return what each of several GPUs needs; is_sharded: FSDP divides the state among them."""
    wide = 4 if params.precision == "fp32" else 2
    tokens = params.micro_batch_rows * sequence_length
    if is_sharded:
        # The weights of the module that runs are gathered, with those of the next one, and their gradients summed.
        tables = shape.head_parameters * (1 if shape.is_tied else 2)
        gathered = tables + 2 * shape.layer_parameters
        state = 16 * shape.parameters // devices + gathered * (wide + 2)
    else:
        state = (16 if params.precision == "fp32" else 18) * shape.parameters
    positions = min(tokens, params.loss_chunk_tokens or tokens)
    logits = positions * shape.vocabulary * (wide if params.compile else 12) + (wide + 4) * shape.head_parameters
    layer = tokens * _elements_a_token(shape, params, sequence_length) * wide
    if params.gradient_checkpointing:
        # Each layer's input, and one layer computed again, after the logits are gone.
        activations = shape.layers * tokens * shape.hidden * wide + max(0, layer - logits)
    else:
        activations = shape.layers * layer
    return Memory(state, activations, logits)


def _elements_a_token(shape: Shape, params: PretrainParams, sequence_length: int) -> int:
    """Return how many numbers a layer keeps for each token."""
    inputs = 4 * shape.hidden  # of both residuals and both norms
    kept = inputs + 2 * shape.query_width + 2 * shape.key_value_width + 3 * shape.intermediate
    if not params.compile:  # norms keep 32-bit copies, and rotations and the activation are kept too
        kept += 8 * shape.hidden + 2 * (shape.query_width + shape.key_value_width) + shape.intermediate
    if params.attention == "sdpa":
        kept += 2 * (shape.query_width - shape.key_value_width)  # keys and values, repeated for each query's head
    if params.attention == "eager":
        kept += 3 * shape.heads * sequence_length  # scores, and their softmax in 32 bits
    return kept


def checkpoint_bytes(shape: Shape) -> int:
    """Return the size of one checkpoint: 32-bit weights and two moments."""
    return 12 * shape.parameters


def check_memory(need: Memory, available: int, params: PretrainParams) -> None:
    """Raise ParamsError where a GPU with so many free bytes cannot hold the run, even if the estimate is 10% high."""
    if need.total * (1 - TOLERANCE) > available:
        raise ParamsError(
            f"pretrain needs about {describe(need)} of GPU memory, {available / 1e9:.1f} GB are free: {advise(params)}"
        )


def describe(need: Memory) -> str:
    """Return the need in words, with its parts."""
    parts = (f"{name} {value / 1e9:.1f}" for name, value in need._asdict().items())
    return f"{need.total / 1e9:.1f} GB ({', '.join(parts)})"


def advise(params: PretrainParams) -> str:
    """Return which params to change, those that help most first."""
    steps = []
    if not params.gradient_checkpointing:
        steps.append("set pretrain.gradient_checkpointing: true")
    if not params.compile:
        steps.append("set pretrain.compile: true")
    if params.micro_batch_rows > 1:
        steps.append(f"lower pretrain.micro_batch_rows ({params.micro_batch_rows})")
    if params.loss_chunk_tokens == 0:
        steps.append("set pretrain.loss_chunk_tokens: 4096")
    elif params.loss_chunk_tokens > 1024:
        steps.append(f"lower pretrain.loss_chunk_tokens ({params.loss_chunk_tokens})")
    steps.append("shard over more GPUs (pretrain.launcher: configs/accelerate/eight_gpus_fsdp.yaml)")
    return ", ".join(steps)
