"""Encode documents with any Hugging Face fast tokenizer.

A document becomes one begin-of-text token, if the model expects one, the ids of its text, and one end-of-text token,
whatever the tokenizer's own post-processor would add. A special token's name in the text is encoded as text.
"""

import json
import re
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.kernels.words import Offsets
from mathcode_pile.tokens.packed import Vocabulary
from mathcode_pile.tokens.pretokens import Ids, PretokenEncoder, find_style

# Longer texts are encoded in pieces, which end at line breaks if possible.
PIECE_CHARACTERS = 500_000
_LINE_BREAK = re.compile(r"\n(?=\S)")


class TextTokenizer:
    """Encodes documents as the module's docstring says; reads tokenizer.json and tokenizer_config.json in a folder."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise InputError(f"{folder}: not a fast tokenizer: {first_line(error)}") from error
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        named = {name: self._find(config.get(f"{name}_token")) for name in ("bos", "eos", "pad")}
        if named["eos"] is None:
            raise InputError(f"{folder}/tokenizer_config.json: it has no end-of-text token (eos_token)")
        size = max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        bos = named["bos"] if self._begins_texts(named["bos"], named["eos"], config, folder) else None
        self.vocabulary = Vocabulary(size, bos, named["eos"], named["eos"] if named["pad"] is None else named["pad"])
        special = {
            number: token for number, token in self.tokenizer.get_added_tokens_decoder().items() if token.special
        }
        self._special_ids = np.array(sorted(special), np.uint32)
        self._special_texts = [token.content for token in special.values()]
        self.tokenizer.encode_special_tokens = True
        style = find_style(self.tokenizer)
        self._pretokens = None if style is None else PretokenEncoder(self.tokenizer, style)

    def _find(self, token: Any) -> int | None:
        content = token.get("content") if isinstance(token, dict) else token
        return None if content is None else self.tokenizer.token_to_id(content)

    def _begins_texts(self, bos: int | None, eos: int, config: dict[str, Any], folder: Path) -> bool:
        """Tell whether the model expects its begin-of-text token before every text.

        It does if the tokenizer itself puts the token there, or if its config says so. If neither says anything (as in
        Llama-3's first version), it does unless the token is also the end-of-text token (GPT-2) or marks the turns of a
        chat (SmolLM2).
        """
        if bos is None or self.tokenizer.encode("a").ids[:1] == [bos]:
            return bos is not None
        if isinstance(config.get("add_bos_token"), bool):
            return bool(config["add_bos_token"])
        template = folder / "chat_template.jinja"
        chat = template.read_text(encoding="utf-8") if template.is_file() else str(config.get("chat_template", ""))
        return bos != eos and str(self.tokenizer.id_to_token(bos)) not in chat

    def encode(self, texts: pa.Array) -> tuple[Ids, Offsets]:
        """Return the [tokens] ids of all documents, one after another, and [texts + 1] where each starts."""
        bos, eos = self.vocabulary.bos_id, self.vocabulary.eos_id
        pieces, starts = split_texts(texts)
        encode = self._pretokens.encode if self._pretokens else self._encode_whole
        return self._keep_as_text(texts, *encode(pieces, starts, bos, eos))

    def _encode_whole(self, pieces: pa.Array, starts: Offsets, first: int | None, last: int) -> tuple[Ids, Offsets]:
        ids, offsets = array("I"), [0]
        encodings = iter(self.tokenizer.encode_batch_fast(pieces.to_pylist(), add_special_tokens=False))
        for count in np.diff(starts).tolist():
            if first is not None:
                ids.append(first)
            for encoding in islice(encodings, count):
                ids.extend(encoding.ids)
            ids.append(last)
            offsets.append(len(ids))
        return np.frombuffer(ids, np.uint32), np.array(offsets, np.int64)

    def _keep_as_text(self, texts: pa.Array, ids: Ids, offsets: Offsets) -> tuple[Ids, Offsets]:
        """Encode documents again, in parts, if their text became special tokens against the tokenizer's settings."""
        ends = 1 + (self.vocabulary.bos_id is not None)
        counts = np.add.reduceat(np.isin(ids, self._special_ids).astype(np.int64), offsets[:-1])
        wrong = np.flatnonzero(counts != ends).tolist()
        if not wrong:
            return ids, offsets
        parts = [ids[offsets[i] : offsets[i + 1]] for i in range(len(texts))]
        for row in wrong:
            parts[row] = self._encode_apart(texts[row].as_py(), parts[row])
        return np.concatenate(parts), np.cumsum([0, *map(len, parts)])

    def _encode_apart(self, text: str, before: Ids) -> Ids:
        # The text is cut after the first character of each special token's name, so no part contains a name.
        pattern = "|".join(f"(?<={re.escape(s[:1])})(?={re.escape(s[1:])})" for s in self._special_texts if len(s) > 1)
        encoded = [e.ids for e in self.tokenizer.encode_batch_fast(re.split(pattern, text), add_special_tokens=False)]
        inner = np.array([i for ids in encoded for i in ids], np.uint32)
        if np.isin(inner, self._special_ids).any():
            raise ValueError(f"special tokens in the text cannot be kept as text: {text[:60]!r}")
        first = before[:1] if self.vocabulary.bos_id is not None else before[:0]
        return np.concatenate([first, inner, before[-1:]])


def split_texts(texts: pa.Array) -> tuple[pa.Array, Offsets]:
    """Return texts in pieces of at most PIECE_CHARACTERS, and [texts + 1] the first piece of each text."""
    if pc.max(pc.binary_length(texts)).as_py() <= PIECE_CHARACTERS:
        return texts, np.arange(len(texts) + 1)
    pieces = [list(split_text(text)) for text in texts.to_pylist()]
    flat = pa.array([piece for parts in pieces for piece in parts], pa.large_string())
    return flat, np.cumsum([0, *map(len, pieces)])


def split_text(text: str) -> Iterator[str]:
    """Yield a text in pieces of at most PIECE_CHARACTERS, cut before a line without indentation if there is one."""
    while len(text) > PIECE_CHARACTERS:
        cuts = [match.end() for match in _LINE_BREAK.finditer(text, PIECE_CHARACTERS // 2, PIECE_CHARACTERS)]
        cut = cuts[-1] if cuts else PIECE_CHARACTERS
        yield text[:cut]
        text = text[cut:]
    yield text
