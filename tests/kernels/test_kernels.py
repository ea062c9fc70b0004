"""Compiled words and hashes equal those of plain Python."""

import os
import random
import re
import shutil
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathcode_pile.classifier.fasttext_words_kernel import hash_word, join_words
from mathcode_pile.core.errors import InputError
from mathcode_pile.kernels.words import fold_table, scan_word, text_buffers, text_hashes
from stages.deduplicate.minhash_kernel import NUMBER_MINIMA, permutations, sign_texts

ROOT = Path(__file__).resolve().parents[2]


def random_text(rng: random.Random) -> str:
    ranges = [(32, 126), (32, 126), (0, 0x2FF), (0x300, 0x36F), (0x370, 0x2FFF), (0x3000, 0xD7FF), (0x10000, 0x2FFFF)]
    points = (rng.randint(*rng.choice(ranges)) for _ in range(rng.randint(0, 80)))
    return "".join(rng.choice([chr(point), " "]) for point in points)


def scan_words(column: pa.Array) -> list[list[tuple[int, int, int]]]:
    """Return the hash, start and end (in the column's bytes) of each row's words."""
    data, offsets = text_buffers(column)
    rows = []
    for first, end in pairwise(offsets.tolist()):
        words, position = [], first
        while (word := scan_word(data, position, end, fold_table()))[1] < word[2]:
            words.append((int(word[0]), word[1] - first, word[2] - first))
            position = word[2]
        rows.append(words)
    return rows


def plain_words(text: str) -> list[str]:
    """Return the words that words.py describes, found one character at a time."""
    words, word = [], ""
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "M" and ord(character) < 0x20000:
            continue
        base = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c)[0] != "M"]
        is_beyond = 0x20000 <= ord(character) < 0x40000
        folded = "" if category[0] not in "LN" else (base[0] if len(base) == 1 else character).lower()[0]
        point = ord(folded or " ")
        is_ideograph = unicodedata.category(chr(point)) == "Lo" and (
            0x3040 <= point < 0xAC00 or 0xF900 <= point < 0xFB00
        )
        is_alone = is_beyond or is_ideograph
        if is_beyond:
            folded = character
        if not folded or is_alone:
            words += [word] if word else []
            words += [folded] if folded else []
            word = ""
        else:
            word += folded
    return words + ([word] if word else [])


def test_words_are_those_of_plain_python() -> None:
    rng = random.Random(1)
    texts = [random_text(rng) for _ in range(1500)] + ["", " ", "a", "É e\u0301 E", "x²+y₁ = 𝐀", "数学 math"]
    known: dict[int, str] = {}
    for text, found in zip(texts, scan_words(pa.array(texts, pa.large_string())), strict=True):
        words = plain_words(text)
        assert len(found) == len(words), text
        for (value, _, _), word in zip(found, words, strict=True):
            assert known.setdefault(value, word) == word
    assert len(known) == len(set(known.values()))


def test_case_accents_and_mathematical_alphabets_do_not_count() -> None:
    rows = scan_words(pa.array(["Théorème", "THE\u0301ORE\u0300ME", "theoreme", "𝐭𝐡𝐞𝐨𝐫𝐞𝐦𝐞"]))
    assert len({value for ((value, _, _),) in rows}) == 1


def test_spans_point_at_the_words() -> None:
    text = "Let 𝐱 ≥ 2; then f(x) = naïve, 漢字."
    (words,) = scan_words(pa.array(["other text", text]).slice(1))
    data = text.encode()
    assert [data[a:b].decode() for _, a, b in words] == (["Let", "𝐱", "2", "then", "f", "x", "naïve", "漢", "字"])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_slice_has_the_words_of_its_rows(kind: pa.DataType) -> None:
    column = pa.array(["one two", "three", "", "four five six"], kind)
    part = scan_words(column.slice(1, 3))
    assert part == scan_words(column)[1:]
    assert [len(words) for words in part] == [1, 0, 3]


