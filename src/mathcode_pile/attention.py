"""Keep attention inside documents: what a model is given for packed rows, for each implementation.

transformers reads document bounds from positions that restart; it then builds a block-diagonal causal
mask for sdpa and eager and a block mask for flex. FlashAttention takes the documents laid end to end
and their cumulative lengths. Models whose attention does not follow transformers' masks (state-space
layers, custom remote code) are not covered.
"""

import importlib.util
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mathcode_pile.errors import ParamsError
from mathcode_pile.packed import IGNORED, Rows

Implementation = Literal["auto", "flash", "flex", "sdpa", "eager"]

# transformers' names, the first one that the machine has.
FLASH = {"flash_attention_3": "flash_attn_interface", "flash_attention_2": "flash_attn"}


def available_implementations(device: str) -> list[str]:
    """Return transformers' names of the implementations which this machine has, the fastest first."""
    flash = [name for name, module in FLASH.items() if importlib.util.find_spec(module)] if device == "cuda" else []
    # Flex trains through a compiled kernel, which torch has for GPUs only.
    flex = ["flex_attention"] if device == "cuda" else []
    return [*flash, *flex, "sdpa", "eager"]


def choose_implementation(asked: Implementation, device: str) -> str:
    """Return transformers' name of the implementation asked for; raises ParamsError where the machine lacks it."""
    available = available_implementations(device)
    if asked == "auto":
        return available[0]
    matching = [name for name in available if name.startswith(asked)]
    if not matching:
        raise ParamsError(f"pretrain.attention: {asked} is not to be had on {device}; there are {', '.join(available)}")
    return matching[0]


def model_inputs(
    rows: Rows, implementation: str, document_bounds: bool, device: torch.device | str = "cpu"
) -> tuple[dict[str, Any], torch.Tensor]:
    """Return a model's keyword arguments for packed rows, and the labels, both [rows, tokens].

    labels: what each position predicts, already shifted: labels[:, i] is the token at i + 1, IGNORED where
    that is padding or, with bounds, another document's first token.
    For FlashAttention with bounds the rows are laid end to end in one, [1, rows * tokens].
    """
    labels = rows.labels if document_bounds else np.where(rows.document_index < 0, IGNORED, rows.input_ids)
    shifted = np.full_like(labels, IGNORED)
    shifted[:, :-1] = labels[:, 1:]
    ids, positions, extra = rows.input_ids, rows.position_ids, {}
    if not document_bounds:
        positions = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
    elif implementation.startswith("flash"):
        extra = _cumulative_lengths(positions, device)
        ids, positions, shifted = ids.reshape(1, -1), positions.reshape(1, -1), shifted.reshape(1, -1)
    # Without a cache and without an attention mask: only then does transformers look for restarts.
    inputs = {"input_ids": _to_tensor(ids, device), "position_ids": _to_tensor(positions, device), "use_cache": False}
    return inputs | extra, _to_tensor(shifted, device)


def _to_tensor(array: NDArray[np.int64], device: torch.device | str) -> torch.Tensor:
    return torch.tensor(array, device=device)


def _cumulative_lengths(positions: NDArray[np.int64], device: torch.device | str) -> dict[str, Any]:
    flat = positions.reshape(-1)
    bounds = np.append(np.flatnonzero(flat == 0), len(flat)).astype(np.int32)
    lengths = torch.from_numpy(bounds).to(device)
    longest = int(np.diff(bounds).max())
    return {"cu_seq_lens_q": lengths, "cu_seq_lens_k": lengths, "max_length_q": longest, "max_length_k": longest}
