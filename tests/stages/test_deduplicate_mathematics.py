"""In mathematics, numbers and signs are content: pages that differ in them are different pages."""

import json
import random
import re
from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core.documents import DOCUMENT, document_id
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import read_rows, write_shards
from stages.deduplicate.signatures import DeduplicateParams
from stages.deduplicate.stage import deduplicate

SCHEMA = DOCUMENT.append(pa.field("component", pa.string(), nullable=False))
TEMPLATE = (
    "Exercise. Solve the equation $x^2 {b:+d}x {c:+d} = 0$ over the real numbers and check your answer. "
    "Solution. The product of the roots is {c} and their sum is {minus}, so we look for two such numbers. They are "
    "{r} and {s}, because ${r} \\cdot ({s}) = {c}$ and ${r} + ({s}) = {minus}$. So $x = {r}$ and $x = {s}$. "
    "We put them into the equation and find that both sides agree. Always check your answers before you go on."
)
MENU = "Home | Courses | Exercises | About us | Contact | Search this site | Log in | Sign up for the newsletter. "
FOOT = " Share this page with your friends. Tell us what you think in the comments below. All rights reserved."
OTHER_MENU = "Welcome, guest! Today on our pages: solved problems for every grade, tests and games. "
OTHER_FOOT = " You may also like: the most popular lessons of the week. Imprint and privacy policy, terms of use."


def kept(project: Path, texts: list[str]) -> list[bool]:
    """Return which of some documents deduplicate keeps."""
    params = load("deduplicate", DeduplicateParams)
    ids = [document_id("s", str(number)) for number in range(len(texts))]
    fields = {"source": "s", "url": "", "license": "", "metadata": "{}", "component": params.priority[0]}
    rows = [fields | {"id": name, "text": text} for name, text in zip(ids, texts, strict=True)]
    write_shards(project / "select" / "s", [pa.RecordBatch.from_pylist(rows, SCHEMA)], SCHEMA)
    deduplicate(project / "select", project / "out", {"s": params.priority[0]}, params)
    stays = {row["id"] for row in read_rows(project / "out" / params.priority[0])}
    return [name in stays for name in ids]


def exercises(count: int) -> list[str]:
    rng, chosen = random.Random(1), set()
    while len(chosen) < count:
        chosen.add(tuple(sorted(rng.sample([n for n in range(-20, 21) if n], 2))))
    return [TEMPLATE.format(b=-r - s, c=r * s, minus=r + s, r=r, s=s) for r, s in sorted(chosen)]


def test_different_exercises_on_one_template_are_kept(project: Path) -> None:
    stays = kept(project, exercises(60))
    assert sum(stays) >= 59


def test_one_sign_of_few_is_another_exercise(project: Path) -> None:
    page = "Factor the polynomial. Write it as a product of two linear factors and explain each step. "
    assert kept(project, [page + "$x^2 + 5x + 6$", page + "$x^2 - 5x + 6$", page + "$x^2 - 5x - 6$"]) == [True] * 3


def test_the_same_exercise_on_two_sites_is_one(project: Path) -> None:
    pages = list(exercises(40))
    stays = kept(project, [MENU + p + FOOT for p in pages] + [OTHER_MENU + p + FOOT for p in pages])
    assert sum(stays) <= 42


def change_numbers(text: str, share: float, rng: random.Random) -> str:
    places = list(re.finditer(r"\d+", text))
    chosen = {place.start() for place in rng.sample(places, round(share * len(places)))}
    return re.sub(r"\d+", lambda m: str(int(m[0]) + rng.randint(1, 9)) if m.start() in chosen else m[0], text)


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


def similarity(one: str, other: str) -> float:
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


@pytest.fixture
def worked(real_data: Path) -> list[str]:
    """Real pages with at least 20 numbers and 80 words each."""
    lines = (real_data / "documents" / "textbook_sections.jsonl").read_text(encoding="utf-8").split("\n")
    pages = [json.loads(line)["text"] for line in lines if line]
    solutions = (real_data / "documents" / "math_worked_solutions.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in solutions if line]
    pages += [f"{row['problem']}\n{row['solution']}" for row in rows]
    enough = [p for p in pages if len(re.findall(r"\d+", p)) >= 20 and len(p.split()) >= 80]
    return random.Random(0).sample(enough, 150)


def test_pages_with_a_quarter_of_the_numbers_changed_are_kept(project: Path, worked: list[str]) -> None:
    rng = random.Random(2)
    stays = kept(project, worked + [change_numbers(page, 0.25, rng) for page in worked])
    print(f"kept {sum(stays)} of 300")
    assert sum(stays) >= 0.97 * 300


def test_equal_content_with_other_boilerplate_is_one_page(project: Path, worked: list[str]) -> None:
    pairs = []
    for page in worked:
        words, one, other = len(page.split()), page, page
        while similarity(one, other) > 0.85 and len(one.split()) < 1.15 * words + 60:
            one, other = one + FOOT, OTHER_MENU + other
        pairs.append((MENU + one, MENU + other))
    pairs = [pair for pair in pairs if similarity(*pair) >= 0.7]
    stays = kept(project, [text for pair in pairs for text in pair])
    values = [similarity(*pair) for pair in pairs]
    gone = [not (a and b) for a, b in zip(stays[::2], stays[1::2], strict=True)]
    high = [g for g, v in zip(gone, values, strict=True) if v >= 0.8]
    low = [g for g, v in zip(gone, values, strict=True) if v < 0.8]
    print(f"merged: {sum(high)} of {len(high)} at 0.8 and above, {sum(low)} of {len(low)} from 0.7 to 0.8")
    assert len(high) > 40 and all(high)
    assert not low or sum(low) >= 0.95 * len(low)
