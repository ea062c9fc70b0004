"""Leaks planted into copies of the stage's own documents, to measure what of them is found."""

import html
import math
import random
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.quoted_questions import Question

FILLER = "Let us go on with what was said before and see where it leads."


class Plant(NamedTuple):  # one document with one question in it
    kind: str
    question: int
    text: str


def change_case(text: str, rng: random.Random) -> str:
    """Write a text in other case, with other quotes and dashes, and without some of its punctuation."""
    text = rng.choice([str.upper, str.lower, str.title, str.swapcase])(text)
    text = text.replace("'", "’").replace('"', "“").replace("-", "–" if rng.random() < 0.5 else "-")
    return re.sub(r"[,.;:?!]", lambda match: rng.choice(["", match[0], " ", " ;"]), text)


def change_latex_spacing(text: str, rng: random.Random) -> str:
    """Write a text's formulas with other spaces, other dollar signs and sized brackets."""
    space = rng.choice([r"\,", r"\;", r"\ ", "~", r"\quad ", " "])
    opening, closing = rng.choice([("$", "$"), (r"\( ", r" \)"), ("$$", "$$"), (r"\[", r"\]")])

    def respace(match: re.Match[str]) -> str:
        formula = re.sub(r"(?<!\\)([=+<>-])", lambda sign: space + sign[1] + space, match[1])
        formula = re.sub(r"(?<!\\left)(?<!\\)\(", r"\\left(", formula)
        formula = re.sub(r"(?<!\\right)(?<!\\)\)", r"\\right)", formula)
        return opening + formula.replace(r"\frac", r"\dfrac") + closing

    return re.sub(r"\$+([^$]+)\$+", respace, text).replace(" ", "  " if space == " " else " ")


def cut_end(text: str, rng: random.Random) -> str:
    """Cut a fifth of a text's words off its beginning or its end."""
    words = text.split()
    lost = math.ceil(0.2 * len(words))
    return " ".join(words[lost:] if rng.random() < 0.5 else words[:-lost])


def wrap_lines(text: str, rng: random.Random) -> str:
    """Break a text into short lines, indented or quoted."""
    mark = rng.choice(["", "    ", "> ", "# ", "* "])
    return textwrap.fill(text, rng.choice([30, 50, 72]), initial_indent=mark, subsequent_indent=mark)


def use_entities(text: str, rng: random.Random) -> str:
    """Write a text as HTML: entities for its signs, and for some of its spaces."""
    escaped = html.escape(text).replace("’", "&rsquo;").replace("“", "&ldquo;").replace("”", "&rdquo;")
    return re.sub(" ", lambda _: "&nbsp;" if rng.random() < 0.2 else " ", escaped)


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "case_punctuation": change_case,
    "latex_spacing": change_latex_spacing,
    "cut_20": cut_end,
    "line_wrapped": wrap_lines,
    "html_entities": use_entities,
}
SURROUNDINGS = {"verbatim": 0, "within_20": 20, "within_80": 80, "within_1000": 1000}


def plant_leaks(
    questions: Sequence[Question], carriers: Sequence[str], ngram: int, min_words: int, count: int, seed: int
) -> list[Plant]:
    """Return `count` leaks of each kind (fewer where there are fewer questions): the changed kinds among 80 words.

    Questions of fewer than `ngram` words down to min_words are planted verbatim, as the kind `short`.
    """
    sizes = [len(canonical(question.asked())) for question in questions]
    long = [number for number, size in enumerate(sizes) if size >= ngram]
    short = [number for number, size in enumerate(sizes) if min_words <= size < ngram]
    plants = []
    for kind in [*SURROUNDINGS, *CHANGES, "short"]:
        rng = random.Random(f"{seed} {kind}")
        choice = short if kind == "short" else long
        for number in rng.sample(choice, min(count, len(choice))):
            text = questions[number].asked()
            text = CHANGES[kind](text, rng) if kind in CHANGES else text
            around = _words(carriers, SURROUNDINGS.get(kind, 80), rng)
            half = rng.randint(0, len(around))
            plants.append(Plant(kind, number, " ".join([*around[:half], text, *around[half:]])))
    return plants


def _words(carriers: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Return words that follow one another in a document, in several where one has not enough."""
    words: list[str] = []
    while len(words) < count:
        more = (rng.choice(carriers) if carriers else FILLER).split() or FILLER.split()
        start = rng.randrange(len(more))
        words += more[start : start + count - len(words)]
    return words
