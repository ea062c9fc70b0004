"""Tell why a page may not mean a statement that is wrong as it was read.

It supposes, asks about, quotes or rejects the statement, or writes something else with these signs. Weaker signs than
those of posed.py are enough: they say little about a right statement, so only wrong ones are asked for. What posed.py
finds in the sentence itself ("wrong", "mistake") was found before and is not looked for again.
"""

import re
from functools import lru_cache

from stages.translate.reasons import Reason
from stages.translate.symbolic.posed import MAX_SEARCHED, PARAGRAPH, REACH, words_of
from stages.translate.symbolic.spans import Span, may_be_torn

_SUPPOSING = (
    r"\b(?:suppos|pretend|imagin|for the sake of|would\b|wouldn|were (?:it|we|they)\b|had (?:we|you|one|it|they)\b"
    r"|if\b[^.]{0,80}\b(?:were|had)\b|what if\b|otherwise|unless\b|only if\b|in order for\b|requires?\b"
    r"|want\b|guess|try(?:ing)?\b|tried\b|attempts?\b|whether\b)"
)
# "For the length we need 3 + 4 = 7" computes; "we need 3 + 4 = 7" may be a wish.
_NEEDED = r"\A(?!\W*(?:for|to)\b)[^.]*\bneed(?:s|ed)?\b"
_QUOTING = (
    r"\b(?:at first (?:glance|sight)|seems?\b|appears?\b|apparently|allegedly|supposedly|purported|so-called|fake\b"
    r"|joke|paradox|hoax|Orwell|either\b|proof\W* that\b|calculator shows|comment on"
    r"|(?:think|believe|claim|argue|assume|write|say|state|report)s\b|(?:claimed|argued|wrote|said|thought|believed)\b"
    r"|(?:students?|pupils?|kids|children|beginners?|learners?|readers?|people|some(?:one|body)?|nobody|many)\b"
    r"[^.]{0,40}\b(?:think|believe|write|say|claim|answer|compute|get|forget|assume|add|subtract|cancel|make|use|simplify|expand|reduce)s?\b)"
)
_REJECTED = (
    r"(?<!standard )(?<!relative )(?<!percent )(?<!squared )(?<!absolute )\berrors?\b"
    r"|\b(?:slips?\b|blunder|flaw|traps?\b|oops|careless|sloppy|naive|forg[eo]t|ignor|overlook"
    r"|misappl|misus|beware|watch out|avoid|caution|warning|broken\b|breaks\b|fails?\b"
    r"|violat|never\b|contrary\b|forbid|no meaning|do(?:es)? not have\b|do not\b|is not (?:the case|how)\b"
    r"|don['’]t\b|can(?:no|['’])t\b"
    r"|no \w+ (?:in which|where|such that|for which)\b|is not (?:satisfied|met|fulfilled)|left to right|right to left"
    r"|without (?:the )?(?:parenthes|brackets)|errat|previously|earlier|originally|formerly|used to\b|replac|swap\b"
    r"|corrected)|; fixed|\b(?:if necessary|almost:|try again|not quite|different from|saturat|floating)"
)
_PUZZLE = (
    r"\b(?:(?:move|change) (?:a|one|two|exactly)|match ?sticks?|cryptarithm|alphametic|puzzle"
    r"|(?:insert|add|put|place|use)\b[^.]{0,20}\b(?:brackets|parenthes|signs|symbols)"
    r"|make\b[^.]{0,60}\b(?:true|correct|right)\b)"
)
_DOUBT = re.compile("|".join((_SUPPOSING, _NEEDED, _QUOTING, _REJECTED, _PUZZLE)), re.IGNORECASE)
# Signs at a statement that is crossed out or marked as wrong.
_CROSSED = re.compile(
    r"\\(?:lightning|bot|blitza|contradiction|x?cancel|sout|st)(?![A-Za-z])"
    r"|[\u2717\u2718\u274c\u2a2f\u26a1\u22a5\u21af\u203c\u2049]|\?!|!\?|~~|\\square|[\u2610\u25a1\u25a2\u2b1c]|</?(?:del|s|strike)>|\{!\}"
    r"|Rightarrow\s*\\!*\s*\\Leftarrow"
)
# A sentence that rejects the one before it.
_REJECTING = re.compile(
    r"[\s$.)\]\\}*\"'”’|—–-]*(?:(?:but|and|so|yet|clearly|of course|however|hence|well)[ ,]+)?"
    r"(?:(?:this|that|it|which)\b[^.?!]{0,60}\b(?:not|wrong|false|incorrect|untrue|impossible|absurd|nonsense|error"
    r"|mistake|fails?|invalid|cannot|never)\b"
    r"|(?:no|nope|not|false|wrong|incorrect|untrue|contradiction|oops|errors?|answer: (?:false|no)|comment|find"
    r"|try again|where did|what did|is (?:he|she|it|this|that))\b)"
    r"|[^.?!]{0,80}\.?[^.?!]{0,60}(?:\bimpossible|\bcontradict|\babsurd|\bis false)",
    re.IGNORECASE,
)
# Questions and tasks further above whose choices may be wrong.
_TASK = re.compile(
    r"\b(?:which|true or false|T/F|pick|choose|mark|tick|circle|decide|determine|spot|find|fix|correct|identify)\b"
    r"[^.?!]{0,80}\b(?:right|correct|true|wrong|false|holds?|errors?|mistakes?|flaws?|T or F|statements?|equations?"
    r"|following)\b"
    r"|\b(?:wrong|incorrect|bad|false|T/F)\b[ *_]{0,3}:?[^.:\n]*\Z",
    re.IGNORECASE,
)
# A page that gives a usual sign a meaning of its own.
_SIGN = r"\+|\\cdot|\\times|\\div|-|/|·|×|\\ast|\*"
_OWN_SIGN = re.compile(
    rf"[a-zA-Z] ?(?P<sign>{_SIGN}) ?[a-zA-Z]\$? (?:now |here )?"
    r"(?:means|denotes?|stands for|(?:is|be|are) (?:re)?defined)"
    rf"|(?P<bare>{_SIGN})\$? (?:is |be |are )?(?:re)?defined"
)
# From pages 10–15.
_RANGE = re.compile(r"(\d+)–(\d+)\s*[=≈]")
# Words near a statement that say that statements may be false there, as in logic and in systems without solutions.
_MAY_BE_FALSE = re.compile(
    r"\b(?:statements?|propositions?|propositional|negation|implication|truth|vacuous|true|false|wrong|incorrect|mistakes?"
    r"|errors?|typo|contradict\w*|impossible|absurd|inconsistent|no solutions?|refut\w+|disprov\w+|fallac\w+|myth"
    r"|misconceptions?|critique|conjecture|claims?|identify|one correct)\b|\\(?:lnot|neg|vee|lor)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“‘']\s*\Z")
