"""A tokenizer comes from one source, is the same each time, and loads as transformers' own."""

from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import write_shards
from stages.tokenizer.stage import BEGIN, END, TokenizerParams, TrainParams, bring_tokenizer

TEXTS = [f"The sum of the first {n} numbers is $\\frac{{{n}({n}+1)}}{{2}} = {n * (n + 1) // 2}$.\n" for n in range(300)]


def write_corpus(folder: Path, texts: list[str]) -> Path:
    for component, own in (("a", texts[::2]), ("b", texts[1::2])):
        rows = [
            {"id": f"{component}/{i}", "text": t, "source": component, "url": "", "license": "x", "metadata": "{}"}
            for i, t in enumerate(own)
        ]
        write_shards(folder / component, [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT, 4000)
    return folder


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", TEXTS)
    for name in ("one", "two"):
        bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=400)), corpus, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_trained_tokenizer_loads_as_transformers_own_and_loses_nothing(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    corpus = write_corpus(tmp_path / "corpus", TEXTS)
    bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=400)), corpus, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    assert tokenizer.is_fast and len(tokenizer) == 400
    assert (tokenizer.bos_token, tokenizer.eos_token) == (BEGIN, END)
    text = "Ünïcode \U0001d465  ² \t\n\n  12345 + 6 = ?\r\n<b>"
    ids = tokenizer(text).input_ids
    assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    # From a folder it is the same tokenizer.
    bring_tokenizer(TokenizerParams(folder=tmp_path / "out"), corpus, tmp_path / "again")
    assert (tmp_path / "again" / "tokenizer.json").read_bytes() == (tmp_path / "out" / "tokenizer.json").read_bytes()


def test_too_little_text_and_missing_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match="too little text"):
        bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=400)), tmp_path / "empty", tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        bring_tokenizer(TokenizerParams(folder=tmp_path / "nowhere"), tmp_path, tmp_path / "out")


@pytest.mark.parametrize("values", [{}, {"folder": "x", "train": {"vocabulary": 400}}, {"train": {"vocabulary": 3}}])
def test_params_name_exactly_one_origin(values: dict) -> None:
    with pytest.raises(ParamsError, match="tokenizer"):
        parse_section("tokenizer", values, TokenizerParams)


def test_a_hub_revision_must_be_a_commit() -> None:
    with pytest.raises(ParamsError, match="40 hex digits"):
        parse_section("tokenizer", {"hub": {"id": "a/b", "revision": "main"}}, TokenizerParams)
