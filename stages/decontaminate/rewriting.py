"""Ways in which pages quote a question that is not theirs: other notation, other words, parts of it."""

import html
import json
import math
import random
import re
import textwrap
from collections.abc import Callable

from mathcode_pile.core.number_words import TENS, UNITS
from stages.decontaminate.latex_names import name_greek
from stages.decontaminate.synonyms import SYNONYMS

Change = Callable[[str, random.Random], str]

UNICODE_SIGNS = {
    r"\times": "×", r"\cdot": "·", r"\leq": "≤", r"\le": "≤", r"\geq": "≥", r"\ge": "≥", r"\neq": "≠", r"\ne": "≠",
    r"\infty": "∞", r"\in": "∈", r"\angle": "∠", r"\triangle": "△", r"\circ": "°", r"\ldots": "…", r"\dots": "...",
    r"\cdots": "⋯", r"\pm": "±", r"\sum": "∑", r"\prod": "∏", r"\int": "∫", r"\cup": "∪", r"\cap": "∩", r"\div": "÷",
    r"\to": "→", r"\rightarrow": "→", r"\equiv": "≡", r"\pmod": "mod ", r"\approx": "≈", r"\perp": "⊥",
} | {f"\\{name}": letter for letter, name in name_greek().items() if letter.islower()}  # fmt: skip
PLAIN_SIGNS = {
    r"\times": "*", r"\cdot": "*", r"\leq": "<=", r"\le": "<=", r"\geq": ">=", r"\ge": ">=", r"\neq": "!=",
    r"\ne": "!=", r"\ldots": "...", r"\dots": "...", r"\cdots": "...", r"\pm": "+/-", r"\circ": "°", r"\pmod": "mod ",
}  # fmt: skip
# Commands and others that print the same, or nearly.
SAME_LATEX = [
    (r"\dfrac", r"\frac"), (r"\tfrac", r"\frac"), (r"\frac", r"\dfrac"), (r"\leq", r"\le"), (r"\geq", r"\ge"),
    (r"\cdot", r"\times"), (r"\ldots", r"\dots"), (r"\cdots", r"\ldots"), (r"\text", r"\mathrm"), (r"\neq", r"\ne"),
    (r"\pmod", r"\bmod"), (r"\{", r"\lbrace "), (r"\}", r"\rbrace "), (r"\rightarrow", r"\to"), (r"\pi", "π"),
    (r"\lfloor", r"\left\lfloor"), (r"\rfloor", r"\right\rfloor"), (r"\mathbb", r"\mathbf"), (r"\overline", r"\bar"),
]  # fmt: skip
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
NUMBER = re.compile(r"(?<![\w.\\{^_])\d{1,3}(?:,\d{3})+(?![\w])|(?<![\w.,\\{^_])\d+(?![\w^]|[.,]\d)")
FIGURE = re.compile(r"\[asy\].*?\[/asy\]|\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}", re.DOTALL)
PICTURES = ("![the figure](https://example.org/media/fig_{0}.png)", '<img src="/media/{0}.png" alt="Figure {0}" />')


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


def vary_latex(text: str, rng: random.Random) -> str:
    """Write a text's formulas with other commands for the same signs, and with braces around single letters."""
    for command, other in SAME_LATEX:
        if rng.random() < 0.7:
            pattern = re.escape(command) + ("(?![A-Za-z])" if command[-1].isalpha() else "")
            text = re.sub(pattern, other.replace("\\", r"\\"), text)
    if rng.random() < 0.5:
        return re.sub(r"([_^])(\w)(?!\w)", r"\1{\2}", text)
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", text)


