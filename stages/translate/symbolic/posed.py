"""Tell what a page states from what it poses, supposes or rejects: choices, questions, mistakes that others make.

Not covered: a wrong statement that a page refutes without any of these words.
"""

import re

from stages.translate.reasons import Reason
from stages.translate.symbolic.searching import has_any

# The search for words that concern a whole page ends here.
MAX_SEARCHED = 200_000
# The search for the question that a choice belongs to, and for the end of a proof by contradiction, ends here.
REACH = 600

# These patterns are for texts in lower case.
_DENIED = re.compile(
    r"not true|untrue|\bfalse\b|contradict|impossible|\bincorrect|extraneous|absurd|nonsens|\bwrong|mistak"
    r"|misconception|erroneous|\bfallac|tempt(?:ed|ing)|naively|\bmisread|\bpitfall|counterexample|invalid|bogus"
    r"|students? (?:often|sometimes|may|might|believe|think|write|say|claim)|not equal|careful(?:ly)? not"
    r"|(?:frequent|common|typical|usual) errors?\b"
    r"|(?:\bnot|n['’]t|\bnever|\bcannot) (?:write|say|conclude|claim|infer|mean|imply|confuse|follow)"
    r"|(?:does|do|is|are|was|did|can|could|would|should) ?(?:not|n['’]t) (?:hold|equal|the same|correct|valid|true)"
    r"|(?:one|you|some|people|many) (?:might|may|could|would)? ?(?:think|believe|guess|expect|say|claim|conclude)"
)
# Every match of the pattern above contains one of these; the words of other patterns are before them.
_DENYING = (
    "not", "n't", "n’t", "untrue", "false", "contradict", "impossible", "incorrect", "extraneous", "absurd",
    "nonsens", "wrong", "mistak", "misconcep", "erroneous", "fallac", "tempt", "naively", "misread", "pitfall",
    "counterexample", "invalid", "bogus", "student", "error", "never", "think", "believe", "guess", "expect",
    "say", "claim", "conclude",
)  # fmt: skip
_REJECTING = ("not", "never", "neither", "nor", "rather", "instead", "n't", "n’t", "unlike")
_REJECTED = re.compile(
    r"\b(?:not|never|neither|nor|rather than|instead of|isn['’]t|n['’]t|cannot|unlike)"
    r"(?: that| simply| the| just| be| by)*[\s,:$(\\\[]*\Z"
)
_SUPPOSED_BY = (
    "suppose", "assum", "imagine", "pretend", "if", "unless", "whether", "claim", "say", "wrote", "writes", "answered",
    "got",
)  # fmt: skip
_SUPPOSED = re.compile(
    r"\b(?:suppose|assum(?:e|ing)|imagine|pretend|(?<!only )if|unless|whether|claim(?:s|ed)?|says?|wrote|writes"
    r"|answered|got)"
    r"(?:[ ,]+(?:that|instead|for (?:a )?contradiction|(?:on|to) the contrary|we (?:had|have|can)|true"
    r"|it (?:were|was)))*"
    r"[\s,:$(\\\[]*\Z"
)
_ASKED_BY = (
    " whether", " if", "is it ", "true or false", "find the ", "wrong", "prove or ", "which ", "can you",
)  # fmt: skip
_ASKED = re.compile(
    r"\A\W*(?:\w+\W+){0,4}?(?:determine|decide|check|test|tell|see|find out|state|say|verify|consider|explain|discuss)"
    r" (?:whether|if)\b"
    r"|\bis it (?:true|correct|possible|the case)\b|\btrue or false\b|\bfind the (?:error|mistake)|what(?:'s| is) wrong"
    r"|\b(?:prove|disprove) or (?:disprove|prove)\b|\bwhich (?:one |ones )?of (?:the following|these)\b|\bcan you\b"
)
# The sentence before a formula asks about it, or the one behind it does.
_ASKED_BEFORE = re.compile(r"\b(?:true|correct|valid|right|holds?)\b[^.?!]*\?[\s$\\\[(]*\Z", re.IGNORECASE)
_ASKED_BEHIND = re.compile(
    r"[^?]{0,20}?[.?!$\s]+[A-Z][^.?!]{0,80}\b(?:wrong|right|correct|agree|mistake|true)\b[^.?!]{0,40}\?"
)
_QUESTION = re.compile(r"\?[\s$)\]\\}\"'’*_.]*\Z")
_CHOICE = re.compile(
    r"(?:(?<![A-Za-z0-9])\(?[A-Ea-e1-5i][.)]|\\text(?:bf)?\{\(?[A-E]\)?\}|\\textbf\{\([A-E]\)\s*\})[\s~*]*\$*\\?[\[(]?\Z"
)
_CHOICES_ASKED = re.compile(
    r"\bwhich\b|\bchoose\b|\bselect\b|\btrue or false\b|\b(?:determine|decide) (?:whether|if)\b|\bcorrect\s*\?"
    r"|\bmultiple[- ]choice\b|\bclassify\b|\bT/F\b|\bdoes not\b|\bmatch\b",
    re.IGNORECASE,
)
# A formula that begins its line, below words that say that it may be false.
_LISTED = re.compile(r"\A[\s$*\\\[(\d.a-zA-Z)-]{0,8}\Z")
_STATEMENTS = re.compile(
    r"\btrue or false\b|\bare (?:\w+ )?statements\b|\bof the following\b|\bstatements?[^.]{0,30}:", re.IGNORECASE
)
_SUPPOSING_WORDS = ("suppose", "assum", "imagine", "were true", "by contradiction")
_SUPPOSING = re.compile(r"\b(?:suppose|assume|assuming|imagine|were true|by contradiction)\b", re.IGNORECASE)
_REFUTED = re.compile(r"\bcontradict|\babsurd|\bimpossible|\bnonsense|\breductio\b", re.IGNORECASE)
_FORMULA = re.compile(r"\$[^$]*\$")
PARAGRAPH = re.compile(r"\n\s*\n")


