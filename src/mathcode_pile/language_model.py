"""Load a causal language model from a folder, train it on packed rows, measure its loss on held-out text."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import MethodType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mathcode_pile.attention import model_inputs
from mathcode_pile.errors import InputError, PipelineError
from mathcode_pile.packed import IGNORED, Rows, list_components, read_tokens


class Loss(NamedTuple):  # of one component's held-out documents
    mean: float
    """Nats a token."""
    tokens: int
    documents: int
    standard_error: float
    """Of the mean, documents taken as independent."""


class Share(NamedTuple):  # one process's part of work that several do
    process: int
    processes: int
    gather: Callable[[list[Any]], list[list[Any]]]
    """From each process's list, every process's lists."""


def fix_threads(threads: int) -> None:
    """Have torch use this many CPU threads whatever the machine has: sums are split, and round, by their number."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)


def load_model(folder: Path, attention: str = "sdpa", dtype: torch.dtype = torch.float32) -> Any:
    """Return the causal model in a folder; raises InputError where it cannot be read."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    try:
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation=attention, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a model transformers can load: {_first_line(error)}") from error


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder; raises InputError where it cannot be read."""
    import transformers

    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a tokenizer transformers can load: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def attach_loss(model: Any, chunk_tokens: int) -> None:
    """Make model(labels=..., **inputs) return the summed loss without holding all logits at once.

    labels: already shifted, IGNORED where there is none. With reduction="none" the result is each position's
    loss, in the shape of labels. The logits of `chunk_tokens` positions are made, used, and made again in the
    backward pass: at a vocabulary of 128,000 they would else take more memory than the model. 0 holds them all,
    which is faster.
    Not for models that scale or cap their logits.
    """
    for key in ("final_logit_softcapping", "logit_scale", "logits_scaling"):
        if getattr(model.config, key, None) not in (None, 1, 1.0):
            raise InputError(f"{model.config.model_type}: models with {key} are not supported")
    model.forward = MethodType(_loss_forward, model)
    model.loss_chunk_tokens = chunk_tokens


def detach_loss(model: Any) -> None:
    """Give a model its own forward pass back."""
    del model.forward


def _loss_forward(self: Any, labels: torch.Tensor, reduction: str = "sum", **inputs: Any) -> torch.Tensor:
    hidden = self.base_model(**inputs).last_hidden_state
    wanted = labels != IGNORED
    hidden, targets = hidden[wanted], labels[wanted]
    head = self.get_output_embeddings()
    size = self.loss_chunk_tokens or max(1, len(targets))
    parts = []
    # An empty batch has one empty chunk, so that every process of several has a gradient.
    for part, target in zip(hidden.split(size), targets.split(size), strict=True):
        if torch.is_grad_enabled() and self.loss_chunk_tokens:
            parts.append(checkpoint(_chunk_loss, head, part, target, reduction, use_reentrant=False))
        else:
            parts.append(_chunk_loss(head, part, target, reduction))
    if reduction == "sum":
        return torch.stack(parts).sum()
    losses = torch.zeros(labels.shape, device=labels.device)
    losses[wanted] = torch.cat(parts)
    return losses


def _chunk_loss(head: Any, hidden: torch.Tensor, targets: torch.Tensor, reduction: str) -> torch.Tensor:
    return functional.cross_entropy(head(hidden).float(), targets, reduction=reduction)


def document_losses(model: Any, rows: Rows, device: torch.device | str) -> NDArray[np.float64]:
    """Return [documents, 2] the summed loss and the predicted tokens of each document in the rows."""
    implementation = unwrap(model).config._attn_implementation
    inputs, labels = model_inputs(rows, implementation, document_bounds=True, device=device)
    with torch.no_grad():
        losses = model(labels=labels, reduction="none", **inputs).double().cpu().numpy()
    shape = rows.input_ids.shape
    losses, counted = losses.reshape(shape), (labels != IGNORED).cpu().numpy().reshape(shape)
    result = []
    for row in range(len(losses)):
        for number in range(rows.document_index[row].max() + 1):
            here = (rows.document_index[row] == number) & counted[row]
            result.append((losses[row][here].sum(), here.sum()))
    return np.array(result, dtype=np.float64).reshape(-1, 2)


def unwrap(model: Any) -> Any:
    """Return the model inside what data parallelism and compilation put around it."""
    while hasattr(model, "module") or hasattr(model, "_orig_mod"):
        model = getattr(model, "module", None) or model._orig_mod
    return model


def held_out_losses(
    model: Any,
    folder: Path,
    sequence_length: int,
    tokens: int,
    rows_at_once: int,
    device: torch.device | str,
    share: Share | None = None,
    components: Collection[str] | None = None,
) -> dict[str, Loss]:
    """Return the loss on each component's held-out documents in a folder of tokenized components.

    model: one that attach_loss was applied to.
    tokens: at most about this many of a component are read, spread evenly over its documents (0: all).
    A document longer than a row is cut into pieces of a row.
    share: how several processes divide the batches; all get the same result.
    components: those measured, all where it is None.
    """
    losses = {}
    for name in components or list_components(folder):
        documents = [document.tokens for document in read_tokens(folder / name / "held_out", name)]
        loss = mean_loss(model, _spread(documents, tokens), sequence_length, rows_at_once, device, share)
        if loss is not None:
            losses[name] = loss
    return losses


