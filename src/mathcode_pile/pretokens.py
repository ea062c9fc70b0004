"""Encode each distinct pre-token once: the same ids as a tokenizer's own batch call, many times as fast.

A byte-level tokenizer cuts a text into pre-tokens and encodes each by itself, so that a table of those met before
answers for nearly all of them.
"""

import json
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels import pretokens as kernel
from mathcode_pile.kernels.words import text_buffers

# Words with the sign before them, up to three digits at a time, runs of signs, line breaks.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Beyond so many, or so many bytes of them, the table starts anew.
MOST_KNOWN = 1 << 20
MOST_BYTES = 1 << 26
LEARNT_AT_ONCE = 4096


def find_style(tokenizer: Any) -> int | None:
    """Return which of the kernel's styles a tokenizer cuts texts in, None where it is none of them.

    None too where a text's pre-tokens are not all that counts: a normalizer, added tokens that are not special,
    or a dropout.
    """
    added = tokenizer.get_added_tokens_decoder().values()
    if tokenizer.normalizer or not tokenizer.pre_tokenizer or not all(token.special for token in added):
        return None
    if getattr(tokenizer.model, "dropout", None):
        return None
    cuts = json.loads(tokenizer.pre_tokenizer.__getstate__())  # as tokenizer.json has it
    for cut in (parts := cuts.get("pretokenizers", [cuts])):
        cut.pop("trim_offsets", None)  # says nothing of ids
    whole = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    split = {"type": "Split", "pattern": {"Regex": LLAMA3}, "behavior": "Isolated", "invert": False}
    styles = {
        kernel.GPT2: [whole],
        kernel.DIGITS_APART: [{"type": "Digits", "individual_digits": True}, whole],
        kernel.LLAMA3: [split, whole | {"use_regex": False}],
    }
    return next((style for style, known in styles.items() if parts == known), None)


@cache
def character_classes(style: int) -> NDArray[np.uint8]:
    """[code points] what each character is to the tokenizers library, whose Unicode is not Python's."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Digits, Split

    classes = np.full(kernel.CODE_POINTS, kernel.OTHER, np.uint8)
    points = np.array([*range(0xD800), *range(0xE000, kernel.CODE_POINTS)])
    characters = "".join(map(chr, points))
    for pattern, kind in ((r"\p{L}+", kernel.LETTER), (r"\p{N}+", kernel.NUMBER), (r"\s+", kernel.SPACE)):
        for _, (start, end) in Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(characters):
            classes[points[start:end]] = kind
    if style == kernel.DIGITS_APART:  # its digits are those of a newer Unicode than its regex engine's
        spread = "".join(f"-{character}" for character in characters)
        alone = [start for _, (start, end) in Digits(True).pre_tokenize_str(spread) if end - start == 1]
        classes[points[[start // 2 for start in alone if start % 2]]] = kernel.NUMBER
    classes[[ord("\r"), ord("\n")]] = kernel.NEWLINE
    classes.flags.writeable = False
    return classes


class PretokenEncoder:
    """Encodes texts with a tokenizer that cuts them in one of the kernel's styles."""

    def __init__(self, tokenizer: Any, style: int) -> None:
        self.tokenizer, self.style = tokenizer, style
        self.classes = character_classes(style)
        self._forget()

    def _forget(self) -> None:
        self._known, self._count = kernel.make_known(1 << 14), 0
        self._ids, self._id_bounds = np.empty(0, np.uint32), np.zeros(1, np.int64)

    def encode(self, texts: pa.Array, first: int | None, last: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return the [tokens] ids of texts end to end, each between `first` and `last`, and [texts + 1] bounds."""
        if self._count > MOST_KNOWN or self._known.bounds[self._count] > MOST_BYTES:
            self._forget()
        data, offsets = text_buffers(texts)
        numbers = np.empty(int(offsets[-1] - offsets[0]), np.int32)
        bounds = np.zeros(len(texts) + 1, np.int64)
        row, before = 0, self._count
        while True:
            row, self._count = kernel.number_pretokens(
                data, offsets, row, self.classes, self.style, self._known, self._count, numbers, bounds
            )
            if row == len(texts):
                break
            self._grow(int(offsets[row + 1] - offsets[row]))
        self._learn(before)
        numbers = numbers[: bounds[-1]]
        size = int(np.diff(self._id_bounds)[numbers].sum()) + len(texts) * (1 + (first is not None))
        ids, starts = np.empty(size, np.uint32), np.zeros(len(texts) + 1, np.int64)
        kernel.gather_ids(
            numbers, bounds, self._ids, self._id_bounds, -1 if first is None else first, last, ids, starts
        )
        return ids, starts

    def _grow(self, text_bytes: int) -> None:
        """Make room for twice as many pre-tokens, and for a text of so many bytes."""
        known = kernel.make_known(2 * (len(self._known.bounds) - 1))
        size = max(len(known.data), 2 * int(self._known.bounds[self._count]) + text_bytes)
        known = known._replace(data=np.empty(size, np.uint8))
        kernel.enter_known(self._known, self._count, known)
        self._known = known

    def _learn(self, before: int) -> None:
        """Encode the pre-tokens that came since so many were known."""
        if before == self._count:
            return
        bounds = self._known.bounds[before : self._count + 1]
        data = self._known.data[bounds[0] : bounds[-1]].tobytes()
        texts = [data[start:end].decode() for start, end in pairwise((bounds - bounds[0]).tolist())]
        # As words of a few texts that are cut already: in half the time of as many texts.
        parts = [texts[start : start + LEARNT_AT_ONCE] for start in range(0, len(texts), LEARNT_AT_ONCE)]
        encodings = self.tokenizer.encode_batch(parts, is_pretokenized=True, add_special_tokens=False)
        ids = [np.array(encoding.ids, np.uint32) for encoding in encodings]
        counts = [
            np.bincount(np.array(e.word_ids, np.int64), minlength=len(part))
            for e, part in zip(encodings, parts, strict=True)
        ]
        self._ids = np.concatenate([self._ids, *ids])
        self._id_bounds = np.concatenate([self._id_bounds, self._id_bounds[-1] + np.cumsum(np.concatenate(counts))])
