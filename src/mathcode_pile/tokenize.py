"""Turn documents into token ids with any Hugging Face fast tokenizer, a part of them held out.

A document is one begin-of-text token where the model expects one, the ids of its text, and one end-of-text
token, whatever the tokenizer's post-processor adds. What looks like a special token in
the text is text.
"""

import json
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import Field

from mathcode_pile.documents import DROPPED
from mathcode_pile.engine import Report, count_workers, map_folder
from mathcode_pile.errors import InputError, PipelineError
from mathcode_pile.packed import Vocabulary, token_schema
from mathcode_pile.params import Section
from mathcode_pile.scratch import hash_folder
from mathcode_pile.shards import ShardWriter, list_shards, read_batches

# Of text that is encoded at once; an encoding takes some hundred bytes a token.
BATCH_CHARACTERS = 2_000_000
# A longer document is encoded in pieces that end at line breaks.
PIECE_CHARACTERS = 500_000
_LINE_BREAK = re.compile(r"\n(?=\S)")


class TokenizeParams(Section):
    """What is held out from training."""

    held_out_share: float = Field(ge=0, lt=1)
    """Share of each component's documents, chosen by a hash of their id."""
    seed: int = Field(ge=0)


class TextTokenizer:
    """A tokenizer with the rule of this module's first lines; reads tokenizer.json and tokenizer_config.json."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise InputError(f"{folder}: not a fast tokenizer: {str(error).splitlines()[0]}") from error
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        named = {name: self._find(config.get(f"{name}_token")) for name in ("bos", "eos", "pad")}
        if named["eos"] is None:
            raise InputError(f"{folder}/tokenizer_config.json: it names no end-of-text token (eos_token)")
        size = max(self.tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        bos = named["bos"] if self._begins_texts(named["bos"], named["eos"], config, folder) else None
        self.vocabulary = Vocabulary(size, bos, named["eos"], named["eos"] if named["pad"] is None else named["pad"])
        special = {
            number: token for number, token in self.tokenizer.get_added_tokens_decoder().items() if token.special
        }
        self._special_ids = np.array(sorted(special), np.uint32)
        self._special_texts = [token.content for token in special.values()]
        self.tokenizer.encode_special_tokens = True

    def _find(self, token: Any) -> int | None:
        content = token.get("content") if isinstance(token, dict) else token
        return None if content is None else self.tokenizer.token_to_id(content)

    def _begins_texts(self, bos: int | None, eos: int, config: dict[str, Any], folder: Path) -> bool:
        """Say whether the model expects its begin-of-text token before every text.

        Yes where the tokenizer itself puts it first or its config says so. Where neither says anything (Llama-3's,
        as first published): unless it is the end-of-text token too (GPT-2's) or marks turns of a chat (SmolLM2's).
        """
        if bos is None or self.tokenizer.encode("a").ids[:1] == [bos]:
            return bos is not None
        if isinstance(config.get("add_bos_token"), bool):
            return bool(config["add_bos_token"])
        template = folder / "chat_template.jinja"
        chat = template.read_text(encoding="utf-8") if template.is_file() else str(config.get("chat_template", ""))
        return bos != eos and str(self.tokenizer.id_to_token(bos)) not in chat

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the [tokens] uint32 ids of documents end to end, and where each of them starts ([texts + 1])."""
        ids, bounds = array("I"), [0]
        pieces = [list(split_text(text)) for text in texts]
        encodings = iter(
            self.tokenizer.encode_batch_fast([p for parts in pieces for p in parts], add_special_tokens=False)
        )
        for parts in pieces:
            if self.vocabulary.bos_id is not None:
                ids.append(self.vocabulary.bos_id)
            for _ in parts:
                ids.extend(next(encodings).ids)
            ids.append(self.vocabulary.eos_id)
            bounds.append(len(ids))
        flat, offsets = np.frombuffer(ids, np.uint32), np.array(bounds, np.int64)
        return self._mend(texts, flat, offsets)

    def _mend(self, texts: Sequence[str], ids: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encode again, in parts, the documents of which a model made special tokens all the same."""
        ends = 1 + (self.vocabulary.bos_id is not None)
        counts = np.add.reduceat(np.isin(ids, self._special_ids).astype(np.int64), offsets[:-1])
        wrong = np.flatnonzero(counts != ends).tolist()
        if not wrong:
            return ids, offsets
        parts = [ids[offsets[i] : offsets[i + 1]] for i in range(len(texts))]
        for row in wrong:
            parts[row] = self._encode_apart(texts[row], parts[row])
        return np.concatenate(parts), np.cumsum([0, *map(len, parts)])

    def _encode_apart(self, text: str, before: np.ndarray) -> np.ndarray:
        # Cut after the first sign of each special string, no part holds one.
        pattern = "|".join(f"(?<={re.escape(s[:1])})(?={re.escape(s[1:])})" for s in self._special_texts if len(s) > 1)
        encoded = [e.ids for e in self.tokenizer.encode_batch_fast(re.split(pattern, text), add_special_tokens=False)]
        inner = np.array([i for ids in encoded for i in ids], np.uint32)
        if np.isin(inner, self._special_ids).any():
            raise PipelineError(f"tokenize: special tokens in the text cannot be kept as text: {text[:60]!r}")
        first = before[:1] if self.vocabulary.bos_id is not None else before[:0]
        return np.concatenate([first, inner, before[-1:]])


def split_text(text: str) -> Iterator[str]:
    """Yield a text in pieces of at most PIECE_CHARACTERS, cut where a line starts with no blank; most in one."""
    while len(text) > PIECE_CHARACTERS:
        cuts = [match.end() for match in _LINE_BREAK.finditer(text, PIECE_CHARACTERS // 2, PIECE_CHARACTERS)]
        cut = cuts[-1] if cuts else PIECE_CHARACTERS
        yield text[:cut]
        text = text[cut:]
    yield text


def tokenize(folder: Path, tokenizer: Path, out: Path, params: TokenizeParams) -> Report:
    """Write a component's documents as token ids, those held out to out/held_out; return the counts."""
    vocabulary = load_tokenizer(tokenizer).vocabulary
    threads = max(1, count_workers() // max(1, len(list_shards(folder))))
    work = partial(tokenize_shard, tokenizer=tokenizer, params=params, threads=threads)
    report = map_folder("tokenize", work, folder, out, [params.model_dump(), hash_folder(tokenizer)])
    values = {"vocabulary_size": vocabulary.size, **vocabulary._asdict()}
    del values["size"]
    (out / "vocabulary.json").write_text(json.dumps(values) + "\n", encoding="utf-8")
    return report


@cache
def load_tokenizer(folder: Path) -> TextTokenizer:
    """Return a tokenizer, loaded once a process."""
    return TextTokenizer(folder)


def tokenize_shard(shard: Path, folder: Path, tokenizer: Path, params: TokenizeParams, threads: int) -> Report:
    """Write the token ids of a shard's documents; threads: of the tokenizer's own, in this process."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    encoder = load_tokenizer(tokenizer)
    schema = token_schema(encoder.vocabulary)
    report, by_source = Report(), Counter[str]()
    with (
        ShardWriter(folder / "documents.parquet", schema) as kept,
        ShardWriter(folder / "held_out.parquet", schema) as held_out,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in _read_documents(shard):
            empty = [not text.strip() for text in batch["text"]]
            for name in (n for n, is_empty in zip(batch["id"], empty, strict=True) if is_empty):
                dropped.write_rows([{"id": name, "reason": "empty", "detail": ""}])
                report.dropped["empty"] += 1
            report.read += len(empty)
            rows = [row for row, is_empty in enumerate(empty) if not is_empty]
            if rows:
                names, sources, texts = ([batch[c][row] for row in rows] for c in ("id", "source", "text"))
                ids, offsets = encoder.encode(texts)
                table = _to_arrow(names, sources, ids, offsets, schema)
                pages = [json.loads(batch["metadata"][row]).get("document_id", batch["id"][row]) for row in rows]
                chosen = np.array([is_held_out(page, params) for page in pages])
                lengths = np.diff(offsets)
                kept.write(table.filter(pa.array(~chosen)))
                held_out.write(table.filter(pa.array(chosen)))
                report.counts["bytes"] += sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
                report.counts["tokens"] += int(lengths[~chosen].sum())
                report.counts["held_out_tokens"] += int(lengths[chosen].sum())
                report.counts["held_out_documents"] += int(chosen.sum())
                for source, length in zip(sources, lengths.tolist(), strict=True):
                    by_source[source] += length
    report.kept = kept.rows + held_out.rows
    report.counts.update({f"tokens_{source}": count for source, count in by_source.items()})
    return report


def _read_documents(shard: Path) -> Iterator[dict[str, list[str]]]:
    """Yield documents as lists of columns, about BATCH_CHARACTERS of text at a time."""
    for batch in read_batches(shard, ["id", "source", "text", "metadata"]):
        columns = batch.to_pydict()
        start = held = 0
        for row, text in enumerate(columns["text"]):
            held += len(text)
            if held >= BATCH_CHARACTERS or row + 1 == batch.num_rows:
                yield {name: column[start : row + 1] for name, column in columns.items()}
                start, held = row + 1, 0


def _to_arrow(names: list[str], sources: list[str], ids: Any, offsets: Any, schema: pa.Schema) -> pa.RecordBatch:
    kind = schema.field("tokens").type
    values = pa.array(ids.astype(kind.value_type.to_pandas_dtype(), copy=False))
    tokens = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind)
    return pa.RecordBatch.from_arrays(
        [pa.array(names, pa.string()), pa.array(sources, pa.string()), tokens], schema=schema
    )


def is_held_out(name: str, params: TokenizeParams) -> bool:
    """Say whether a document is held out, from its id and the seed alone.

    A document of translated code goes by the id of the page its computations stand in: what is held out in
    one component must not be trained on in another.
    """
    return xxhash.xxh3_64_intdigest(name.encode("utf-8"), params.seed) < int(params.held_out_share * 2**64)
