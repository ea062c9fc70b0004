"""Tell problems that are solved from problems that are only posed."""

import re
from dataclasses import dataclass

# Numbers and names of problems. Atomic groups keep the search linear.
_LABEL = (
    r"(?:[A-Z]{0,4}[\d.]{0,12}\d[a-z]?[.):]|\(?[a-z0-9ivx]{1,4}[.):]|[A-Z]{1,2}\d+ ?\||\*\*|"
    r"(?:problem|exercise|question|example|task|step|part|bonus)\b ?(?:\d[\w.]{0,8})? ?[.:)(]*|\(\d+ \w+\))"
)
_REQUEST = re.compile(
    rf"^\W*+(?>(?:{_LABEL}\s*){{0,4}})"
    r"(?:please |also |hence |now |finally,? |in (?:exercises|problems) [\d\W]{1,12}){0,2}"
    r"(?:find|compute|calculate|evaluate|determine|solve|simplify|prove|show (?:that|how)|express|expand|"
    r"factori[sz]e|factor|"
    r"differentiate|integrate|give|decide|classify|describe|sketch|construct|fill|estimate|plot|explain|deduce|"
    r"state|verify|name|list|draw|test|convert|approximate|predict|derive|choose|compare|discuss|diagonali[sz]e|"
    r"investigate|generali[sz]e|work out|write (?:a|down|each|the|as|in)|make [a-z] the|use (?:the|a|an|it) [^.]{3,60} "
    r"to|measure|complete the|is there|how|what|"
    r"which|who|does|do|can|must|where|for which|in how many)\b",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"\b(?:hence|therefore|thus|so|because|since|gives?|yields?|consequently|(?:we|you|i) (?:get|have|find|obtain|"
    r"see|conclude|"
    r"need|are left)|it follows|which is|that is|equals|is equal to|contradict\w*|makes|leaves|must be|has to be|"
    r"cannot be|can't be|that leaves|is impossible|among the other|answer is|by symmetry)\b"
    r"|=\s*[^=]{1,60}=|= ?[-−$]?[\d\\(]|∎|\\square|\\boxed|\\implies|⇒|∴",
)
_REQUEST_INSIDE = re.compile(
    r"[,;:]\s+(?:please |then |and )?(?:find|calculate|compute|determine|evaluate|enter|decide whether|"
    r"explain (?:how|what|why)|how (?:many|much|long|far|old)|"
    r"what (?:is|are|was))\b|\basks (?:which|how|what|for)\b|\bFind\b"
)
_COMPUTED = re.compile(
    r"(?<![\w^_{.])\d[\d,.]*[)}%]?(?: ?(?:[-+*/×÷·−]|\\times|\\cdot) ?| x )[-−$({]?\d[^=^\n]{0,40}= ?[-−$<(]*\d"
    r"|\b(?:plus|minus|times|divided by|(?:half|third|quarter|percent) of) (?:[\w-]+ ){1,3}?(?:is|are|makes?|"
    r"gives?|equals?|leaves?)\b"
)
# A question that opens an explanation; "What is a group?" is no exercise.
_EXPLANATORY = re.compile(r"^\W*(?:[Ww]hy|[Ww]hat (?:is|are) (?:an?\b|the difference)|[Ww]ho\b)")
# A sentence that answers the question before it, and an opening question that the text itself answers.
_ANSWER = re.compile(r"^\W*(?:yes|no|because|not (?:quite|really|at all)|indeed|of course|certainly)\b", re.IGNORECASE)
_OPENING = re.compile(r"^\W*(?:where do(?:es)? .{3,80} come from|why .{3,120}|what makes .{3,80})\?", re.IGNORECASE)
_HEADING = re.compile(r"^(?:\*\*|#+ )[^*\n]*\?")
# An instruction that is carried out at once: "Expand the bracket: ... = ...".
_WORKED = re.compile(r":\s[^?]*=")
_GIVEN = re.compile(r"^\W*(?:\d+[.)]\s*)?(?:let|suppose|given|consider|assume|recall|throughout|hint)\b", re.IGNORECASE)
_SOLUTION = re.compile(
    r"(?:^|[\n.>*_] ?|\d )\W{0,4}(?:(?:worked |model |full )?(?:solutions?|answers?|explanation|ans)\b(?: \d+|"
    r" by \S+| key)?[*_ ]*(?:[.:(]|\n)"
    r"|a:)|\\boxed"
    r"|(?:^|\n)\W*(?:answers?|solutions?|comments?|marking scheme|worked solutions?|"
    r"model answers?)[ ,.][^\n]*(?:\n|$)"
    r"|\b(?:marking scheme|worked example|accepted answer|answer key)\b",
)
_ASKED_FOR_HELP = re.compile(
    r"\b(?:(?:could|can|would) (?:somebody|someone|anyone|anybody|you)\b[^.?]{0,60}(?:help|point|explain|give|"
    r"hint|tell)|does any(?:one|body) know|"
    r"i(?:'m| am) stuck|still stuck|, stuck|stuck on|any (?:hints?|ideas?|help)|what have you tried|\(?0 answers|"
    r"no answers yet|i have tried|"
    r"thanks in advance|don't know how|do not know how)\b",
)
# Looking for one of these words first saves most of the searches.
_SOLUTION_HINTS = ("solution", "answer", "explanation", "ans", "comments", "marking", "worked example", "a:", "boxed")
_HELP_HINTS = (
    "stuck",
    "hint",
    "idea",
    "help",
    "tried",
    "0 answers",
    "no answers",
    "does any",
    "know how",
    "thanks in",
    "point",
)
_ITEM = re.compile(r"^\W{0,4}(?:\d{1,2}|[A-Z]\d{0,2}|[a-z]|[ivx]{1,4})[.)]\W", re.MULTILINE)
_CHOICE = re.compile(r"(?:^|\s)\(?[a-eA-E][.)] ?\S")
_EXERCISES = re.compile(
    r"\A.{0,160}?(?:^|\n)\W*(?:[\w.'-]+[ ,]+){0,3}(?:exercises|homework|problem set|practice (?:problems|set|"
    r"sheet)|quiz|worksheet|hints|examination|exam|paper|test|assignment|"
    r"questions|puzzle corner|contest|olympiad|round)\b[^.\n]{0,40}\n|\[\d+(?: marks?)?\]|\(\d+ (?:points|"
    r"marks)\)|_{4,}|\[ {2,}\]",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Problems:
    """What a text asks and what it works out."""

    requests: int
    """Sentences that ask for something, as questions or in the imperative."""
    steps: int
    """Sentences that compute or conclude."""
    sentences: int
    steps_after: int
    """Steps after the first request that does not merely open an explanation."""
    computed: int
    """Steps that compute a number."""
    solutions: int
    """Headings, or words at the beginning of a line, that announce a solution."""
    asks_for_help: bool
    is_sheet: bool
    """Whether it looks like a sheet of exercises."""
    has_choices: bool
    items: int
    """Numbered lines."""
    opens_with_request: bool
    """Whether one of the first two sentences asks for something."""

    @property
    def are_posed(self) -> bool:
        """Whether problems are posed and not solved."""
        if self.computed >= max(2, 0.3 * self.requests) and not self.asks_for_help:
            return False
        if self.solutions:
            return self.requests > 3 * max(self.steps, self.solutions) + 3
        if self.asks_for_help:
            return self.steps <= 2 * self.requests + 2
        if self.is_sheet or self.has_choices:
            return self.requests >= max(self.steps, 1)
        if self.opens_with_request and self.items >= 4 and self.items > self.sentences / 2:
            # What is asked of all items stands before the first: "Prove or give a counterexample."
            return self.steps < 0.4 * self.items
        if self.items >= 3 and self.requests >= max(3, 0.6 * self.steps):
            return True
        if self.requests > max(1, 1.3 * self.steps):
            return self.requests > 0.28 * self.sentences
        return self.requests == 1 and not self.steps_after and self.sentences <= 4

    @property
    def are_solved(self) -> bool:
        """Whether a problem is posed early and worked out after it."""
        if self.solutions and self.steps:
            return True
        return self.steps_after > 0 and self.requests + self.steps >= max(2, 0.3 * self.sentences)


def find_problems(text: str, sentences: list[str]) -> Problems:
    """Count requests and steps in the sentences of a text."""
    requests = tasks = steps = steps_after = computed = 0
    was_question = opens_with_request = False
    for place, sentence in enumerate(sentences):
        if _HEADING.match(sentence) or (place == 0 and _OPENING.match(sentence)):
            continue
        if was_question and _ANSWER.match(sentence):
            requests -= 1
            steps += 1
        was_question = False
        if _COMPUTED.search(sentence):
            is_step = True
            computed += 1
        elif tasks and _WORKED.search(sentence):
            is_step = True
        elif _REQUEST.match(sentence) or sentence.rstrip(' *_)”"$').endswith("?") or _REQUEST_INSIDE.search(sentence):
            requests += 1
            was_question = True
            opens_with_request |= place < 2
            tasks += not _EXPLANATORY.match(sentence)
            is_step = False
        else:
            is_step = bool(_STEP.search(sentence.lower())) and not _GIVEN.match(sentence)
        steps += is_step
        steps_after += is_step and tasks > 0
    lower = text.lower()
    solutions = len(_SOLUTION.findall(lower)) if _has_any(lower, _SOLUTION_HINTS) else 0
    asks_for_help = _has_any(lower, _HELP_HINTS) and bool(_ASKED_FOR_HELP.search(lower))
    return Problems(
        requests, steps, len(sentences), steps_after, computed, solutions, asks_for_help,
        bool(_EXERCISES.search(lower)), len(_CHOICE.findall(text)) >= 8, len(_ITEM.findall(text)), opens_with_request,
    )  # fmt: skip


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
