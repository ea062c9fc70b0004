"""Write pages of worked mathematics like those on the web, from a seed.

There are over ninety kinds of problem and ten forms of page. To test the translator and the verdicts, some pages
state one wrong result, some compute nothing, and some have equations that cannot be checked.
Not covered: proofs, figures, languages other than English.
"""

import random
from collections.abc import Iterator
from typing import Any

from mathcode_pile.sources.worked_mathematics import algebra, applied, arithmetic, calculus, discrete, geometry, notes
from mathcode_pile.sources.worked_mathematics.forms import FORMS
from mathcode_pile.sources.worked_mathematics.voice import Voice

KINDS = [*arithmetic.KINDS, *algebra.KINDS, *calculus.KINDS, *discrete.KINDS, *geometry.KINDS, *applied.KINDS]

WITHOUT_COMPUTATION = 0.06
UNCHECKABLE = 0.04
WRONG = 0.04
LONG = 0.02


def generate(documents: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the first pages of a seed; page i depends on the seed and on i alone."""
    for index in range(documents):
        yield page(seed, index)


def page_key(seed: int, index: int) -> str:
    """Return the key of a page."""
    return f"worked-{seed}-{index:06d}"


def page(seed: int, index: int) -> dict[str, Any]:
    """Return one page as {key, title, text, metadata}.

    metadata: kind (of the page: problems, none or uncheckable), form, problems (their kinds), computations (the
    number of stated results) and has_wrong_result.
    """
    rng = random.Random(f"worked mathematics {seed} {index}")
    draw = rng.random()
    if draw < WITHOUT_COMPUTATION + UNCHECKABLE:
        voice = Voice(rng)
        kind = "none" if draw < WITHOUT_COMPUTATION else "uncheckable"
        text = notes.without_computation(voice) if kind == "none" else notes.uncheckable(voice)
        return _record(
            seed,
            index,
            text,
            {"kind": kind, "form": "notes", "problems": [], "computations": 0, "has_wrong_result": False},
        )
    misstate = draw < WITHOUT_COMPUTATION + UNCHECKABLE + WRONG
    voice = Voice(rng, plain=rng.random() < 0.12)
    count = rng.randint(14, 20) if rng.random() < LONG else rng.choice([1, 2, 2, 3, 3, 4])
    chosen = rng.sample(KINDS, count)
    form = rng.choice(FORMS)
    text, computations, wrong = voice.settle(form(voice, [write(voice) for write in chosen]), misstate)
    metadata = {
        "kind": "problems",
        "form": form.__name__,
        "problems": [write.__name__ for write in chosen],
        "computations": computations,
        "has_wrong_result": wrong,
    }
    return _record(seed, index, text, metadata)


def _record(seed: int, index: int, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    title = text.split("\n", 1)[0].lstrip("# ")
    return {"key": page_key(seed, index), "title": title, "text": text, "metadata": metadata}
