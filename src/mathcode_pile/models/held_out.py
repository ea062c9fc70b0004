"""Measure a model's loss on held-out text, document by document."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mathcode_pile.models.attention import model_inputs
from mathcode_pile.models.language_model import unwrap
from mathcode_pile.tokens.packed import IGNORED, Rows, list_components, read_tokens


class Loss(NamedTuple):  # of one component's held-out documents
    mean: float
    """Nats a token."""
    tokens: int
    documents: int
    standard_error: float
    """Of the mean, if documents are independent."""


class Share(NamedTuple):  # one process's part of the work of several
    process: int
    processes: int
    gather: Callable[[list[Any]], list[list[Any]]]
    """Takes this process's list and returns the lists of all processes."""


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

    model: one with attach_loss applied.
    tokens: about how many tokens of a component to read, spread evenly over its documents (0: all).
    A document longer than a row is cut into pieces of at most a row; each piece counts as a document.
    share: how several processes divide the batches; all of them get the same result.
    components: which to measure (None: all).
    """
    losses = {}
    for name in list_components(folder, components):
        pieces = held_out_pieces(folder / name / "held_out", sequence_length, tokens)
        loss = mean_loss(model, pieces, sequence_length, rows_at_once, device, share)
        if loss is not None:
            losses[name] = loss
    return losses


def held_out_pieces(held_out: Path, sequence_length: int, tokens: int) -> list[NDArray[Any]]:
    """Return the token ids of a component's held-out documents, cut and chosen as held_out_losses says."""
    return _spread(_cut((document.tokens for document in read_tokens(held_out)), sequence_length), tokens)


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
    batches = list(_rows_of(_cut(documents, sequence_length), sequence_length, rows_at_once))
    measured = _measure(model, batches, device, share or Share(0, 1, lambda mine: [mine]))
    model.train(was_training)
    return _estimate(measured) if len(measured) and measured[:, 1].sum() else None


def _measure(model: Any, batches: list[Rows], device: torch.device | str, share: Share) -> NDArray[np.float64]:
    """Return [documents, 2] of all batches, in their order; each process takes every n-th."""
    mine = []
    for first in range(0, len(batches), share.processes):
        # The processes of a sharded model must all run it, so one without a batch of its own runs the first one.
        index = first + share.process
        losses = document_losses(model, batches[index if index < len(batches) else 0], device)
        if index < len(batches):
            mine.append((index, losses))
    gathered = sorted((item for part in share.gather(mine) for item in part), key=lambda item: item[0])
    return np.concatenate([losses for _, losses in gathered]) if gathered else np.empty((0, 2))


def _cut(documents: Iterable[NDArray[Any]], sequence_length: int) -> list[NDArray[Any]]:
    """Return the documents, cut into pieces of at most a row."""
    return [d[i : i + sequence_length] for d in documents for i in range(0, len(d), sequence_length)]


def _spread(pieces: list[NDArray[Any]], tokens: int) -> list[NDArray[Any]]:
    """Return pieces at even distances with about `tokens` tokens in all; all pieces if they have fewer."""
    total = sum(map(len, pieces))
    if not tokens or total <= tokens:
        return pieces
    count = max(1, round(len(pieces) * tokens / total))
    return [pieces[i * len(pieces) // count] for i in range(count)]


def _rows_of(pieces: Iterable[NDArray[Any]], sequence_length: int, rows_at_once: int) -> Iterator[Rows]:
    """Yield rows of the pieces, in their order, `rows_at_once` rows at a time."""
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
    # The ratio estimator's variance: of each document's loss beyond what its length predicts.
    excess = measured[:, 0] - mean * measured[:, 1]
    count = len(measured)
    variance = float((excess**2).sum()) / max(1, count - 1) * count
    return Loss(mean, tokens, count, math.sqrt(variance) / tokens)


def document_losses(model: Any, rows: Rows, device: torch.device | str) -> NDArray[np.float64]:
    """Return [documents, 2] the summed loss and the number of predicted tokens of each document in the rows."""
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
