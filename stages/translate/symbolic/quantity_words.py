"""Find the words that a page uses for its numbers: `24 notebooks`, `a height of 16 cm`, `the discount is`.

Only plain words become names. Not covered: numbers in words, and nouns that are far from their number.
"""

import keyword
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from mathcode_pile.core.number_words import UP_TO_TWELVE

_BUILTINS = {
    "sum", "max", "min", "abs", "round", "pow", "len", "range", "set", "list", "map", "filter", "print", "float", "int",
    "str", "type", "id", "next", "iter", "hash", "input", "object", "all", "any", "bin", "hex", "oct", "format", "zip",
    "sqrt", "pi", "log", "exp", "sin", "cos", "tan", "comb", "factorial", "prod", "gcd", "lcm", "symbols", "solve",
    "limit", "diff", "product", "summation", "integrate", "open", "slice", "order", "time", "factor", "expand",
}  # fmt: skip
# Words that say how many or which, and words that only join.
_NO_NAMES = {
    "and", "or", "the", "that", "this", "these", "those", "which", "who", "whose", "with", "without", "from", "into",
    "its", "his", "her", "their", "our", "your", "is", "are", "was", "were", "be", "has", "have", "had", "does", "did",
    "for", "per", "of", "in", "on", "at", "to", "by", "as", "if", "so", "we", "you", "they", "she", "he", "it", "then",
    "than", "times", "more", "less", "fewer", "each", "every", "both", "other", "others", "such", "plus", "minus",
    "equals", "means", "gives", "leaves", "makes", "shows", "yields", "always", "perhaps", "thus", "hence",
    "pass", "us", "class", "across", "percent", "cross", "what", "how", "when", "where", "there", "here",
    "cases", "ways", "not", "only", "also", "now", "just", "same", "result", "thing", "things", "first", "second",
    "third", "last", "one", "two", "three", "four", "five", "six", "rest", "above", "below", "left", "right", "side's",
    "answer", "value", "number", "true", "false", "digits", "points", "goes", "costs", "needs", "uses",
    "contains", "gets", "comes", "becomes", "takes", "divides", "works", "holds", "sides", "fits", "combines",
    "base", "components", "dimensions", "quarters", "thirds", "fifths", "numbers", "touches", "carries", "lies",
    "meets", "stands", "runs", "remains", "covers", "leads", "falls", "begins", "ends", "passes", "returns",
    "starts", "stays", "whereas", "besides", "afterwards", "sometimes", "upwards", "downwards", "sums", "halves",
    "lots",
}  # fmt: skip
_QUANTITIES = (
    "height|base|width|length|depth|radius|diameter|ratio|price|cost|speed|rate|distance|mass|weight|age|slope|mean|"
    "average|perimeter|circumference|area|volume|capacity|density|pressure|temperature|salary|wage|discount|deposit|principal|"
    "interest|tax|tip|fee|profit|revenue|total|probability|edge|hypotenuse|leg|thickness|period|frequency|variance|"
    "acceleration|amount|capital|deviation|stiffness|conductivity|dose|span|load|angle|investment|loan|balance|population|turnover|term|force|energy|power|voltage|current|resistance|concentration|intercept|difference|altitude"
)
_QUANTITY_NAMES = frozenset(_QUANTITIES.split("|"))
_ARTICLES = {"the", "a", "an", "his", "her", "its", "their", "our", "my", "your", "this", "that", "each", "every"}
_VERBS = {"travels", "gives", "finds", "compute", "find", "let", "take", "use", "new", "given", "still"}
_PLURALS = {"people", "men", "women", "children", "mice", "dice", "sheep", "fish", "geese"}
# Words that belong to a name although they name nothing alone: the first term.
_KINDS = {"first", "last", "common", "total", "initial", "final", "left", "right"}
# A unit says of which unit a number is, not which quantity: 4 g may be a mass, a dose or a standard deviation.
_UNITS = {
    "km": "kilometres", "mile": "miles", "cm": "centimetres", "mm": "millimetres", "m": "metres",
    "centimetre": "centimetres", "metre": "metres", "kilometre": "kilometres", "inch": "inches", "foot": "feet",
    "kg": "kilograms", "g": "grams", "ml": "millilitres", "litre": "litres", "liter": "liters", "euro": "euros",
    "dollar": "dollars", "crown": "crowns", "degree": "degrees", "mph": "speed", "feet": "feet", "inches": "inches",
    "pence": "pence", "hour": "hours", "minute": "minutes", "second": "seconds", "day": "days", "week": "weeks",
    "year": "years", "month": "months", "h": "hours", "percent": "rate", "per cent": "rate",
} | {
    unit: unit
    for unit in (
        "kilometres", "kilometers", "miles", "metres", "meters", "centimetres", "centimeters", "millimetres", "yards",
        "grams", "kilograms", "pounds", "litres", "liters", "euros", "dollars", "crowns", "cents", "degrees",
    )
}  # fmt: skip
# Names of which no two are added: kilometres and speed.
DIMENSIONS = {*_UNITS.values(), "speed", "acceleration", "area", "volume", "angle", "temperature"} - {"rate"}
_LENGTHS = {
    "kilometres", "kilometers", "miles", "metres", "meters", "centimetres", "centimeters", "millimetres", "yards",
    "feet", "inches",
}  # fmt: skip
_MONEY_UNITS = {"euros", "dollars", "crowns", "cents", "pence", "pounds"}
_COMPOUND = re.compile(r"\}?\s?[/·]|[A-Za-z]")
# What a word behind a unit says of the quantity: 40 m wide.
_DIMENSION = re.compile(r"[ ](?P<word>long|wide|high|tall|deep|thick|old|away|apart|from)\b")
_DIMENSIONS = {
    "long": "length", "wide": "width", "high": "height", "tall": "height", "deep": "depth", "thick": "thickness",
    "away": "distance", "apart": "distance", "from": "distance",
}  # fmt: skip
# "one" is mostly a pronoun.
_WORDS = {word: number for word, number in UP_TO_TWELVE.items() if number > 1}
# The search skips fast to the characters that a pattern begins with.
_WORD_PATTERNS = {word: re.compile(rf"{word}\b(?<!\w{word})") for word in _WORDS}
_DIGITS = re.compile(r"\d(?<![\w.]\d)(?:\d{0,2}(?:(?:,|\{,\})\d{3})+|\d*)(?:\.\d+)?(?!\w)")
_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b|{_DIGITS.pattern}")
_ANGLE = re.compile(r"\s?(?:°|\^\s?\{?\s?\\circ)(?P<scale>\}?\s?(?:\\mathrm\{|\\text\{)?[CF]\b)?")
_MONEY = re.compile(r"(?:[€£]|\\\$|(?<![$\w)])\$)\s?\Z")
_EACH = re.compile(r"\$?\s(?:each|per|apiece|a piece|an?)\b")
_MATHEMATICS = re.compile(r"\s?[$\\^_{=+*/)]")
_AFTER = re.compile(
    r"[$)]{0,2}(?:\\\)|\\[,;: ])?(?:\s|-|~|\\text(?:rm)?\{ ?|\\mathrm\{ ?|\\ )+"
    r"(?P<first>[A-Za-z]++)(?P<power>\^?\{?[23²³])?"
    r"(?P<speed>(?:/| an | per | a )\}?(?:h|s|hour|second|minute)(?![A-Za-z])(?P<square>\^?\{?[2²])?)?"
    r"(?:[ ](?P<second>[a-z]+))?"
)
# The number is the first of a computation: `a difference of 75 - 55`.
_OPERATOR = re.compile(r"\s?(?:[-+*/^=x×·÷–]\s?[\d$(]|\\(?:cdot|times|div)\b)")
_LISTED = re.compile(r"\$?(?:, | and | or | by )\$?(?=\d)")
# After these words no list of equal things follows: 9 candles at 0.60, 2 notebooks at 3.96.
_PRICED = re.compile(r"\b(?:at|for|costs?)\s\$?\Z")
_PERCENT = re.compile(r"\s?\\?%")
_BEFORE = re.compile(
    r"\b(?:(?P<kind>[a-z]+)[ ])?(?P<noun>" + _QUANTITIES + r")(?: (?:of|is|was|equals|be|to|at)|:| =)?\s\$?\Z"
)
_SMALL_WORD = re.compile("[a-z]+")
# One of these is among the last three words of every match of the pattern below.
_RESULT_VERBS = {"is", "are", "was", "were", "be", "equals", "becomes", "totals", "to", "measures"}
_RESULT = re.compile(
    r"\b(?:[Tt]he|[Ii]ts|their|his|her|whose|our|a|an|this|each|total|of)\s+"
    r"(?:(?P<kind>[a-z]+)[ -])?(?P<noun>[a-z]{3,16})"
    r"(?:\s(?:of|in|for|per|on|at|after|with|from|between)\s[^$.,;:\\=]{1,50}?)?"
    r"\s+(?:is|are|was|were|be|equals|becomes|totals|comes to|amounts to|measures)"
    r"(?:\s(?:then|thus|therefore|about|approximately|now|only|also|hence|so|equal to|again))?[\s:]*\Z"
)
_LABEL = re.compile(r"(?:\A|\n)\W*\Z|\b[A-Z][a-z]+ \Z|[#(]\Z")
_CALCULATED = re.compile(r"[-+*/^=×·÷−–√(<>]\s?\Z")
_CALCULATES = re.compile(r"\s?[-+*/^=×·÷−–<>]\s?[\d(]|[)^²³√]")
_CLOSED_CLAUSE = re.compile(r"[,.;:]\s*(?:\$\$?|\\\]|\\\))\Z")
_LOOK = 90
_MAX_DIGITS = 40