def mean_loss(
    model: Any,
    documents: list[NDArray[Any]],
    sequence_length: int,
    rows_at_once: int,
    device: torch.device | str,
    share: Share | None = None,
) -> Loss | None:
    """Return the mean loss on documents' token ids, None where there is nothing to predict."""
    was_training = model.training
    model.eval()
    pieces = [d[i : i + sequence_length] for d in documents for i in range(0, len(d), sequence_length)]
    batches = list(_rows_of(pieces, sequence_length, rows_at_once))
    measured = _measure(model, batches, device, share or Share(0, 1, lambda mine: [mine]))
    model.train(was_training)
    return _estimate(measured) if len(measured) and measured[:, 1].sum() else None


def _measure(model: Any, batches: list[Rows], device: torch.device | str, share: Share) -> NDArray[np.float64]:
    """Return [documents, 2] of all batches, in their order; each process takes every n-th."""
    mine = []
    for first in range(0, len(batches), share.processes):
        # Sharded models run in step, so a process without a batch of its own runs the first one for nothing.
        index = first + share.process
        losses = document_losses(model, batches[index if index < len(batches) else 0], device)
        if index < len(batches):
            mine.append((index, losses))
    gathered = sorted((item for part in share.gather(mine) for item in part), key=lambda item: item[0])
    return np.concatenate([losses for _, losses in gathered]) if gathered else np.empty((0, 2))


def _spread(documents: list[NDArray[Any]], tokens: int) -> list[NDArray[Any]]:
    """Return documents at even distances whose tokens come to about `tokens`, all where they are fewer."""
    total = sum(map(len, documents))
    if not tokens or total <= tokens:
        return documents
    count = max(1, round(len(documents) * tokens / total))
    return [documents[i * len(documents) // count] for i in range(count)]


def _rows_of(pieces: Iterable[NDArray[Any]], sequence_length: int, rows_at_once: int) -> Iterator[Rows]:
    """Yield pieces of documents laid in rows in their order, a few rows at a time."""
    batch: list[list[NDArray[Any]]] = [[]]
    for piece in pieces:
        if sum(map(len, batch[-1])) + len(piece) > sequence_length:
            if len(batch) == rows_at_once:
                yield _join(batch, sequence_length)
                batch = []
            batch.append([])
        batch[-1].append(piece)
    if batch[0]:
        yield _join(batch, sequence_length)


def _join(batch: list[list[NDArray[Any]]], sequence_length: int) -> Rows:
    shape = (len(batch), sequence_length)
    rows = Rows(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, -1, np.int64))
    for place, pieces in enumerate(batch):
        start = 0
        for number, piece in enumerate(pieces):
            inside = slice(start, start + len(piece))
            rows.input_ids[place, inside] = piece
            rows.position_ids[place, inside] = np.arange(len(piece))
            rows.document_index[place, inside] = number
            start += len(piece)
        rows.position_ids[place, start:] = np.arange(sequence_length - start)
    return rows


def _estimate(measured: NDArray[np.float64]) -> Loss:
    measured = measured[measured[:, 1] > 0]
    tokens = int(measured[:, 1].sum())
    mean = float(measured[:, 0].sum() / tokens)
    # Ratio estimator: each document's excess over what its length would predict.
    excess = measured[:, 0] - mean * measured[:, 1]
    count = len(measured)
    variance = float((excess**2).sum()) / max(1, count - 1) * count
    return Loss(mean, tokens, count, math.sqrt(variance) / tokens)


def count_parameters(model: Any) -> int:
    """Return the number of parameters, tied ones counted once."""
    return sum(p.numel() for p in model.parameters())


def flops_a_token(model: Any, sequence_length: int) -> float:
    """Return a training step's floating-point operations for one token: 6 a weight, and attention's.

    Source: Chowdhery et al. 2022, arXiv:2204.02311, appendix B; attention over the whole row, causal not
    discounted, embeddings' look-up not counted.
    """
    config = model.config
    looked_up = model.get_input_embeddings().weight.numel() if not config.tie_word_embeddings else 0
    width = config.num_attention_heads * (
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )
    attention = 12 * config.num_hidden_layers * width * sequence_length
    return float(6 * (count_parameters(model) - looked_up) + attention)


def save_model(model: Any, tokenizer: Any, folder: Path, state: dict[str, Any] | None = None) -> None:
    """Write a model as safetensors with its configuration and tokenizer; equal weights give equal bytes."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, state_dict=state, max_shard_size="5GB")
    tokenizer.save_pretrained(folder)


def name_memory_params(error: torch.cuda.OutOfMemoryError) -> PipelineError:
    """Return what to tell the user where the accelerator's memory did not suffice."""
    return PipelineError(
        "out of memory on the accelerator: turn on pretrain.gradient_checkpointing, lower pretrain.micro_batch_rows "
        f"or pretrain.loss_chunk_tokens, or shard over more devices ({_first_line(error)})"
    )
