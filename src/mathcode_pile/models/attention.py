"""Keep attention inside documents: what a model is given for packed rows, for each implementation.

transformers reads document bounds from positions that restart; it then builds a block-diagonal causal
mask for sdpa and eager and a block mask for flex. FlashAttention, from the package or as torch has it
(varlen), takes the documents laid end to end and their cumulative lengths. Models whose attention does
not follow transformers' masks (state-space layers, custom remote code) are not covered.
"""

import importlib.util
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.tokens.packed import IGNORED, Rows

Implementation = Literal["auto", "flash", "varlen", "flex", "sdpa", "eager"]

# transformers' names, the first one that the machine has.
FLASH = {"flash_attention_3": "flash_attn_interface", "flash_attention_2": "flash_attn"}


def available_implementations(device: str, precision: str = "bf16") -> list[str]:
    """Return transformers' names of the implementations which this machine has, the fastest first."""
    if device != "cuda":
        # Flex trains through a compiled kernel, which torch has for GPUs only.
        return ["sdpa", "eager"]
    fast: list[str] = []
    if precision == "bf16":  # FlashAttention has no 32-bit kernels
        fast += [name for name, module in FLASH.items() if importlib.util.find_spec(module)]
        fast += ["varlen"] if torch.cuda.get_device_capability() >= (8, 0) else []
    return [*fast, "flex_attention", "sdpa", "eager"]


def choose_implementation(asked: Implementation, device: str, precision: str = "bf16") -> str:
    """Return transformers' name of the implementation asked for; raises ParamsError where the machine lacks it."""
    available = available_implementations(device, precision)
    if asked == "auto":
        return available[0]
    matching = [name for name in available if name.startswith(asked)]
    if not matching:
        raise ParamsError(
            f"pretrain.attention: {asked} is not to be had on {device} in {precision}; there are {', '.join(available)}"
        )
    return matching[0]


def register_varlen() -> None:
    """Make torch's own FlashAttention for varied lengths known to transformers under the name varlen."""
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
    """Attend within documents. query, key, value: [1, heads, tokens, width]; returns [1, tokens, heads, width]."""
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

    labels: what each position predicts, already shifted: labels[:, i] is the token at i + 1, IGNORED where
    that is padding or, with bounds, another document's first token.
    For FlashAttention with bounds, and always for varlen, the rows are laid end to end in one, [1, rows * tokens].
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
    # Without a cache and without an attention mask: only then does transformers look for restarts.
    inputs = {"input_ids": _to_tensor(ids, device), "position_ids": _to_tensor(positions, device), "use_cache": False}
    return inputs | extra, _to_tensor(shifted, device)


def _to_tensor(array: NDArray[Any], device: torch.device | str) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    # From pinned memory the copy waits for nothing; else the processor would wait for all work given to the GPU.
    return tensor.pin_memory().to(device, non_blocking=True)


def _cumulative_lengths(positions: NDArray[np.int64], device: torch.device | str) -> dict[str, Any]:
    """Return where each document begins in the rows laid end to end, padding counted as one, and the longest.

    Compiled code is made for one shape and one length: so the number is rounded up, with documents of no tokens at the
    end, and no document is longer than a row.
    """
    bounds = np.append(np.flatnonzero(positions.reshape(-1) == 0), positions.size)
    size = 1 + (1 << max(6, (len(bounds) - 2).bit_length()))
    lengths = _to_tensor(np.pad(bounds, (0, size - len(bounds)), mode="edge").astype(np.int32), device)
    longest = positions.shape[1]
    return {"cu_seq_lens_q": lengths, "cu_seq_lens_k": lengths, "max_length_q": longest, "max_length_k": longest}