# A false premise: 2 + 2 = 5 -> 1 + 1 = 2.
_IMPLICATION = re.compile(
    r"\\(?:long)?(?:right|Right|leftright|Leftright)arrow|\\to(?![a-z])|\\implies|\\iff|\\land|\\wedge"
)
_STRINGS = re.compile(r"\bas strings\b|\bconcatenat", re.IGNORECASE)
# How far before and behind a formula it may be crossed out.
_BEFORE, _BEHIND = 12, 30
# How far around it words say that it may be false, in characters.
_NEAR = 250


def why_not_meant(text: str, span: Span, sentence: str) -> Reason | None:
    """Return why a page may not mean a wrong statement, None if it does."""
    if _is_doubted(text, span.start, span.end, sentence):
        return Reason.POSED
    if may_be_torn(text, span):
        return Reason.TORN_LINE
    if span.kind == "plain" and (pages := _RANGE.match(text, span.start)) and int(pages[1]) < int(pages[2]):
        return Reason.LIST
    return Reason.OWN_OPERATION if any(sign in span.text for sign in _own_signs(text)) else None


@lru_cache(maxsize=1)
def _own_signs(text: str) -> frozenset[str]:
    return frozenset(match["sign"] or match["bare"] for match in _OWN_SIGN.finditer(text, 0, MAX_SEARCHED))


def _is_doubted(text: str, start: int, end: int, sentence: str) -> bool:
    above, below = text[max(0, start - REACH) : start], PARAGRAPH.split(text[end : end + REACH])[0]
    words = words_of(sentence)
    return bool(
        _DOUBT.search(words)
        or _STRINGS.search(words)
        or _MAY_BE_FALSE.search(words_of(above[-_NEAR:]) + words + below[:_NEAR])
        or _QUOTED.search(above[-3:])
        or _IMPLICATION.search(text, start, end)
        or _CROSSED.search(text[max(0, start - _BEFORE) : end + _BEHIND])
        or _REJECTING.match(below[:200])
        or _TASK.search(words_of(above))
    )
