"""The forms of a page: a lecture note, a forum thread, a solution sheet and other forms found on the web."""

# ruff: noqa: E501 - sentences are kept whole

from collections.abc import Callable

from mathcode_pile.sources.worked_mathematics.voice import Problem, Voice


def lecture_note(v: Voice, problems: list[Problem]) -> str:
    """Write a lecture's hand-out."""
    head = f"# {v.pick('Lecture', 'Notes for week', 'Handout', 'Session')} {v.n(1, 28)}: {problems[0].title}"
    parts = [head, v.pick(*_AIMS)]
    for number, problem in enumerate(problems, 1):
        label = v.pick("Example", "Worked example", "Example")
        parts += [f"**{label} {number}** ({problem.title.lower()}). {problem.question}", *problem.solution]
        if v.rng.random() < 0.35:
            parts.append(v.pick(*_REMARKS))
    return "\n\n".join([*parts, v.pick(*_NEXT)])


def forum_thread(v: Voice, problems: list[Problem]) -> str:
    """Write a forum's question with its answers."""
    asker, helper = v.rng.sample(_HANDLES, 2)
    parts = [f"{problems[0].title}?" if not problems[0].title.endswith("?") else problems[0].title]
    parts.append(f"{asker} {v.pick('wrote', 'asked', 'posted')}: {v.pick(*_TROUBLES)} {problems[0].question}")
    parts.append(f"{helper} {v.pick('replied', 'answered', 'wrote')}: {v.pick(*_HELLOS)}")
    parts += problems[0].solution
    for problem in problems[1:]:
        parts += [
            f"{asker}: {v.pick(*_FOLLOW_UPS)} {problem.question}",
            f"{helper}: {v.pick(*_AGAIN)} {problem.solution[0]}",
            *problem.solution[1:],
        ]
    return "\n\n".join([*parts, f"{asker}: {v.pick(*_THANKS)}"])


def solution_sheet(v: Voice, problems: list[Problem]) -> str:
    """Write the solutions of an exercise sheet."""
    parts = [
        f"{v.pick('Solutions to sheet', 'Exercise sheet', 'Answer key, set', 'Homework')} {v.n(1, 40)}",
        v.pick(*_SHEETS),
    ]
    for number, problem in enumerate(problems, 1):
        points = f" ({v.n(2, 8)} points)" if v.rng.random() < 0.5 else ""
        parts += [
            f"{v.pick('Exercise', 'Problem', 'Task')} {number}{points}. {problem.question}",
            "Solution. " + problem.solution[0],
            *problem.solution[1:],
        ]
    return "\n\n".join(parts)


def blog_post(v: Voice, problems: list[Problem]) -> str:
    """Write a blog post."""
    parts = [f"# {problems[0].title}", v.pick(*_OPENINGS)]
    for problem in problems:
        if problem is not problems[0]:
            parts.append(f"## {problem.title}")
        parts += [problem.question, *problem.solution]
        if v.rng.random() < 0.4:
            parts.append(v.pick(*_REMARKS))
    return "\n\n".join([*parts, v.pick(*_CLOSINGS)])


def questions_and_answers(v: Voice, problems: list[Problem]) -> str:
    """Write a page of frequently asked questions."""
    parts = [
        v.pick(
            "Frequently asked", "Questions our tutors hear every week", "Ask a tutor", "Short questions, short answers"
        ),
        v.pick(*_FAQ),
    ]
    for problem in problems:
        parts += [f"**Q: {problem.question}**", "A: " + problem.solution[0], *problem.solution[1:]]
    return "\n\n".join(parts)


def tutorial(v: Voice, problems: list[Problem]) -> str:
    """Write a tutorial in steps."""
    parts = [f"{v.pick('How to', 'Learn', 'Practice')}: {problems[0].title.lower()}", v.pick(*_TUTORIALS)]
    for problem in problems:
        parts += [f"### {problem.title}", problem.question]
        parts += [
            f"{v.pick('Step', 'Part')} {index}. {paragraph}" for index, paragraph in enumerate(problem.solution, 1)
        ]
    return "\n\n".join([*parts, v.pick(*_EXERCISES)])


