"""Plant leaks into copies of the stage's own documents, to measure how many of them are found."""

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
    """Change a text's case, quotes and dashes, and remove some of its punctuation."""
    text = rng.choice([str.upper, str.lower, str.title, str.swapcase])(text)
    text = text.replace("'", "’").replace('"', "“").replace("-", "–" if rng.random() < 0.5 else "-")
    return re.sub(r"[,.;:?!]", lambda match: rng.choice(["", match[0], " ", " ;"]), text)


def change_latex_spacing(text: str, rng: random.Random) -> str:
    """Change the spacing and the dollar signs of a text's formulas, and size their brackets."""
    space = rng.choice([r"\,", r"\;", r"\ ", "~", r"\quad ", " "])
    opening, closing = rng.choice([("$", "$"), (r"\( ", r" \)"), ("$$", "$$"), (r"\[", r"\]")])

    def respace(match: re.Match[str]) -> str:
        formula = re.sub(r"(?<!\\)([=+<>-])", lambda sign: space + sign[1] + space, match[1])
        formula = re.sub(r"(?<!\\left)(?<!\\)\(", r"\\left(", formula)
        formula = re.sub(r"(?<!\\right)(?<!\\)\)", r"\\right)", formula)
        return opening + formula.replace(r"\frac", r"\dfrac") + closing

    return re.sub(r"\$+([^$]+)\$+", respace, text).replace(" ", "  " if space == " " else " ")


def cut_end(text: str, rng: random.Random) -> str:
    """Remove a fifth of a text's words, at its beginning or at its end."""
    words = text.split()
    lost = math.ceil(0.2 * len(words))
    return " ".join(words[lost:] if rng.random() < 0.5 else words[:-lost])


def wrap_lines(text: str, rng: random.Random) -> str:
    """Break a text into short lines, some of them indented or quoted."""
    mark = rng.choice(["", "    ", "> ", "# ", "* "])
    return textwrap.fill(text, rng.choice([30, 50, 72]), initial_indent=mark, subsequent_indent=mark)


def use_entities(text: str, rng: random.Random) -> str:
    """Write a text as HTML, with entities for special characters and for some of the spaces."""
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
    """Return `count` leaks of each kind, or fewer if there are fewer questions.

    Changed questions have 80 words around them. Questions with fewer than `ngram` but at least `min_words` words
    are planted verbatim, as the kind `short`.
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
    """Return consecutive words of a document, or of several if one has too few."""
    words: list[str] = []
    while len(words) < count:
        more = (rng.choice(carriers) if carriers else FILLER).split() or FILLER.split()
        start = rng.randrange(len(more))
        words += more[start : start + count - len(words)]
    return words