def write_plain(text: str, rng: random.Random) -> str:
    """Write a text's formulas without LaTeX, with characters of Unicode or of ASCII."""
    is_unicode = rng.random() < 0.5
    group = r"\{([^{}]*)\}"
    for _ in range(3):
        text = re.sub(r"\\[dt]?frac" + group + group, r"(\1)/(\2)" if rng.random() < 0.5 else r"\1/\2", text)
        text = re.sub(r"\\sqrt" + group, r"√(\1)" if is_unicode else r"sqrt(\1)", text)
        text = re.sub(r"\\(?:text|mathrm|textbf|mathbb|operatorname|mbox|overline)" + group, r"\1", text)
    signs = UNICODE_SIGNS if is_unicode else PLAIN_SIGNS
    text = re.sub(r"\\[A-Za-z]+", lambda m: signs.get(m[0], m[0]), text)
    if is_unicode:
        text = re.sub(r"\^\{?(\d+)\}?", lambda m: m[1].translate(SUPERSCRIPTS), text)
    text = re.sub(r"\\(?:left|right|quad|qquad|displaystyle)(?![A-Za-z])", "", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1", text)
    return re.sub(r"\\[^A-Za-z\s]|[${}]|\\", " " if rng.random() < 0.5 else "", text)


def use_entities(text: str, rng: random.Random) -> str:
    """Write a text as HTML, with entities for special characters and for some of the spaces."""
    escaped = html.escape(text).replace("’", "&rsquo;").replace("“", "&ldquo;").replace("”", "&rdquo;")
    return re.sub(" ", lambda _: "&nbsp;" if rng.random() < 0.2 else " ", escaped)


def use_tags(text: str, rng: random.Random) -> str:
    """Write a text as HTML, with tags around some of the words."""
    tags = ["b", "em", "strong", 'span class="q" style="color: red"', 'a href="https://example.org/x?y=1&z=2"', "i"]

    def dress(match: re.Match[str]) -> str:
        if rng.random() >= 0.25:
            return match[0]
        tag = rng.choice(tags)
        return f"<{tag}>{match[0]}</{tag.split()[0]}>"

    text = re.sub(r"(?<!\S)[A-Za-z]+|\d+", dress, text)
    text = re.sub(r"(?<=[.,]) ", lambda _: rng.choice([" ", "<br/>", "<br>\n", "</p>\n<p>"]), text)
    return f'<div class="problem"><p>{text}</p></div>'


def escape_json(text: str, rng: random.Random) -> str:
    """Write a text as a field of a JSON record."""
    text = re.sub(r"(?<=[.?]) +", lambda _: "\n" if rng.random() < 0.5 else " ", text)
    return json.dumps({"id": rng.randrange(10**6), "question": text, "split": "test"}, ensure_ascii=rng.random() < 0.5)


def wrap_lines(text: str, rng: random.Random) -> str:
    """Break a text into short lines, some of them indented or quoted."""
    mark = rng.choice(["", "    ", "> ", "# ", "* "])
    return textwrap.fill(text, rng.choice([30, 50, 72]), initial_indent=mark, subsequent_indent=mark)


def cut_end(text: str, rng: random.Random) -> str:
    """Remove a fifth of a text's words, at its beginning or at its end."""
    words = FIGURE.sub("", text).split()
    lost = math.ceil(0.2 * len(words))
    return " ".join(words[lost:] if rng.random() < 0.5 else words[:-lost])


def take_beginning(text: str, rng: random.Random) -> str:
    """Return the first 70% of a text's words."""
    words = FIGURE.sub("", text).split()
    return " ".join(words[: math.ceil(0.7 * len(words))])


def take_second_half(text: str, rng: random.Random) -> str:
    """Return the second half of a text's words."""
    words = FIGURE.sub("", text).split()
    return " ".join(words[len(words) // 2 :])


def put_picture(text: str, rng: random.Random) -> str:
    """Put a picture and its caption into the middle of a text."""
    words, number = text.split(), rng.randrange(1, 1000)
    half = rng.randint(len(words) // 3, 2 * len(words) // 3)
    caption = rng.choice(["", f"Figure {number}. The situation, seen from above.", "(click to enlarge)"])
    return " ".join([*words[:half], "\n\n" + rng.choice(PICTURES).format(number), caption + "\n\n", *words[half:]])


def leave_out_figure(text: str, rng: random.Random) -> str:
    """Leave out the code of a text's figures."""
    return FIGURE.sub(lambda _: rng.choice(["", PICTURES[0].format(1)]), text)


def spell_number(number: int) -> str:
    """Write a number below a billion in words."""
    for scale, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = f" {spell_number(number % scale)}" if number % scale else ""
            return f"{spell_number(number // scale)} {name}{rest}"
    if number < len(UNITS):
        return UNITS[number]
    return TENS[number // 10 - 2] + (f"-{UNITS[number % 10]}" if number % 10 else "")


def spell_numbers(text: str, rng: random.Random) -> str:
    """Write a text's whole numbers in words."""

    def spell(match: re.Match[str]) -> str:
        number = int(match[0].replace(",", ""))
        return spell_number(number) if number < 10**9 else match[0]

    return NUMBER.sub(spell, text)


def use_synonyms(text: str, rng: random.Random) -> str:
    """Replace words by synonyms, every one that has some."""

    def replace(match: re.Match[str]) -> str:
        others = SYNONYMS.get(match[0].lower())
        if not others:
            return match[0]
        other = rng.choice(others)
        return other.capitalize() if match[0][0].isupper() else other

    return re.sub(r"(?<![\\\w])[A-Za-z]+", replace, text)


def change_number(text: str, rng: random.Random) -> str:
    """Replace one of a text's numbers by another."""
    places = list(NUMBER.finditer(text))
    if not places:
        return text
    chosen = rng.choice(places)
    old = int(chosen[0].replace(",", ""))
    new = old + rng.choice([-2, -1, 1, 2, 3, 5, 10])
    return text[: chosen.start()] + str(new if new > 1 else old + 7) + text[chosen.end() :]


CHANGES: dict[str, Change] = {
    "case_punctuation": change_case,
    "latex_spacing": change_latex_spacing,
    "latex_variant": vary_latex,
    "plain_text": write_plain,
    "line_wrapped": wrap_lines,
    "html_entities": use_entities,
    "html_tags": use_tags,
    "json_escaped": escape_json,
    "figure_left_out": leave_out_figure,
    "numbers_as_words": spell_numbers,
    "picture_inside": put_picture,
    "cut_20": cut_end,
    "first_70": take_beginning,
    "second_half": take_second_half,
    "synonyms": use_synonyms,
    "number_changed": change_number,
}