def why_not_stated(text: str, start: int, end: int, sentence: str, before: str) -> Reason | None:
    """Return why a page does not state a formula, None if it does.

    start, end: the place of the formula in the text. before: the sentence up to the formula.
    """
    words, asked, last_words = words_of(sentence).lower(), words_of(before).lower(), before[-120:].lower()
    if has_any(words, _DENYING) and _DENIED.search(words):
        return Reason.DENIED
    if has_any(last_words, _REJECTING) and _REJECTED.search(last_words[-60:]):
        return Reason.DENIED
    if _QUESTION.search(sentence) or text.startswith("??", end):
        return Reason.POSED
    if has_any(asked, _ASKED_BY) and _ASKED.search(asked):
        return Reason.POSED
    if has_any(last_words, _SUPPOSED_BY) and _SUPPOSED.search(last_words):
        return Reason.SUPPOSED
    above = text[max(0, start - REACH) : start]
    is_behind_question = above.rstrip(" \n$\\[(").endswith("?")
    if is_behind_question and _ASKED_BEFORE.search(above):
        return Reason.POSED
    if text.find("?", end, end + REACH) >= 0 and _ASKED_BEHIND.match(_paragraph_behind(text, end)):
        return Reason.POSED
    may_be_choice = above.rstrip(" \t\n~*$\\[(")[-1:] in (".", ")", "}")
    if may_be_choice and _CHOICE.search(above[-30:]):
        below = _paragraph_behind(text, end)
        if _CHOICES_ASKED.search(words_of(above)) or _CHOICES_ASKED.search(words_of(below)):
            return Reason.POSED
    if _LISTED.search(above[above.rfind("\n") + 1 :]) and _STATEMENTS.search(words_of(above)):
        return Reason.POSED
    return Reason.POSED if _is_refuted(text, above, end) else None


def _is_refuted(text: str, above: str, end: int) -> bool:
    """Whether the words before a formula suppose something, and they or those behind it refute it."""
    if not has_any(above.lower(), _SUPPOSING_WORDS):
        return False
    above = PARAGRAPH.split(above)[-1]
    is_supposed = _SUPPOSING.search(above) is not None
    return is_supposed and bool(_REFUTED.search(above) or _REFUTED.search(_paragraph_behind(text, end)))


def _paragraph_behind(text: str, end: int) -> str:
    return PARAGRAPH.split(text[end : end + REACH], 1)[0]


def words_of(text: str) -> str:
    """Return a text without its formulas."""
    return _FORMULA.sub(" ", text) if "$" in text else text