class Mention(NamedTuple):
    """A number in the text, in characters."""

    start: int
    end: int
    is_percent: bool


def find_mentions(text: str) -> dict[Fraction | int, list[Mention]]:
    """Return all numbers of a text by value, in order."""
    found: dict[Fraction | int, list[Mention]] = {}
    has_percent = "%" in text
    numbers = list(_find_numbers(text))
    numbers.sort(key=itemgetter(1))
    for value, start, end in numbers:
        found.setdefault(value, []).append(Mention(start, end, False))
        if has_percent and _PERCENT.match(text, end):
            # 15% is said of a rate of 0.15; the plain number 15 is in the text, too.
            found.setdefault(Fraction(value, 100), []).append(Mention(start, end, True))
    return found


def _find_numbers(text: str) -> Iterator[tuple[Fraction | int, int, int]]:
    """Yield value, start and end of the numbers in digits, then of those in words."""
    for match in _DIGITS.finditer(text):
        value = _value_of_digits(match[0])
        if value is not None:
            yield value, *match.span()
    for word in filter(text.__contains__, _WORDS):
        for match in _WORD_PATTERNS[word].finditer(text):
            yield _WORDS[word], *match.span()


@lru_cache(4096)
def _value_of_digits(digits: str) -> Fraction | int | None:
    """Return the value of a number, None if it is too long."""
    digits = digits.replace("{,}", "").replace(",", "")
    if len(digits) > _MAX_DIGITS:
        return None
    return int(digits) if digits.isdecimal() else Fraction(digits)


