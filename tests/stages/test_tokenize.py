"""Tokens: each document has one begin and one end, text stays text, nothing is lost or counted wrongly."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import write_shards
from mathcode_pile.tokens.packed import read_tokens, read_vocabulary
from stages.tokenize.stage import TokenizeParams, is_held_out, tokenize
from stages.tokenize.text_tokenizer import TextTokenizer, split_text

PARAMS = TokenizeParams(held_out_share=0.2, seed=0)
SAMPLES = [
    "Let $x = 2$. Then $x^2 = 4$.",
    "a <|end_of_text|> b <|begin_of_text|> c </s> <s> d <|im_end|><|endoftext|>",
    "  leading blanks,\n\n\ttabs and 1234567 digits \U0001d465 é\r\n",
    "x",
]


def make_byte_level(folder: Path) -> Path:
    """A trained byte-level BPE tokenizer that adds its begin-of-text token itself."""
    from stages.tokenizer.stage import TokenizerParams, TrainParams, bring_tokenizer

    rows = [document(i, f"The square of {i} is {i * i}, and {i} < {i + 1}.") for i in range(200)]
    write_shards(folder / "corpus" / "a", [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=330)), folder / "corpus", folder / "byte_level")
    return folder / "byte_level"


def train_sentencepiece() -> Any:
    """A unigram model that SentencePiece itself trained."""
    import sentencepiece

    lines = (f"The square of {i} is {i * i}, and {i} < {i + 1}; theorem {i} holds." for i in range(300))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=model, vocab_size=400, hard_vocab_limit=False, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1, minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def make_sentencepiece(folder: Path, kind: str) -> Path:
    """A tokenizer like SentencePiece's: ▁ for spaces, and <s> and </s>, both pieces themselves, around each text."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors

    letters = sorted({c for text in SAMPLES for c in text} | set("abcdefghijklmnopqrstuvwxyz▁<>s/"))
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    pieces = ["<unk>", "<s>", "</s>", *bytes_, *letters, "▁th", "▁the"]
    if kind == "sentencepiece":
        trained = train_sentencepiece()
        scored = [(trained.id_to_piece(i), trained.get_score(i)) for i in range(trained.get_piece_size())]
        model = models.Unigram(scored, unk_id=0, byte_fallback=True)
    elif kind == "unigram":
        # With scores like these the best way to write "</s>" is the piece "</s>".
        model = models.Unigram([(p, -1.0 if len(p) < 5 else -20.0) for p in pieces], unk_id=0, byte_fallback=True)
    else:
        vocabulary = {piece: i for i, piece in enumerate(pieces)} | {"th": len(pieces), "the": len(pieces) + 1}
        merges = [("t", "h"), ("▁", "th")]
        model = models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return save(tokenizer, folder / kind, "<s>", "</s>")


def save(tokenizer: Any, folder: Path, begin: str, end: str) -> Path:
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": begin, "eos_token": {"content": end}, "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def find_tokenizer(name: str, folder: Path) -> Path:
    """Return a tokenizer's folder; skip the test if it is a real one that MATHCODE_TOKENIZERS does not have."""
    if name == "byte_level":
        return make_byte_level(folder)
    if name in ("bpe", "unigram", "sentencepiece"):
        return make_sentencepiece(folder, name)
    real = Path(os.environ.get("MATHCODE_TOKENIZERS", "/nowhere")) / name
    if not (real / "tokenizer.json").is_file():
        pytest.skip(f"no tokenizer {name} in MATHCODE_TOKENIZERS (make test-tokenizers brings it)")
    return real


def document(number: int, text: str, source: str = "s") -> dict[str, Any]:
    return {"id": f"{source}/{number}", "text": text, "source": source, "url": "", "license": "x", "metadata": "{}"}


@pytest.mark.parametrize("name", ["byte_level", "bpe", "unigram", "sentencepiece", "llama3", "smollm2"])
def test_a_document_is_one_begin_its_text_and_one_end(name: str, tmp_path: Path) -> None:
    encoder = TextTokenizer(find_tokenizer(name, tmp_path))
    bos, eos = encoder.vocabulary.bos_id, encoder.vocabulary.eos_id
    assert (bos is None) == (name == "smollm2")
    ids, offsets = encoder.encode(pa.array(SAMPLES))
    for row, text in enumerate(SAMPLES):
        own = ids[offsets[row] : offsets[row + 1]].tolist()
        assert own[-1] == eos and own.count(eos) == 1
        assert bos is None or (own[0] == bos and own.count(bos) == 1)
        decoded = encoder.tokenizer.decode(own, skip_special_tokens=True)
        # A unigram model adds a space at a cut, as if a text began there.
        is_unigram = name in ("unigram", "sentencepiece")
        assert decoded.replace(" ", "") == text.replace(" ", "") if is_unigram else decoded == text


@pytest.mark.parametrize("name", ["byte_level", "bpe", "sentencepiece", "llama3", "smollm2"])
def test_ids_are_those_of_the_tokenizer_itself(name: str, tmp_path: Path) -> None:
    encoder = TextTokenizer(find_tokenizer(name, tmp_path))
    assert (encoder._pretokens is None) == (name in ("bpe", "sentencepiece"))
    plain = [text for text in SAMPLES if "<" not in text]
    ids, offsets = encoder.encode(pa.array(plain))
    first = int(encoder.vocabulary.bos_id is not None)
    for row, text in enumerate(plain):
        own = ids[offsets[row] + first : offsets[row + 1] - 1].tolist()
        assert own == encoder.tokenizer.encode(text, add_special_tokens=False).ids


