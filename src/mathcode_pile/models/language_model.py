"""Load a causal language model from a folder, make it return losses instead of logits, compile it, save it."""

from pathlib import Path
from types import MethodType
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.models.attention import register_varlen
from mathcode_pile.tokens.packed import IGNORED

# The files of a published model that loading it needs.
MODEL_FILES = ["*.json", "*.safetensors", "tokenizer*", "*.model"]


def fix_threads(threads: int) -> None:
    """Make torch use this many CPU threads on any machine: the number changes how sums are split, and so rounding."""
    torch.set_num_threads(threads)
    # On a GPU, deterministic algorithms are slower (new memory is filled) and the bits still differ.
    torch.use_deterministic_algorithms(not torch.cuda.is_available(), warn_only=True)


def load_model(folder: Path, attention: str = "sdpa", dtype: torch.dtype = torch.float32) -> Any:
    """Return the causal model in a folder; raises InputError where it cannot be read."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    register_varlen()
    try:
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation=attention, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a model transformers can load: {first_line(error)}") from error


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder; raises InputError where it cannot be read."""
    import transformers

    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a tokenizer transformers can load: {first_line(error)}") from error


def read_model(folder: Path, options: dict[str, Any], dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Return a model and its tokenizer; folder, options: as OriginParams.fetch returns them.

    The weights of a GGUF file are dequantized. Raises InputError where the files cannot be read.
    """
    if "gguf_file" not in options:
        return load_model(folder, dtype=dtype), load_tokenizer(folder)
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    plain = GgufConfig(dequantize=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, quantization_config=plain, **options)
        return model, AutoTokenizer.from_pretrained(folder, **options)
    except (OSError, ValueError) as error:
        path = folder / options["gguf_file"]
        raise InputError(f"{path}: not a GGUF file transformers can load: {first_line(error)}") from error


def attach_loss(model: Any, chunk_tokens: int, compiled: bool = False) -> None:
    """Make model(labels=..., **inputs) return the summed loss without holding all logits at once.

    labels: already shifted, IGNORED where a position has none. With reduction="none" the result is the loss of each
    position, in the shape of labels.
    chunk_tokens: the logits of this many positions are computed at once, and again in the backward pass. With a
    vocabulary of 128,000, all of them would take more memory than the model. 0 holds them all, which is faster.
    Raises InputError for models that scale or cap their logits.
    """
    for key in ("final_logit_softcapping", "logit_scale", "logits_scaling"):
        if getattr(model.config, key, None) not in (None, 1, 1.0):
            raise InputError(f"{model.config.model_type}: models with {key} are not supported")
    model.forward = MethodType(_loss_forward, model)
    head = model.get_output_embeddings()
    # The head computes the losses itself, because FSDP gathers a module's weights only while that module runs.
    head.forward = MethodType(_head_losses, head)
    head.chunk_tokens = chunk_tokens
    head.chunk_losses = torch.compile(_chunk_losses, dynamic=False) if compiled else _chunk_losses


def detach_loss(model: Any) -> None:
    """Give a model its own forward pass back."""
    del model.forward, model.get_output_embeddings().forward


def _loss_forward(self: Any, labels: torch.Tensor, reduction: str = "sum", **inputs: Any) -> torch.Tensor:
    losses: torch.Tensor = self.get_output_embeddings()(
        self.base_model(**inputs).last_hidden_state, labels=labels, reduction=reduction
    )
    return losses


def _head_losses(self: Any, hidden: torch.Tensor, labels: torch.Tensor, reduction: str) -> torch.Tensor:
    # Positions without a label are computed too. To leave them out, the processor would wait for the GPU's count.
    hidden, targets = hidden.flatten(0, 1), labels.flatten()
    size = self.chunk_tokens or len(targets)
    parts = []
    for part, target in zip(hidden.split(size), targets.split(size), strict=True):
        inputs = (part, self.weight, self.bias, target, reduction)
        if torch.is_grad_enabled() and self.chunk_tokens:
            parts.append(checkpoint(self.chunk_losses, *inputs, use_reentrant=False))
        else:
            parts.append(self.chunk_losses(*inputs))
    return torch.stack(parts).sum() if reduction == "sum" else torch.cat(parts).view(labels.shape)


def _chunk_losses(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor, reduction: str
) -> torch.Tensor:
    logits = functional.linear(hidden, weight, bias).float()
    return functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction=reduction)


def keep_stream_narrow(model: Any) -> None:
    """Under autocast, start the residual stream in autocast's type.

    The weights are 32-bit floats. Without this, the residual stream would have 32 bits from the embeddings on: twice
    the memory and traffic, and queries wider than values, which attention kernels refuse.
    """

    def narrow(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        kind = output.device.type
        return output.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else output

    model.get_input_embeddings().register_forward_hook(narrow)


def compile_layers(model: Any) -> None:
    """Compile each layer's forward pass.

    All layers share the code of one, and the hooks with which FSDP shards a layer stay outside of it. Shapes do not
    change from step to step, so nothing is compiled again.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    # FlashAttention gets the layer's number as an argument, so each layer is a variant, in training and in evaluation.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 2 * len(layers) + 8)
    for layer in layers:
        layer.forward = torch.compile(layer.forward, dynamic=False)


def unwrap(model: Any) -> Any:
    """Return the model without the wrappers of data parallelism and compilation."""
    while hasattr(model, "module") or hasattr(model, "_orig_mod"):
        model = getattr(model, "module", None) or model._orig_mod
    return model


def count_parameters(model: Any) -> int:
    """Return the number of parameters; tied ones count once."""
    return sum(p.numel() for p in model.parameters())


def training_flops(model: Any, tokens: int, pairs: int) -> float:
    """Return the floating-point operations that a training step on this many tokens needs.

    pairs: how many pairs of positions attend to each other.
    6 operations for each weight and token, without the embeddings' look-up; and 12 for each pair, layer and unit of
    width: two products in the forward pass, four in the backward pass. Work repeated to save memory does not count.
    Source: Chowdhery et al. 2022, arXiv:2204.02311, appendix B; there every pair in a row counts, masked or not.
    """
    config = model.config
    looked_up = model.get_input_embeddings().weight.numel() if not config.tie_word_embeddings else 0
    width = config.num_attention_heads * (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    return float(6 * (count_parameters(model) - looked_up) * tokens + 12 * config.num_hidden_layers * width * pairs)


def save_model(model: Any, tokenizer: Any, folder: Path, state: dict[str, Any] | None = None) -> None:
    """Write a model as safetensors with its configuration and tokenizer; equal weights give equal bytes."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    if state is not None:
        # Tied weights are one tensor, but after gathering from shards they are two. Only one is written.
        state = {name: weight for name, weight in state.items() if name not in model.all_tied_weights_keys}
    model.save_pretrained(folder, state_dict=state, max_shard_size="5GB")
    tokenizer.save_pretrained(folder)