def name_of_mention(text: str, mention: Mention, is_formula: bool = False) -> str:
    """Return what a text calls a number, "" if nothing. In a formula the dollar sign before it is no price's."""
    if mention.is_percent:
        return "rate"
    if _OPERATOR.match(text, mention.end):
        return ""
    listed = _LISTED.match(text, mention.end)
    is_price = listed and "," in listed[0] and _PRICED.search(text, max(0, mention.start - 8), mention.start)
    if listed and not is_price and (following := _NUMBER.match(text, listed.end())):
        # 60 and 70 km/h
        return name_of_mention(text, Mention(following.start(), following.end(), False), is_formula)
    if angle := _ANGLE.match(text, mention.end):
        return "temperature" if angle["scale"] else "angle"
    last = text[max(0, mention.start - 1) : mention.start]
    is_apart = last == "$" or last.isspace()
    before = None
    if is_apart and not _QUANTITY_NAMES.isdisjoint(
        _SMALL_WORD.findall(text, max(0, mention.start - 25), mention.start)
    ):
        before = _BEFORE.search(text, max(0, mention.start - 40), mention.start)
    after = _AFTER.match(text, mention.end, mention.end + 60)
    if before and before[0].rstrip(" $").endswith(" of") and after and _counts(after["first"]):
        before = None  # the mean of 16 bags
    if before:
        return _noun_name(before["kind"], before["noun"])
    is_money = _MONEY.search(text, max(0, mention.start - 3), mention.start)
    if is_money and not is_formula and not _MATHEMATICS.match(text, mention.end):
        return "price" if _EACH.match(text, mention.end) else "amount"
    return _name_after(after) if after else ""


