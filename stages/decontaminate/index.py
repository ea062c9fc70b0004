"""An index of the n-grams of the benchmarks' questions: it finds which parts of documents may contain which of them.

The index is built once and then only read, so forked workers share it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import text_buffers
from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.canonical_tables import tables
from stages.decontaminate.grams_kernel import BLOCK_BYTES, build_grams, find_densest, find_grams, list_grams
from stages.decontaminate.words_kernel import Tokens, read_tokens, vocabulary

# An item with fewer n-grams of content words is hardly more than a formula: n-grams of any words find it.
FEW_GRAMS = 10
# A part of a document is compared with an item if n-grams that it shares have this share of the item's words.
LIKELY_SHARE = 0.33


class Item(NamedTuple):  # one text to search for
    question: int
    """The number of its question."""
    part: str
    """question or solution."""
    text: str


class LeakIndex:
    """The n-grams of items, and the items that each n-gram belongs to.

    An item of fewer than min_words words has no n-gram: `streams` finds it where a document is nothing but the item.
    """

    def __init__(self, items: Sequence[Item], min_words: int) -> None:
        self.items = list(items)
        self.streams: dict[bytes, list[int]] = {}
        self.forms: list[bytes] = []
        tokens: list[Tokens] = []
        grams, owners, spans = [], [], []
        self._sizes = np.zeros(max(1, len(self.items)), np.int64)
        for number, item in enumerate(self.items):
            form = canonical(item.text)
            self.forms.append(form.stream)
            self.streams.setdefault(form.stream, []).append(number)
            tokens.append(read_tokens(form))
            if len(form) < min_words:
                continue
            self._sizes[number] = len(form)
            content, content_spans, every, every_spans = list_grams(form.buffer, form.size, form.starts, vocabulary())
            is_few = len(content) < FEW_GRAMS
            grams += [content, every] if is_few else [content]
            spans += [content_spans, every_spans] if is_few else [content_spans]
            owners.append(np.full(len(content) + is_few * len(every), number))
        self.hashes = np.concatenate([np.empty(0, np.uint64), *(one.hashes for one in tokens)])
        self.kinds = np.concatenate([np.empty(0, np.uint8), *(one.kinds for one in tokens)])
        self.bounds = np.cumsum([0, *(len(one.hashes) for one in tokens)])
        """hashes, kinds: of the tokens of all items; bounds: [items + 1] where those of each item begin."""
        hashes = np.concatenate([np.empty(0, np.uint64), *grams])
        distinct, places = np.unique(hashes, return_inverse=True)
        self.grams = build_grams(distinct)
        order = np.argsort(places, kind="stable")
        self._owners = np.concatenate([np.empty(0, np.int64), *owners])[order]
        self._spans = np.concatenate([np.empty((0, 2), np.int64), *spans])[order]
        self._bounds = np.searchsorted(places[order], np.arange(len(distinct) + 1))

    def find(self, texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the parts of a column of texts that may contain an item, and the texts' numbers of words.

        Each of the [parts, 4] is a text, an item, and the words of the text where the item would begin and end if
        nothing were inserted or left out. They are sorted by text.
        """
        data, offsets = text_buffers(texts)
        found, words = find_grams(data, offsets, tables(), vocabulary(), self.grams, BLOCK_BYTES)
        return self._candidates(found), words

    def _candidates(self, found: NDArray[np.int64]) -> NDArray[np.int64]:
        lengths = self._bounds[found[:, 1] + 1] - self._bounds[found[:, 1]]
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        entries = np.repeat(self._bounds[found[:, 1]], lengths) + inside
        owners = np.repeat(found[:, 0] * len(self.items), lengths) + self._owners[entries]
        # Within a row the hits are in the order of the words already.
        order = np.argsort(owners, kind="stable")
        owners, ends, spans = owners[order], np.repeat(found[:, 2], lengths)[order], self._spans[entries[order]]
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        rows, items = np.divmod(owners[starts], max(1, len(self.items)))
        parts = find_densest(np.append(starts, len(owners)), items, ends, spans, self._sizes, LIKELY_SHARE)
        likely = np.flatnonzero(parts[:, 0])
        return np.column_stack((rows[likely], items[likely], parts[likely, 1:]))
