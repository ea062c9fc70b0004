"""A model's loss on held-out text, also for a model with a tokenizer of its own."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.core.errors import InputError
from mathcode_pile.models.held_out import Loss, held_out_pieces, mean_loss

ROWS_AT_ONCE = 4


class HeldOutLoss(NamedTuple):  # of one model on one component
    loss: Loss | None
    """In nats a token of the run's tokenizer; None for a model with another one."""
    bits_per_byte: float
    """Of the same text as UTF-8: comparable between models with different tokenizers."""


def measure_component(
    model: Any, tokenizer: Any, run_tokenizer: Any, held_out: Path, length: int, tokens: int
) -> HeldOutLoss | None:
    """Return the loss on a component's held-out documents; None where there is nothing to predict.

    model: one with attach_loss applied, and its tokenizer. run_tokenizer: the one that made the token ids in
    `held_out`. length: tokens of a row. tokens: about how many to read (0: all).
    """
    pieces = held_out_pieces(held_out, length, tokens)
    texts = [run_tokenizer.decode(piece, skip_special_tokens=True) for piece in pieces]
    is_own = tokenizer.get_vocab() == run_tokenizer.get_vocab()
    if not is_own:
        pieces = [encode(tokenizer, text) for text in texts]
    loss = mean_loss(model, pieces, length, ROWS_AT_ONCE, model.device)
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    if loss is None or not size:
        return None
    return HeldOutLoss(loss if is_own else None, loss.mean * loss.tokens / math.log(2) / size)


def measure_text(model: Any, tokenizer: Any, text: str, length: int) -> HeldOutLoss | None:
    """Return the loss on the passages of a text, between lines of `---`; its tokens are the model's own."""
    passages = [passage.strip() for passage in text.split("\n---\n")]
    loss = mean_loss(model, [encode(tokenizer, p) for p in passages], length, ROWS_AT_ONCE, model.device)
    size = sum(len(passage.encode()) for passage in passages)
    return HeldOutLoss(loss, loss.mean * loss.tokens / math.log(2) / size) if loss and size else None


def encode(tokenizer: Any, text: str) -> NDArray[np.int64]:
    """Return a document's token ids, as `tokenize` writes them: with the tokens for its beginning and end."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    first = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    return np.array([*first, *ids, tokenizer.eos_token_id])


def read_text(path: Path) -> str:
    """Return the file that evaluate.other_text names; raises InputError where it is not readable text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"evaluate.other_text: {path}: not a readable text file: {error}") from error