def is_said(text: str, mention: Mention) -> bool:
    """Whether a number is one of the sentence, not a label as in Step 4, and not part of a computation."""
    before = text[max(0, mention.start - 30) : mention.start]
    return not (_CALCULATES.match(text, mention.end) or _CALCULATED.search(before[-2:]) or _LABEL.search(before))


def _name_after(after: re.Match[str]) -> str:
    first, second = after["first"], after["second"] or ""
    unit = _UNITS.get(first, "")
    if after["speed"] and unit in _LENGTHS:
        return "acceleration" if after["square"] else "speed"
    if after["speed"]:
        return ""
    text, end = after.string, after.end("power") if after["power"] else after.end("first")
    if unit and _COMPOUND.match(text, end):
        return ""  # m²K/W, g/cm³
    if unit and after["power"]:
        power = {"2": "area", "²": "area", "3": "volume", "³": "volume"}[after["power"][-1]]
        return power if unit in _LENGTHS else ""
    if unit in _LENGTHS and (dimension := _DIMENSION.match(text, end)):
        return _DIMENSIONS.get(dimension["word"], unit)
    if unit in _MONEY_UNITS and _EACH.match(text, end):
        return "price"
    if unit:
        return unit
    if second in _ARTICLES:
        return ""  # 90 raises the average: a verb
    if _is_plural(first):
        return first
    is_adjective = first.islower() and first not in _NO_NAMES | _VERBS and len(first) > 2
    return f"{first}_{second}" if is_adjective and _is_plural(second) else ""


def _counts(word: str) -> bool:
    return word not in _UNITS and _is_plural(word)


def _is_plural(word: str) -> bool:
    if word in _PLURALS:
        return True
    is_word = len(word) > 3 and word.islower() and word.endswith("s") and not word.endswith(("ss", "us", "is", "ous"))
    return is_word and word not in _NO_NAMES and is_name(word)


def _noun_name(kind: str | None, noun: str) -> str:
    if kind in _KINDS or (kind and len(kind) > 2 and kind not in _NO_NAMES | _VERBS and not kind.endswith("ing")):
        return f"{kind}_{noun}"
    return noun if noun not in _NO_NAMES and is_name(noun) else ""


def is_name(word: str) -> bool:
    """Whether a word can name a variable: Python reserves no such word, and no function has that name."""
    return word.isidentifier() and not keyword.iskeyword(word) and word not in _BUILTINS


def is_quantity(name: str) -> bool:
    """Whether a name is one of a measured quantity, as `height` or `first_term`, not of counted things."""
    return name.rpartition("_")[2] in _QUANTITY_NAMES


def name_of_result(text: str, sentence_start: int, start: int, end: int) -> str:
    """Return what the words around a computation call its result: `the cost is ...`, `... = 5 hours`; "" if nothing."""
    low = max(sentence_start, start - _LOOK)
    has_verb = not _RESULT_VERBS.isdisjoint(text[low:start].replace(":", " ").rsplit(None, 3)[-3:])
    match = _RESULT.search(text, low, start) if has_verb else None
    if match and match["noun"] not in _NO_NAMES:
        return _noun_name(match["kind"], match["noun"])
    if (repeated := _NUMBER.match(text, end)) and text[end - 1] == ">":
        end = repeated.end()  # <<48/2=24>>24 clips
    elif _CLOSED_CLAUSE.search(text, max(start, end - 8), end):
        return ""  # the clause ends within the formula: \[ ... = 2, \] whereas
    after = _AFTER.match(text, end, end + _LOOK)
    return _name_after(after) if after else ""
