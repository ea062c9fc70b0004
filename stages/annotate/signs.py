"""Count the signs of mathematics, software and other fields in a text.

A word counts by where it is: an everyday word such as `set` or `point` is a sign of mathematics only in a sentence that
has a formula or a mathematical word. Code, and the parameter lists of reference pages, are set aside first.
"""

import re
from collections import Counter
from dataclasses import dataclass

from stages.annotate.vocabulary import FUNCTION_WORDS, KINDS, Kind

_FIGURE_CODE = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)
_FENCE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
# A section of a reference page that describes an interface, up to the next section.
_INTERFACE = re.compile(
    r"^[ \t]*(?:(?:Other |Keyword )?(?:Parameters|Returns?|Yields|Raises|Warns|Attributes|Methods|Arguments|Args|"
    r"See Also|References|"
    r"Keyword Args|Receives)(?:\n[ \t]*[-=~]{3,}|:[ \t]*$)).*?(?=^[ \t]*\w[\w ]*\n[ \t]*[-=~]{3,}|^(?:Examples?|"
    r"Notes?):|\Z)",
    re.MULTILINE | re.DOTALL,
)
_REFERENCE = re.compile(
    r"^[ \t]*(?:(?:Parameters|Returns|Notes|Examples?|See Also|Attributes|References)\n[ \t]*[-=~]{3,}|(?:Args|"
    r"Returns|Raises):[ \t]*\n|>>> |:param )",
    re.MULTILINE,
)
_EXPLAINS = re.compile(
    r"\b(?:is|are) (?:the|an?|defined|equal|called|said|given|obtained) |\bsatisf(?:y|ies)\b|\bif and only if\b|"
    r"\bsuch that\b"
    r"|\bdenot(?:e|es|ed)\b|[Tt]heorem|:math:`|\.\. math::|\$[^$\n]+\$|[≤≥∑∫√]|\w \*\* ?\d|\w\*\*\d|\^\d|"
    r"^[ \t]{2,}[\w()]+ ?= ?[^\n]*[-+*/]",
    re.MULTILINE,
)
_TAG = re.compile(r"</?[a-z][^<>\n]{0,200}>")
_ADDRESS = re.compile(r"https?://\S+")
_CODE_LINE = re.compile(
    r"^[ \t]*(?:>>> |\.\.\. |In \[\d|def \w+\(|class \w+[:(]|import \w|from [\w.]+ import|return\b(?! of)|"
    r"elif .*:$|if .*:$"
    r"|else:$|for .* in .*:$|while .*:$|with .*:$|try:$|except\b.*:$|#include|#!/|[})\]]+[;,]?$|:(?:param|type|"
    r"rtype|returns?|raises?)\b"
    r"|@\w+|[\w.]+(?:\[[^\]\n]*\])? ?=(?!=) ?[\w.]+[(\[{]|[\w.]+\(.*\)[;:]?$|\$ \w|(?:assert|public|private|"
    r"static|const|let|var|pip|"
    r"git|cmake|sudo|apt|curl|npm|echo|local|export) .*[(=;./-]).*$",
    re.MULTILINE,
)
# Searching is fast where a pattern begins with a set of characters. So these begin with the telling character, and look
# back from there.
# A name as programs write them: snake_case, call(), --option, `code`, path/file.py, key=True, std::name, A1:B9, =SUM(.
_IDENTIFIER = re.compile(
    r"[_(.`=:-](?:(?<=[A-Za-z]{2}_)\w{2,}|(?<=[a-z]{2}\()\)|(?<=\w\.)(?:py|js|java|cpp|hpp|json|ya?ml|html|txt|"
    r"cfg|toml|sh|csv)\b"
    r"|(?<=[a-z]{2}\.)[a-z]\w+\(|(?<=`)[A-Za-z]\w{2,}[^`\n]*`|(?<=\w=)(?:True|False|None)\b|(?<=[a-z]:):\w|"
    r"(?<=\d:)[A-Z]{1,2}\d{1,5}\b|(?<==)[A-Z]{3,}\(|(?<= -)-[a-z]\w+)"
)
# LaTeX commands, formulas between dollars or brackets, mathematical signs, powers, relations and operations of letters.
_FORMULA = re.compile(
    r"[\\$:.∑∫√∞≤≥≠≡∂∈∀∃∪∩⊂∘∎→⇒ℕℤℝℂλεδθφ²³ⁿᵀ¬▲∇^*=<>≈∼+−·×/](?:"
    r"(?<=\\)(?:[dt]?frac|sqrt|sum|o?int|prod|lim|binom|cdot|times|leq?|geq?|pi|alpha|beta|theta|lambda|infty|"
    r"partial|math\w+|"
    r"sin|cos|tan|log|ln|exp|left|begin\{[a-z]*(?:align|equation|matrix|cases|array|gather)|boxed|p?mod|equiv|"
    r"ldots|cdots|in|"
    r"cup|cap|subset\w*|to|mapsto|circ|approx|neq?|pm|angle|triangle|overline|div|det|ker|dim)\b|(?<=\\)[(\[]"
    r"|(?<=\$)(?:\$|(?!\s|[\d,.]+\s+[a-z]{2,})[^$\n]{0,200}?[^$\s]\$(?![\d\w]))|(?<=:)math:`|(?<=\.)\. math::"
    r"|(?<=[∑∫√∞≤≥≠≡∂∈∀∃∪∩⊂∘∎→⇒ℕℤℝℂλεδθφ²³ⁿᵀ¬▲∇])|(?<=\w\^)[\w({-]|(?<=\w\*)\*\w"
    r"|(?<=[=<>≈∼])(?:(?<=\b[A-Za-z].)|(?<=\b[A-Za-z] .)|(?<=\b\d[a-z].)|(?<=\b\d[a-z] .)|(?<=\).)|"
    r"(?<=\) .)) ?[-−(\w]"
    r"|(?<=[+*−·×])(?:(?<=\b[A-Za-z].)|(?<=\b[A-Za-z] .)|(?<=[\d)].)|(?<=[\d)] .)) ?[\d(]*[a-zA-Z]\b"
    r"|(?<=/)(?:(?<=\b[a-hj-vx-z]/)[a-hj-mo-z]\b(?!/)|(?<=[a-z)\d] /) [a-z(]|(?<=\b[a-z]/)[\d(]|(?<=\)/)[\d(\w]))"
)
# A computation with numbers: 3*4 = 12, 45 - 7, 1/2.
_COMPUTATION = re.compile(
    r"\d[)%]? ?(?:[-+*/^×÷·−x]|\*\*|\\times|\\cdot|plus|minus|times) ?[-−$(]?\d[^=\n]{0,40}?(?:(=)|(?=[^\d.,]))"
)
# A statistic as reports of studies state it: F(2, 114) = 6.41, SD = 3.1. It applies mathematics if p is reported too.
_STATISTIC = re.compile(
    r"\b(?:p|r|d|M|SD|SE|[Ft] ?\(\d[\d, .]{0,20}\)|[ηχ]²(?: ?\(\d[\d, .]{0,20}\))?) ?[=<>] ?[-−]?(?:\.\d|\d+\.\d)"
)
_TESTED = re.compile(r"\bp ?[<=>] ?0?\.\d")
_LETTER = re.compile(r"(?<![\w'’.\-])(?<!\d )[b-hj-zB-HJ-Z](?![\w'’&.-]\w|[\w'’:])")
_UNIT = re.compile(
    r"\d ?(?:[µmkcMGnd]?(?:m|g|s|l|L|V|A|W|Hz|N|Pa|J|F|H|mol|bar|dB|K|M?bp)|°C|°F|Ω|kWh|rpm|kcal|ppm|ha|min|"
    r"percent|per cent|million|billion|Ma|‰|basis points)"
    r"(?![\w(])|\d ?%|[$€£]\d"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[a-z][a-z_]+")
_FIGURE = re.compile(r"\d+")
# Three dots leave out terms of a sum.
_SENTENCE_END = re.compile(r"(?<=[.?!;])(?<!\.\.\.)[\"”)*$\]]*\s+|\n\s*\n\s*|\n(?=[ \t]*(?:[-*•>#|(]|\d|[A-Z]|\\item))")


# A report of a study has at least so many statistics.
_STUDY = 4


@dataclass(frozen=True, slots=True)
class Signs:
    """How often a text has each kind of sign, for every 1,000 characters."""

    mathematics: float
    """Formulas, computations and mathematical words."""
    software: float
    code: float
    """The part of `software` that is code and identifiers, not words."""
    applied: float
    """Words and units of fields that apply mathematics."""
    people: float
    numbers: float
    """Numbers in words or figures."""
    computations: float
    function_words: float
    """The share of words that join others to sentences."""


def drop_figures(text: str) -> str:
    """Return a text without the code of its figures."""
    return _FIGURE_CODE.sub("", text) if "[asy]" in text else text


def set_code_aside(text: str) -> str:
    """Return a text without code, addresses and the parameter lists of reference pages."""
    prose = _FENCE.sub("\n", text) if "```" in text else text
    prose = _ADDRESS.sub("", prose) if "://" in prose else prose
    prose = _TAG.sub(" ", prose) if "</" in prose else prose
    return _CODE_LINE.sub("", _INTERFACE.sub("\n", prose))


def split_sentences(prose: str) -> list[str]:
    """Split a text into sentences, lines of lists and cells of tables."""
    return [sentence for sentence in _SENTENCE_END.split(prose) if len(sentence) > 3]


def explains(text: str) -> bool:
    """Tell whether a page of a reference defines or derives something, not only names it."""
    return bool(_EXPLAINS.search(_INTERFACE.sub("\n", text)))


def is_reference(text: str) -> bool:
    """Tell whether a text is a page of the reference of a program."""
    return bool(_REFERENCE.search(text))


def count_signs(text: str, prose: str, sentences: list[str]) -> Signs:
    """Count the signs of a text. A shorter one counts as 400 characters, so that one word decides nothing.

    prose: the text without code; sentences: those of the prose.
    """
    code = len(text) - len(prose)
    mathematics = 0.0
    total: Counter[Kind | None] = Counter()
    joining = figures = computations = 0
    for sentence in sentences:
        words = _WORD.findall(sentence.lower())
        joining += sum(map(FUNCTION_WORDS.__contains__, words))
        kinds = Counter(map(KINDS.get, words))
        total += kinds
        formulas = len(_FORMULA.findall(sentence)) + 0.5 * len(_LETTER.findall(sentence))
        computed = len(_COMPUTATION.findall(sentence))
        computations += computed
        figures += len(_FIGURE.findall(sentence))
        sure = 1.5 * min(formulas, 8) + 1.5 * min(computed, 4)
        sure += 1.3 * kinds[Kind.MATHEMATICAL] + 0.7 * kinds[Kind.NUMERICAL]
        if sure:
            mathematics += sure + (0.5 if sure >= 1 else 0.2) * kinds[Kind.EVERYDAY] + 0.3 * kinds[Kind.REASONING]
    written = 1.5 * len(_IDENTIFIER.findall(prose)) + code / (400 if is_reference(text) else 150)
    software = total[Kind.SOFTWARE] + 0.5 * total[Kind.SIGNATURE] + written
    applied = total[Kind.APPLIED] + 0.7 * len(_UNIT.findall(prose))
    statistics = len(_STATISTIC.findall(prose)) if _TESTED.search(prose) else 0
    if statistics >= _STUDY:
        applied += statistics
        mathematics = max(0.0, mathematics - 2 * statistics)
    scale = 1000 / max(len(text) - 0.7 * code, 400)
    return Signs(
        scale * mathematics,
        scale * software,
        scale * written,
        scale * applied,
        scale * total[Kind.PEOPLE],
        scale * (figures + total[Kind.NUMBER]),
        scale * computations,
        joining / max(sum(total.values()), 1),
    )
