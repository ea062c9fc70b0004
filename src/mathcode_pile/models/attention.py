"""Keep attention inside documents: the inputs that each implementation of attention needs for packed rows.

transformers finds document bounds where positions restart. For sdpa and eager it then builds a block-diagonal causal
mask, for flex a block mask. FlashAttention, from its package or from torch (varlen), takes all documents in one
sequence, with their cumulative lengths.
Not covered: models whose attention does not follow transformers' masks (state-space layers, custom remote code).
"""

import importlib.util
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.models.implementations import Implementation
from mathcode_pile.tokens.packed import IGNORED, Rows

# transformers' name of each version of FlashAttention, the fastest first, and the module it needs.
FLASH = {"flash_attention_3": "flash_attn_interface", "flash_attention_2": "flash_attn"}


def available_implementations(device: str, precision: str = "bf16") -> list[str]:
    """Return transformers' names of the implementations that this machine has, the fastest first."""
    if device != "cuda":
        # Training with flex needs a compiled kernel, which torch has only for GPUs.
        return ["sdpa", "eager"]
    fast: list[str] = []
    if precision == "bf16":  # FlashAttention has no 32-bit kernels
        fast += [name for name, module in FLASH.items() if importlib.util.find_spec(module)]
        fast += ["varlen"] if torch.cuda.get_device_capability() >= (8, 0) else []
    return [*fast, "flex_attention", "sdpa", "eager"]


def choose_implementation(asked: Implementation, device: str, precision: str = "bf16") -> str:
    """Return transformers' name of the requested implementation; raises ParamsError where the machine lacks it."""
    available = available_implementations(device, precision)
    if asked == "auto":
        return available[0]
    matching = [name for name in available if name.startswith(asked)]
    if not matching:
        others = ", ".join(available)
        raise ParamsError(f"pretrain.attention: {asked} is not available on {device} in {precision}; use {others}")
    return matching[0]


def register_varlen() -> None:
    """Register torch's own FlashAttention for documents of different lengths with transformers, as `varlen`."""
    from transformers import AttentionInterface

    AttentionInterface.register("varlen", _varlen_attention)


def _varlen_attention(
    _module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: None,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attend within documents; query, key, value: [1, heads, tokens, width]; returns [1, tokens, heads, width]."""
    from torch.nn.attention.varlen import varlen_attn

    flat = [x.squeeze(0).transpose(0, 1).to(value.dtype) for x in (query, key, value)]
    bounds, longest = (cu_seq_lens_q, cu_seq_lens_q), (max_length_q, max_length_q)
    is_grouped = query.shape[1] != key.shape[1]
    causal = (-1, 0)
    result = varlen_attn(*flat, *bounds, *longest, scale=scaling, window_size=causal, enable_gqa=is_grouped)
    return result.unsqueeze(0), None


def model_inputs(
    rows: Rows, implementation: str, document_bounds: bool, device: torch.device | str = "cpu"
) -> tuple[dict[str, Any], torch.Tensor]:
    """Return a model's keyword arguments for packed rows, and the labels, both [rows, tokens].

    The labels are already shifted: labels[:, i] is the token at i + 1, which position i predicts. It is IGNORED where
    that token is padding or, with document_bounds, the first of another document.
    For FlashAttention with document_bounds, and always for varlen, all rows become one: [1, rows * tokens].
    """
    labels = rows.labels if document_bounds else np.where(rows.document_index < 0, IGNORED, rows.input_ids)
    shifted = np.full_like(labels, IGNORED)
    shifted[:, :-1] = labels[:, 1:]
    ids, positions, extra = rows.input_ids, rows.position_ids, {}
    if not document_bounds:
        positions = np.tile(np.arange(ids.shape[1]), (len(ids), 1))
    if implementation == "varlen" or (document_bounds and implementation.startswith("flash")):
        extra = _cumulative_lengths(positions, device)
        ids, positions, shifted = ids.reshape(1, -1), positions.reshape(1, -1), shifted.reshape(1, -1)
    # transformers looks for positions that restart only if there is neither a cache nor an attention mask.
    inputs = {"input_ids": _to_tensor(ids, device), "position_ids": _to_tensor(positions, device), "use_cache": False}
    return inputs | extra, _to_tensor(shifted, device)


def _to_tensor(array: NDArray[Any], device: torch.device | str) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    # A copy from pinned memory does not wait. Any other copy waits until the GPU has done all its work.
    return tensor.pin_memory().to(device, non_blocking=True)


def _cumulative_lengths(positions: NDArray[np.int64], device: torch.device | str) -> dict[str, Any]:
    """Return FlashAttention's arguments: where each document begins (padding counts as one), and the longest length.

    Compiled code works for one shape and one length only. So the number of documents is rounded up, with empty ones at
    the end, and the length of a row is given as the longest.
    """
    bounds = np.append(np.flatnonzero(positions.reshape(-1) == 0), positions.size)
    size = 1 + (1 << max(6, (len(bounds) - 2).bit_length()))
    lengths = _to_tensor(np.pad(bounds, (0, size - len(bounds)), mode="edge").astype(np.int32), device)
    longest = positions.shape[1]
    return {"cu_seq_lens_q": lengths, "cu_seq_lens_k": lengths, "max_length_q": longest, "max_length_k": longest}