def study_diary(v: Voice, problems: list[Problem]) -> str:
    """Write an entry of a learner's diary."""
    day = v.pick("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    parts = [f"{day}, {v.pick('chapter', 'unit', 'module')} {v.n(1, 19)}", v.pick(*_DIARY)]
    for problem in problems:
        parts += [
            f"{v.pick('The task:', 'Next one.', 'Today I tried this:', 'From the book:')} {problem.question}",
            *problem.solution,
        ]
    return "\n\n".join([*parts, v.pick(*_EVENINGS)])


def textbook_section(v: Voice, problems: list[Problem]) -> str:
    """Write a section of a textbook with numbered examples."""
    chapter, section = v.n(1, 14), v.n(1, 9)
    parts = [f"{chapter}.{section} {problems[0].title}", v.pick(*_SECTIONS)]
    for number, problem in enumerate(problems, 1):
        parts += [
            f"EXAMPLE {chapter}.{section}.{number}",
            problem.question,
            f"{v.pick('Solution', 'Worked solution', 'Discussion')}: {problem.solution[0]}",
            *problem.solution[1:],
        ]
    return "\n\n".join([*parts, v.pick(*_REMARKS)])


def exam_review(v: Voice, problems: list[Problem]) -> str:
    """Write a review of an exam."""
    year = v.n(2004, 2024)
    parts = [f"{v.pick('Exam review', 'Mock exam', 'Entrance test', 'Final, annotated')} {year}", v.pick(*_EXAMS)]
    for number, problem in enumerate(problems, 1):
        share = f"{v.n(21, 94)} percent of the candidates had it right." if v.rng.random() < 0.6 else v.pick(*_REMARKS)
        parts += [f"{number}) {problem.title}. {problem.question}", *problem.solution, share]
    return "\n\n".join(parts)


def lesson_dialogue(v: Voice, problems: list[Problem]) -> str:
    """Write a conversation between a tutor and a pupil."""
    tutor, pupil = v.rng.sample(
        ["Ines", "Hiro", "Greta", "Farid", "Mei", "Samir", "Zofia", "Liam", "Beatriz", "Emeka"], 2
    )
    parts = [f"{problems[0].title} ({v.pick('transcript', 'a dialogue', 'from a tutoring session')})"]
    for problem in problems:
        parts.append(f"{tutor}: {v.pick(*_PROMPTS)} {problem.question}")
        for paragraph in problem.solution:
            parts += [f"{pupil}: {paragraph}", f"{tutor}: {v.pick(*_PRAISE)}"]
    return "\n\n".join(parts)


FORMS: list[Callable[[Voice, list[Problem]], str]] = [
    lecture_note, forum_thread, solution_sheet, blog_post, questions_and_answers, tutorial, study_diary, textbook_section, exam_review,
    lesson_dialogue,
]  # fmt: skip

_HANDLES = [
    "pinecone42",
    "matrixfan",
    "lostinalgebra",
    "tangent_tim",
    "quietowl",
    "zeta_lee",
    "sandglass",
    "uphill_both_ways",
    "mod7",
    "nightbus",
    "cassiopeia",
    "oldabacus",
    "redpencil",
    "teapot_r",
    "greenbicycle",
    "halfangle",
]
_AIMS = [
    "The aim today is fluency: nothing new is proved, but every step should be one you could defend at the board.",
    "We collect a few model calculations. Read them with a pencil and cover the right-hand sides first.",
    "Last time we stated the rules; here they are at work on numbers small enough to check.",
    "These examples were asked for after the previous class, so they are written out in more detail than usual.",
    "Prerequisites are the definitions from the reader. Where a step is routine, it is only named.",
    "The method matters more than the figures, but the figures have to be right too.",
    "Each example isolates one idea. Try it before reading the text below it.",
]
_REMARKS = [
    "Notice that nothing here depended on the particular numbers.",
    "It pays to estimate the size of the answer before calculating; a slip then shows at once.",
    "A common slip at this point is to lose a sign, so go over it a second time.",
    "If you prefer another route, compare the effort: usually they come to the same.",
    "There is a shorter way, but it hides why the method works.",
    "Keep fractions as long as you can and turn to decimals only at the end.",
    "Readers who know the general formula may skip this, though it does no harm to see it once with numbers.",
    "Whoever finds this too easy can replace the numbers by letters.",
    "Write the units next to the quantities and half of all mistakes disappear.",
    "The order of the steps is a matter of taste.",
]
_NEXT = [
    "Next time we turn to the general case.", "Further exercises of this kind are in the reader.", "Bring your own attempts to the tutorial.",
    "The proof of the rule used here follows in the next chapter.", "Please report misprints after class.",
    "What remains open is how these steps look when a parameter enters.", "For homework, invent a similar example and solve it.",
]  # fmt: skip
_TROUBLES = [
    "I have been staring at this for an hour.", "My book only gives the final answer, not the way.", "Sorry if this is too simple.",
    "This came up while I was helping my daughter.", "I get a different result every time I try.", "Could somebody check my reasoning?",
    "Preparing for a test next week and stuck here.", "I know the rule but not how to apply it.", "Our teacher skipped the middle part.",
    "Found this in an old notebook of mine.",
]  # fmt: skip
_HELLOS = [
    "Let me write it out slowly.", "This is a nice one, and shorter than it looks.", "You were probably close already.", "No need to apologise, it trips up many people.",
    "Here is how I would do it on paper.", "One thing at a time.", "I would begin with a picture, but the calculation alone will do.", "Take a deep breath; it is two lines.",
]  # fmt: skip
_FOLLOW_UPS = [
    "That helped a lot. There is a second part:", "Great, and how about this one?", "While you are here:", "One more, from the same page:",
    "Then I must have misunderstood another thing.", "The next exercise looks different though.", "Now my friend asks:",
]  # fmt: skip
_AGAIN = [
    "Same spirit, other tools.",
    "Fine, let us see.",
    "This one needs a little more care.",
    "Here you go.",
    "Happily.",
    "A different topic, but all right.",
]
_THANKS = [
    "Thank you, now I see where I went astray.", "Perfect, marked as solved.", "Oh, that simple. Thanks!", "I will try the rest on my own.",
    "Makes sense now, much obliged.", "Brilliant, my test can come.", "Thanks, I had forgotten that step entirely.",
]  # fmt: skip
_SHEETS = [
    "Full marks require the reasoning and not only the number.", "Partial credit is given for every correct intermediate step.",
    "Compare with your own solutions; other ways are just as welcome.", "Calculators were not allowed.",
    "The tasks are independent of one another and roughly in order of difficulty.", "Please hand corrections in by the end of the month.",
    "These model answers are deliberately verbose.",
]  # fmt: skip
_OPENINGS = [
    "A reader sent me a letter with a question that I used to get wrong myself.", "On the train this morning I overheard two pupils argue about the following.",
    "I like small calculations. They are like stretching before a run.", "It has been a while since the last post, so here is something short and concrete.",
    "Everybody learns this at school, and nearly everybody forgets it again.", "While clearing out the attic I came upon my old exercise books.",
    "Some problems are worth doing twice: once quickly and once properly.", "Coffee, a pencil and the back of an envelope are all we need today.",
    "This post is for the student who asked after the evening course.", "People tell me that they are no good with numbers. I do not believe them.",
]  # fmt: skip
_CLOSINGS = [
    "That is all for today. Comments are open.", "If you spot a mistake, write to me and I shall correct it.", "More of this next week, when it gets a little wilder.",
    "Try it with numbers of your own, it is oddly soothing.", "I still find it pleasing how neatly it comes out.", "Now back to the garden.",
    "Until next time, keep your pencils sharp.", "Somebody should put this on a tea towel.",
]  # fmt: skip
_FAQ = [
    "The answers below have been collected over several terms.", "We keep this list short; for longer explanations come to the office hours.",
    "If your question is missing, drop it into the box by the library.", "Newest questions come first.", "Answers were checked by two tutors.",
]  # fmt: skip
_TUTORIALS = [
    "You need nothing but paper for this lesson.", "This lesson takes about ten minutes.", "We go in small steps, and each can be tried on its own.",
    "By the end you will be able to do such tasks without looking anything up.", "Level: intermediate. Material: none.", "Skip ahead if the first steps bore you.",
]  # fmt: skip
_EXERCISES = [
    "Now change one number and do it again.", "Your turn: make up a variant and swap it with a neighbour.", "When this feels easy, move on to the next lesson.",
    "Repeat tomorrow; that is how it stays.", "Check yourself by working backwards from the result.",
]  # fmt: skip
_DIARY = [
    "Slept badly, but the exercises went well.", "Only half an hour today because of the dentist.", "I promised myself to write down every step, so here goes.",
    "Library was closed, worked in the kitchen.", "Goal for today: no calculator.", "The chapter finally starts to make sense.", "Met the study group, we split up the tasks.",
]  # fmt: skip
_EVENINGS = [
    "Tomorrow the same with harder numbers.", "Enough for today.", "Feeling better about the exam already.", "To do: ask about the general formula.",
    "Good session, three pages filled.", "I should sleep more and worry less.", "Note to self: check the signs twice.",
]  # fmt: skip
_SECTIONS = [
    "The examples in this section prepare the exercises at its end.", "Before stating the general result we look at particular cases.",
    "Students often know the rule and still hesitate to use it; practice is the only cure.", "We recall the rule informally and apply it at once.",
    "The reader is advised to attempt each example before reading on.", "None of the following needs more than the previous section.",
]  # fmt: skip
_EXAMS = [
    "The paper was on the whole well done, with the usual slips.", "Time allowed: ninety minutes. The comments are those of the examiners.",
    "This year the marks were higher than before.", "We publish the questions together with model solutions.", "No aids other than a ruler were permitted.",
    "Candidates who showed their working did best.",
]  # fmt: skip
_PROMPTS = [
    "Ready? Here is one.",
    "Let us try something.",
    "Tell me how you would begin.",
    "Next.",
    "What about this?",
    "Think aloud, please.",
    "Take your time with this.",
]
_PRAISE = [
    "Good.",
    "Yes, go on.",
    "Exactly what I would have done.",
    "Careful, but fine.",
    "And why is that allowed? Think about it at home.",
    "Nicely put.",
    "Right, and then?",
    "I agree.",
]