def test_ids_are_those_of_sentencepiece(tmp_path: Path) -> None:
    encoder = TextTokenizer(make_sentencepiece(tmp_path, "sentencepiece"))
    for text in [*SAMPLES[:1], *SAMPLES[2:], "The square of 12 is 144, and 12 < 13."]:
        assert encoder.encode(pa.array([text]))[0][1:-1].tolist() == train_sentencepiece().encode(text)


def test_long_texts_are_encoded_in_pieces_that_change_no_id(tmp_path: Path) -> None:
    encoder = TextTokenizer(make_byte_level(tmp_path))
    text = "A line of it, with 12 words.\n  An indented one.\n\nAnd more ...\n" * 20_000
    assert len(pieces := list(split_text(text))) > 2 and "".join(pieces) == text
    ids, _ = encoder.encode(pa.array([text]))
    assert ids[1:-1].tolist() == encoder.tokenizer.encode(text, add_special_tokens=False).ids
    assert [len(p) for p in split_text("x" * 1_200_000)] == [500_000, 500_000, 200_000]
    several = encoder.encode(pa.array(["One.", text, "y", text + text]))
    assert several[0].tolist() == [
        i for t in ("One.", text, "y", text + text) for i in encoder.encode(pa.array([t]))[0]
    ]
    assert np.diff(several[1])[1] == len(ids)


def write_documents(folder: Path) -> Path:
    rows = [document(i, f"Document {i} says {'so ' * (i % 7)}.", "st"[i % 2]) for i in range(300)]
    rows.append(document(300, " \n"))
    write_shards(folder, [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT, 2000)
    return folder


def test_counts_add_up_and_held_out_documents_are_apart(project: Path) -> None:
    tokenizer = make_byte_level(project)
    report = tokenize(write_documents(project / "in"), tokenizer, project / "out" / "a", PARAMS)
    trained = {t.id: t.tokens for t in read_tokens(project / "out" / "a")}
    apart = {t.id: t.tokens for t in read_tokens(project / "out" / "a" / "held_out")}
    assert not trained.keys() & apart.keys() and len(trained) + len(apart) == report.kept == 300
    assert report.read == 301 and report.dropped == {"empty": 1}
    assert sum(map(len, trained.values())) == report.counts["tokens"]
    assert sum(map(len, apart.values())) == report.counts["held_out_tokens"]
    total = report.counts["tokens"] + report.counts["held_out_tokens"]
    assert report.counts["tokens_s"] + report.counts["tokens_t"] == total
    assert all(tokens.dtype == np.uint16 for tokens in trained.values())
    assert read_vocabulary(project / "out" / "a").size == 330
    assert 30 < len(apart) < 90


def test_a_text_that_is_null_is_dropped_by_name(project: Path) -> None:
    rows = [document(0, "One."), document(1, "Two.") | {"text": None}]
    (project / "in").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), project / "in" / "part-00000.parquet")
    report = tokenize(project / "in", make_byte_level(project), project / "out", PARAMS)
    assert (report.read, report.kept, report.dropped) == (2, 1, {"empty": 1})


def test_what_is_held_out_depends_on_id_and_seed_alone() -> None:
    names = [f"s/{i}" for i in range(2000)]
    first = [is_held_out(name, PARAMS) for name in names]
    assert first == [is_held_out(name, PARAMS) for name in names]
    assert 300 < sum(first) < 500
    assert first != [is_held_out(name, PARAMS.model_copy(update={"seed": 1})) for name in names]
    # A larger share holds out all documents that a smaller one does, and more.
    assert all(
        is_held_out(n, PARAMS.model_copy(update={"held_out_share": 0.3}))
        for n, is_out in zip(names, first, strict=True)
        if is_out
    )


def test_the_same_bytes_from_one_worker_and_from_two(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, documents = make_byte_level(project), write_documents(project / "in")
    contents = []
    for workers in ("1", "2"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(project / f"scratch{workers}"))
        out = project / f"out{workers}"
        tokenize(documents, tokenizer, out, PARAMS)
        contents.append({p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()})
    assert contents[0] == contents[1]


def test_a_folder_without_a_fast_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a fast tokenizer"):
        TextTokenizer(tmp_path)


def test_translated_code_is_held_out_with_its_page(project: Path) -> None:
    rows = []
    for number in range(400):
        page = document(number, f"Computation {number}.")
        rows.append(page | {"id": f"translated/{number}", "metadata": json.dumps({"document_id": page["id"]})})
    write_shards(project / "in", [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    tokenize(project / "in", make_byte_level(project), project / "out" / "translated", PARAMS)
    pages = {f"s/{number}" for number in range(400) if is_held_out(f"s/{number}", PARAMS)}
    tokens = read_tokens(project / "out" / "translated" / "held_out")
    apart = {document.id.replace("translated", "s") for document in tokens}
    assert pages and apart == pages
