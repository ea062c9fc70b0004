"""Pre-tokens: cut and encoded as by the tokenizers library, also while their table grows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, trainers
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

from mathcode_pile.tokens import pretoken_kernel as kernel
from mathcode_pile.tokens import pretokens
from mathcode_pile.tokens.pretokens import LLAMA3_PATTERN, PretokenEncoder, character_classes, find_style

CUTS = {
    kernel.GPT2: lambda: ByteLevel(add_prefix_space=False),
    kernel.DIGITS_APART: lambda: Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]),
    kernel.LLAMA3: lambda: Sequence(
        [Split(Regex(LLAMA3_PATTERN), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    ),
}
TEXT = "It's 12345 x\n\n  y = (x+1)'LL don't\t\tz; 'S  éa ½ x² 中文 \u2028\u00a0-\r\n 'veto"
# Each kind of character that a rule is about, and some that look like them.
CHARACTERS = (
    "aZé中ſsStTmdreveLl0１½² \t\n\r\x0b\x1c\u0085\u00a0\u2028\u3000'’-+.(<|>_\u0301\U0001d465\U0001f600\U000e0001"
)


def make_tokenizer(style: int) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = CUTS[style]()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([TEXT] * 3, trainer)
    return tokenizer


def encode(encoder: PretokenEncoder, texts: list[str]) -> list[list[int]]:
    """Return each text's ids, without the 1 before and the 2 after them."""
    ids, bounds = encoder.encode(pa.array(texts), np.arange(len(texts) + 1), 1, 2)
    parts = [part.tolist() for part in np.split(ids, bounds[1:-1])]
    assert all(part[0] == 1 and part[-1] == 2 for part in parts) and len(parts) == len(texts)
    return [part[1:-1] for part in parts]


def find_cuts(text: str, style: int) -> list[int]:
    """Return where the kernel ends pre-tokens, counted in characters."""
    data, classes = np.frombuffer(text.encode(), np.uint8), character_classes(style)
    ends, position = [], 0
    while position < len(data):
        position = kernel.end_pretoken(data, position, len(data), classes, style)
        ends.append(position)
    return (np.searchsorted(np.cumsum([len(c.encode()) for c in text]), ends) + 1).tolist()


@pytest.mark.parametrize("style", CUTS)
def test_cuts_are_the_librarys_whatever_the_character(style: int) -> None:
    classes = character_classes(style)
    changes = {int(point) for change in np.flatnonzero(np.diff(classes)) for point in (change, change + 1)}
    far = (0x20000, 0x2A6DF, 0x30000, 0x31350, 0x3FFFF, 0x40000, 0xE0001, 0x10FFFF)
    points = sorted({*range(0x2100), *range(0x3000, 0x3100), *far, *changes} - {*range(0xD800, 0xE000)})
    assert len(changes) > 1000
    for pattern in ("{0}a", "1{0}", " {0} ", "\n{0}{0}", "'{0}-", "'{0}a"):
        text = "".join(pattern.format(chr(point)) for point in points)
        assert find_cuts(text, style) == [end for _, (_, end) in CUTS[style]().pre_tokenize_str(text)]


@pytest.mark.parametrize("style", CUTS)
def test_ids_are_the_librarys_whatever_the_text(style: int) -> None:
    tokenizer = make_tokenizer(style)
    assert find_style(tokenizer) == style
    encoder = PretokenEncoder(tokenizer, style)

    @settings(max_examples=500, deadline=None)
    @given(st.lists(st.text(st.sampled_from(CHARACTERS), max_size=30), min_size=1, max_size=5))
    def check(texts: list[str]) -> None:
        assert encode(encoder, texts) == [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]

    check()


@pytest.mark.parametrize("style", CUTS)
def test_ids_of_real_mathematics_are_the_librarys(style: int, real_data: Path) -> None:
    tokenizer = make_tokenizer(style)
    lines = (real_data / "documents" / "math_worked_solutions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 2000
    expected = [e.ids for e in tokenizer.encode_batch_fast(lines, add_special_tokens=False)]
    assert encode(PretokenEncoder(tokenizer, style), lines) == expected


def test_the_table_grows_and_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = make_tokenizer(kernel.LLAMA3)
    drawn = np.random.default_rng(0)
    letters = str.maketrans("0123456789", "abcdefghij")
    texts = [" ".join(map(str, drawn.integers(0, 10**9, 40))).translate(letters) for _ in range(1500)]
    texts[7] = "a" * 1_000_000  # one pre-token, longer than the first table's room for all
    expected = [e.ids for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    encoder = PretokenEncoder(tokenizer, kernel.LLAMA3)
    assert encode(encoder, texts) == expected
    assert encoder._count > 50_000
    for name, most in (("MOST_KNOWN", 1000), ("MOST_BYTES", 10_000)):
        monkeypatch.setattr(pretokens, name, most)
        found, counts = [], []
        for start in range(0, len(texts), 250):
            found += encode(encoder, texts[start : start + 250])
            counts.append(encoder._count)
        assert found == expected and max(counts) < 25_000
        monkeypatch.undo()


def test_after_an_error_the_ids_are_right() -> None:
    tokenizer = make_tokenizer(kernel.LLAMA3)
    encoder = PretokenEncoder(tokenizer, kernel.LLAMA3)
    encode(encoder, ["one two"])
    column = pa.array([b"one \xff three four"], pa.binary())
    with pytest.raises(UnicodeDecodeError):
        encoder.encode(column, np.arange(2), 1, 2)
    texts = [" five six seven", " three four one"]
    assert encode(encoder, texts) == [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def test_special_tokens_in_a_text_are_text() -> None:
    tokenizer = make_tokenizer(kernel.LLAMA3)
    tokenizer.add_special_tokens(["<|end|>", AddedToken(" x", lstrip=True, rstrip=True)])
    tokenizer.encode_special_tokens = True
    texts = ["a<|end|>b", "<|end|>", "y x z<|end|> x", "<|end|"]
    expected = [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert encode(PretokenEncoder(tokenizer, kernel.LLAMA3), texts) == expected
    special = {tokenizer.token_to_id("<|end|>"), tokenizer.token_to_id(" x")}
    assert not special & {number for ids in expected for number in ids}


def test_a_slice_of_a_column_is_encoded_by_itself() -> None:
    tokenizer = make_tokenizer(kernel.GPT2)
    column = pa.array(["not this", TEXT, "", "nor this"]).slice(1, 2)
    ids, bounds = PretokenEncoder(tokenizer, kernel.GPT2).encode(column, np.arange(3), None, 5)
    own = tokenizer.encode(TEXT, add_special_tokens=False).ids
    assert ids.tolist() == [*own, 5, 5] and bounds.tolist() == [0, len(own) + 1, len(own) + 2]


def test_other_tokenizers_have_no_style() -> None:
    def change(**parts: Any) -> Any:
        tokenizer = make_tokenizer(kernel.LLAMA3)
        for name, part in parts.items():
            setattr(tokenizer, name, part)
        return tokenizer

    others = [
        change(normalizer=normalizers.NFC()),
        change(pre_tokenizer=ByteLevel(add_prefix_space=True)),
        change(pre_tokenizer=Sequence([Split(Regex(r"\d|\D+"), "isolated"), ByteLevel(False, use_regex=False)])),
        change(pre_tokenizer=Sequence([Digits(individual_digits=False), ByteLevel(False)])),
        change(model=models.BPE(dropout=0.1)),
        Tokenizer(models.BPE()),
        change(),
    ]
    others[-1].add_tokens([AddedToken("<tool>", normalized=False)])
    assert [find_style(tokenizer) for tokenizer in others] == [None] * len(others)
