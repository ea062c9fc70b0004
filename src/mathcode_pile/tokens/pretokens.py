"""Encode each distinct pre-token only once: the same ids as the tokenizer's own batch call, many times as fast.

A byte-level tokenizer cuts a text into pre-tokens and encodes each by itself. Nearly all pre-tokens of a text have
occurred before, so their ids can be taken from a table.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import Offsets, text_buffers
from mathcode_pile.tokens import pretoken_kernel as kernel

# Words with one sign before them, up to three digits, runs of signs, line breaks, white space.
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# A table with more pre-tokens, or more bytes, is emptied before the next texts.
MOST_KNOWN = 1 << 20
MOST_BYTES = 1 << 26
BYTES_LEARNT_AT_ONCE = 1 << 18

Ids = NDArray[np.uint32]


def find_style(tokenizer: Any) -> int | None:
    """Return which of the kernel's styles a tokenizer uses, None where it uses none of them.

    Also None where the ids do not follow from the pre-tokens alone: with a normalizer, with added tokens that are not
    special, or with dropout.
    """
    added = tokenizer.get_added_tokens_decoder().values()
    if tokenizer.normalizer or not tokenizer.pre_tokenizer or not all(token.special for token in added):
        return None
    if getattr(tokenizer.model, "dropout", None):
        return None
    cuts = json.loads(tokenizer.pre_tokenizer.__getstate__())  # as tokenizer.json has it
    for cut in (parts := cuts.get("pretokenizers", [cuts])):
        cut.pop("trim_offsets", None)  # does not change the ids
    whole = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    split = {"type": "Split", "pattern": {"Regex": LLAMA3_PATTERN}, "behavior": "Isolated", "invert": False}
    styles = {
        kernel.GPT2: [whole],
        kernel.DIGITS_APART: [{"type": "Digits", "individual_digits": True}, whole],
        kernel.LLAMA3: [split, whole | {"use_regex": False}],
    }
    return next((style for style, known in styles.items() if parts == known), None)


@cache
def character_classes(style: int) -> NDArray[np.uint8]:
    """[code points] the class of each character in the tokenizers library, whose version of Unicode is not Python's."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import Digits, Split

    classes = np.full(kernel.CODE_POINTS, kernel.OTHER, np.uint8)
    points = np.array([*range(0xD800), *range(0xE000, kernel.CODE_POINTS)])
    characters = "".join(map(chr, points))
    for pattern, kind in ((r"\p{L}+", kernel.LETTER), (r"\p{N}+", kernel.NUMBER), (r"\s+", kernel.SPACE)):
        for _, (start, end) in Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(characters):
            classes[points[start:end]] = kind
    if style == kernel.DIGITS_APART:  # the library's digits follow a newer Unicode than its regular expressions
        for _, (start, end) in Digits(False).pre_tokenize_str(characters)[1::2]:
            classes[points[start:end]] = kernel.NUMBER
    classes[[ord("\r"), ord("\n")]] = kernel.NEWLINE
    classes.flags.writeable = False
    return classes


def cut_runs(bounds: Offsets, most: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of runs of rows with at most `most` bytes, or of one row; bounds: [rows + 1] in bytes."""
    start = 0
    while start < len(bounds) - 1:
        stop = max(start + 1, int(np.searchsorted(bounds, bounds[start] + most, "right")) - 1)
        yield start, stop
        start = stop


class PretokenEncoder:
    """Encodes texts with a tokenizer that cuts them in one of the kernel's styles.

    The tokenizer must treat special tokens as text (`encode_special_tokens`), and neither truncate nor pad.
    """

    def __init__(self, tokenizer: Any, style: int) -> None:
        self.tokenizer, self.style = tokenizer, style
        self.classes = character_classes(style)
        self._forget()

    def _forget(self) -> None:
        self._known, self._count = kernel.make_known(1 << 14), 0
        self._ids, self._id_bounds = np.empty(0, np.uint32), np.zeros(1, np.int64)

    def encode(self, pieces: pa.Array, starts: Offsets, first: int | None, last: int) -> tuple[Ids, Offsets]:
        """Return the [tokens] ids of all texts, one after another, and the [texts + 1] bounds of each text's ids.

        pieces: parts of texts, each encoded by itself; starts: [texts + 1] the first piece of each text.
        first, last: the ids put before (None: no id) and after each text.
        """
        if self._count > MOST_KNOWN or self._known.bounds[self._count] > MOST_BYTES:
            self._forget()
        try:
            numbers, bounds = self._number(pieces)
            self._learn()
        except BaseException:  # some pre-tokens in the table have no ids yet
            self._forget()
            raise
        bounds = bounds[starts]
        texts = len(starts) - 1
        size = int(np.diff(self._id_bounds)[numbers].sum()) + texts * (1 + (first is not None))
        ids, offsets = np.empty(size, np.uint32), np.zeros(texts + 1, np.int64)
        begin = -1 if first is None else first
        kernel.gather_ids(numbers, bounds, self._ids, self._id_bounds, begin, last, ids, offsets)
        return ids, offsets

    def _number(self, pieces: pa.Array) -> tuple[NDArray[np.int32], Offsets]:
        """Return the numbers of the pieces' pre-tokens, and the [pieces + 1] bounds of each piece's numbers."""
        data, offsets = text_buffers(pieces)
        numbers, bounds = np.empty(int(offsets[-1] - offsets[0]), np.int32), np.zeros(len(offsets), np.int64)
        row = 0
        while True:
            row, self._count = kernel.number_pretokens(
                data, offsets, row, self.classes, self.style, self._known, self._count, numbers, bounds
            )
            if row == len(pieces):
                return numbers[: bounds[-1]], bounds
            self._grow(int(offsets[row + 1] - offsets[row]))

    def _grow(self, piece_bytes: int) -> None:
        """Make room for twice as many pre-tokens, and for the bytes of a further piece."""
        known = kernel.make_known(2 * (len(self._known.bounds) - 1))
        size = max(len(known.data), 2 * int(self._known.bounds[self._count]) + piece_bytes)
        known = known._replace(data=np.empty(size, np.uint8))
        kernel.enter_known(self._known, self._count, known)
        self._known = known

    def _learn(self) -> None:
        """Encode the pre-tokens that have no ids yet."""
        bounds = self._known.bounds[len(self._id_bounds) - 1 : self._count + 1]
        all_ids, all_counts = [self._ids], [np.diff(self._id_bounds)]
        for start, stop in cut_runs(bounds, BYTES_LEARNT_AT_ONCE):
            data = self._known.data[bounds[start] : bounds[stop]].tobytes()
            own = (bounds[start : stop + 1] - bounds[start]).tolist()
            words = [data[begin:end].decode() for begin, end in pairwise(own)]
            # Passed as the words of one text that is cut already: half the time of passing as many texts.
            encoding = self.tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
            all_ids.append(np.array(encoding.ids, np.uint32))
            all_counts.append(np.bincount(np.array(encoding.word_ids, np.int64), minlength=len(words)))
        self._ids = np.concatenate(all_ids)
        self._id_bounds = np.cumsum(np.concatenate([np.zeros(1, np.int64), *all_counts]))