def test_bytes_that_are_not_utf8_separate_words() -> None:
    broken = [b"a\xffb", b"\xe2\x82", b"\xf0\x9f\x98", b"ok \xc3", b"\x80\x80 x"]
    column = pa.array(broken, pa.binary()).cast(pa.string(), safe=False)
    assert [len(words) for words in scan_words(column)] == [2, 0, 0, 1, 1]


def test_a_column_of_numbers_is_refused() -> None:
    with pytest.raises(InputError, match="int64"):
        text_buffers(pa.array([1, 2]))


def test_text_hashes_count_white_space_as_one_blank_and_ignore_nothing_else() -> None:
    first, second = text_hashes(pa.array([" a\t b\n", "a b", "ab", "a  B", "", " \n"]))
    assert first[0] == first[1] and second[0] == second[1]
    assert first[4] == first[5]
    assert len(set(first.tolist())) == len(set(second.tolist())) == 4


def test_fasttext_hash_extends_the_sign_of_bytes() -> None:
    def plain(word: bytes) -> int:
        value = 2166136261
        for byte in word:
            value = ((value ^ ((byte - 256 if byte > 127 else byte) & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
        return value

    for word in ["a", "théorème", "漢字", "</s>"]:
        data = np.frombuffer(word.encode(), dtype=np.uint8)
        assert int(hash_word(data, 0, len(data))[0]) == plain(word.encode())


def test_lines_for_fasttext_hold_no_label_and_no_end() -> None:
    texts = [" a\nb\0c ", "x __label__y </s> z", "</s>", "__label_ <s>", "", "\x0b\x0c"]
    assert join_words(pa.array(texts)).to_pylist() == ["a b c", "x z", "", "__label_ <s>", "", ""]
    rng = random.Random(2)
    many = [random_text(rng) for _ in range(300)]
    expected = [" ".join(w for w in re.split(r"[ \t\n\v\f\r\0]+", text) if w) for text in many]
    assert join_words(pa.array(many)).to_pylist() == expected


def test_signatures_estimate_similarity_as_well_as_independent_minima_would() -> None:
    rng = random.Random(3)
    errors = []
    for share in (0.5, 0.8):
        for _ in range(100):
            words = [f"w{rng.getrandbits(60)}" for _ in range(400)]
            common, rest = words[: int(400 * share)], words[int(400 * share) :]
            half = len(rest) // 2
            texts = pa.array([" ".join(common + rest[:half]), " ".join(common + rest[half:])])
            signatures, _ = sign_texts(texts, 1, permutations(120 + NUMBER_MINIMA, 1))
            signatures = signatures[:, :120]
            errors.append(float((signatures[0] == signatures[1]).mean()) - share)
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 0.05  # the square root of 0.25 / 120 is 0.046


def hash_elsewhere(source: Path, scratch: Path) -> int:
    """Return the hash of a text, computed by a process with the code of a folder and a scratch folder of its own."""
    script = (
        "import pyarrow as pa; from mathcode_pile.kernels.words import text_hashes;"
        "print(text_hashes(pa.array(['a b']))[0][0])"
    )
    environment = {**os.environ, "PYTHONPATH": str(source), "MATHCODE_SCRATCH": str(scratch)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_kernels_work_where_machine_code_cannot_be_kept(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made below a file")
    assert hash_elsewhere(ROOT / "src", blocked / "scratch") == int(text_hashes(pa.array(["a b"]))[0][0])


def test_machine_code_is_used_again_by_the_same_code_in_another_folder(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "stages").mkdir()
    found = hash_elsewhere(ROOT / "src", tmp_path / "scratch")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch" / "kernels").rglob("*.nb?")}
    assert kept and hash_elsewhere(copy / "src", tmp_path / "scratch") == found
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch" / "kernels").rglob("*.nb?")} == kept
    kernel = copy / "src" / "mathcode_pile" / "kernels" / "words.py"
    kernel.write_text(kernel.read_text(encoding="utf-8") + "\nOTHER = 1\n", encoding="utf-8")
    assert hash_elsewhere(copy / "src", tmp_path / "scratch") == found
    assert len(list((tmp_path / "scratch" / "kernels").rglob("*.nb?"))) > len(kept)  # other code: compiled again
