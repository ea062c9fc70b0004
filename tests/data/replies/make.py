# ruff: noqa: E501 - a reply reads best on its own lines, not cut up
"""Write replies.jsonl: computations in the forms that models write them in, each with its label.

The forms and the odd replies are written by hand; every form is filled with several computations.
Run from the repository root: python tests/data/replies/make.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

# title, conditions, expression, result, code
COMPUTATIONS: list[tuple[str, str, str, str, str]] = [
    (
        "Area of a triangle",
        "The base is 6 and the height is 4.",
        r"\frac{1}{2} \cdot 6 \cdot 4",
        "12",
        "base, height = 6, 4\nprint(base * height / 2)",
    ),
    (
        "Sum of the first hundred integers",
        "n = 100",
        r"\sum_{k=1}^{100} k = \frac{100 \cdot 101}{2}",
        "5050",
        "print(sum(range(1, 101)))",
    ),
    ("Greatest common divisor", "a = 84\nb = 36", r"\gcd(84, 36)", "12", "import math\n\nprint(math.gcd(84, 36))"),
    (
        "Derivative at a point",
        "f(x) = x^3 - 2x\nx = 2",
        r"f'(2) = 3 \cdot 2^2 - 2",
        "10",
        "from sympy import diff, symbols\n\nx = symbols('x')\nprint(diff(x**3 - 2*x, x).subs(x, 2))",
    ),
    (
        "Definite integral",
        "The function is x^2 on [0, 3].",
        r"\int_0^3 x^2 \, dx",
        "9",
        'from sympy import integrate, symbols\n\nx = symbols("x")\nprint(integrate(x**2, (x, 0, 3)))',
    ),
    (
        "Roots of a quadratic",
        "x^2 - 5x + 6 = 0",
        r"x = \frac{5 \pm \sqrt{25 - 24}}{2}",
        "[2, 3]",
        "from sympy import solve, symbols\n\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6, x))",
    ),
    (
        "Probability of two heads",
        "A fair coin is tossed twice; tosses are independent.",
        r"\frac{1}{2} \times \frac{1}{2}",
        r"\frac{1}{4}",
        "from fractions import Fraction\n\nprint(Fraction(1, 2) ** 2)",
    ),
    (
        "Compound interest",
        "Principal of $1000 at 5% for 2 years",
        r"1000 (1 + 0.05)^2",
        "1102.5",
        "principal = 1000  # dollars\nprint(principal * 1.05**2)",
    ),
    (
        "Determinant",
        "A = [[1, 2], [3, 4]]",
        r"\det \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        "-2",
        "from sympy import Matrix\n\nprint(Matrix([[1, 2], [3, 4]]).det())",
    ),
    ("Power modulo a prime", "Base 3, exponent 20, modulus 7", r"3^{20} \bmod 7", "2", "print(pow(3, 20, 7))"),
    (
        "Binomial coefficient",
        "Choose 3 of 10 people",
        r"\binom{10}{3}",
        "120",
        "from math import comb\n\nprint(comb(10, 3))",
    ),
    (
        "Limit",
        "x tends to 0",
        r"\lim_{x \to 0} \frac{\sin x}{x}",
        "1",
        "from sympy import limit, sin, symbols\n\nx = symbols('x')\nresult = limit(sin(x) / x, x, 0)\nprint(result)",
    ),
]


def _parts(at: int) -> dict[str, str]:
    return dict(zip(("title", "conditions", "expression", "result", "code"), COMPUTATIONS[at % 12], strict=True))


Reply = tuple[str, dict[str, Any]]
FORMS: list[Callable[[int], Reply]] = []


def _label(*blocks: dict[str, str], cut: bool = False, **reasons: int) -> dict[str, Any]:
    return {"blocks": list(blocks), "cut": cut, "reasons": reasons}


def form(count: int = 1, title: bool = True) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Register a form that shows `count` computations, one after another."""

    def register(write: Callable[..., str]) -> Callable[..., str]:
        def make(at: int) -> Reply:
            blocks = [_parts(at + 5 * i) for i in range(count)]
            label = [b if title else b | {"title": ""} for b in blocks]
            return write(*blocks), _label(*label)

        FORMS.append(make)
        return write

    return register


def fence(code: str, name: str = "python", mark: str = "```") -> str:
    return f"{mark}{name}\n{code}\n{mark}"


@form(2)
def as_asked(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"### Computation {i}: {b['title']}\n**Conditions:** {b['conditions']}\n**Expression:** ${b['expression']}$\n"
        f"**Result:** {b['result']}\n**Code:**\n{fence(b['code'])}"
        for i, b in enumerate(blocks, 1)
    )


@form(3, title=False)
def published(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"Conditions Needed:\n{b['conditions']}\n\nComputation Expression:\n\\[ {b['expression']} \\]\n\n"
        f"Computation Result:\n{b['result']}\n\nPython Code Snippet:\n{fence(b['code'])}"
        for b in blocks
    )


@form(2, title=False)
def published_in_bold(*blocks: dict[str, str]) -> str:
    return "Here are the computations in the text.\n\n" + "\n\n".join(
        f"**Conditions Needed:**\n{b['conditions']}\n\n**Computation Expression:**\n${b['expression']}$\n\n"
        f"**Computation Result:**\n{b['result']}\n\n**Python Code Snippet:**\n\n{fence(b['code'])}"
        for b in blocks
    )


@form(2, title=False)
def numbered_in_bold(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"1. **Conditions Needed**: {b['conditions']}\n2. **Computation Expression**: ${b['expression']}$\n"
        f"3. **Computation Result**: {b['result']}\n4. **Python Code Snippet**:\n{fence(b['code'])}"
        for b in blocks
    )


@form(1, title=False)
def numbered_plain(b: dict[str, str]) -> str:
    return (
        f"1) Conditions: {b['conditions']}\n2) Expression: {b['expression']}\n3) Result: {b['result']}\n"
        f"4) Code:\n{fence(b['code'], 'py')}\n"
    )


@form(2, title=False)
def upper_case(*blocks: dict[str, str]) -> str:
    return "\n---\n".join(
        f"CONDITIONS: {b['conditions']}\nEXPRESSION: $${b['expression']}$$\nRESULT: {b['result']}\nCODE:\n{fence(b['code'], '')}"
        for b in blocks
    )


@form(1, title=False)
def lower_case(b: dict[str, str]) -> str:
    return (
        f"conditions needed: {b['conditions']}\nexpression: {b['expression']}\nresult: {b['result']}\n"
        f"python code:\n{fence(b['code'], 'python3')}"
    )


@form(2)
def hashed_headers(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"## {b['title']}\n\n### Conditions\n{b['conditions']}\n\n### Expression\n$${b['expression']}$$\n\n### Result\n"
        f"{b['result']}\n\n### Code\n{fence(b['code'])}"
        for b in blocks
    )


@form(2)
def bold_titles(*blocks: dict[str, str]) -> str:
    return "Sure! Below is each of them.\n\n" + "\n\n".join(
        f"**{i}. {b['title']}**\n\n**Conditions**: {b['conditions']}\n\n**Expression**: ${b['expression']}$\n\n"
        f"**Result**: ${b['result']}$\n\n**Code**:\n{fence(b['code'])}"
        for i, b in enumerate(blocks, 1)
    )


@form(1)
def all_inside_the_stars(b: dict[str, str]) -> str:
    return (
        f"**Computation 1: {b['title']}**\n**Conditions: {b['conditions'].splitlines()[0]}**\n"
        + "".join(line + "\n" for line in b["conditions"].splitlines()[1:])
        + f"**Expression: ${b['expression']}$**\n**Result: {b['result']}**\n**Code:**\n{fence(b['code'])}"
    )


@form(2)
def windows_line_ends(*blocks: dict[str, str]) -> str:
    return as_asked(*blocks).replace("\n", "\r\n")


@form(2)
def tildes(*blocks: dict[str, str]) -> str:
    return as_asked(*blocks).replace("```", "~~~")


@form(1)
def missing_last_fence(b: dict[str, str]) -> str:
    return as_asked(b).removesuffix("\n```")


@form(3)
def missing_fences_between(*blocks: dict[str, str]) -> str:
    return "\n\n".join(as_asked(b).removesuffix("\n```") for b in blocks[:-1]) + "\n\n" + as_asked(blocks[-1])


@form(2)
def whole_in_a_markdown_fence(*blocks: dict[str, str]) -> str:
    return "```markdown\n" + as_asked(*blocks) + "\n```"


@form(1)
def whole_in_four_backticks(b: dict[str, str]) -> str:
    return "````\n" + as_asked(b) + "\n````"


@form(2, title=False)
def one_long_line(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"Let us see. Conditions Needed: {b['conditions']}\n**Computation Expression:** ${b['expression']}$ **Computation Result:** {b['result']} **Python Code Snippet:**\n{fence(b['code'])}"
        for b in blocks
    )


@form(2, title=False)
def bulleted(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"* **Conditions:** {b['conditions']}\n* **Expression:** \\({b['expression']}\\)\n* **Result:** {b['result']}\n"
        f"* **Code:**\n\n" + "\n".join("  " + line for line in fence(b["code"]).split("\n"))
        for b in blocks
    )


@form(1, title=False)
def quoted(b: dict[str, str]) -> str:
    text = f"**Conditions:** {b['conditions'].splitlines()[0]}\n**Expression:** ${b['expression']}$\n**Result:** {b['result']}\n**Code:**"
    more = "".join(f"\n> {line}" for line in ())
    lines = text.split("\n")
    lines[1:1] = b["conditions"].splitlines()[1:]
    return "\n".join("> " + line for line in [*lines, *fence(b["code"]).split("\n")]) + more


@form(2, title=False)
def underscored(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"__Conditions__: {b['conditions']}\n\n__Expression__: {b['expression']}\n\n__Result__: {b['result']}\n\n"
        f"__Python Code__:\n{fence(b['code'], 'Python')}"
        for b in blocks
    )


@form(1)
def talkative(b: dict[str, str]) -> str:
    return (
        "Certainly. I went through the text, and there is a single computation that can be checked.\n\n"
        f"### Computation 1: {b['title']}\n\n**Conditions:**\n\n{b['conditions']}\n\n**Expression:**\n\n\\[\n{b['expression']}\n\\]\n\n"
        f"**Result:**\n\n{b['result']}\n\nThis is the value that the text states.\n\n**Code:**\n\n{fence(b['code'])}\n\n"
        "Running this program prints the value above. Let me know if you need anything else!"
    )


@form(2)
def with_output(*blocks: dict[str, str]) -> str:
    return "\n\n".join(f"{as_asked(b)}\n\nOutput:\n```\n{b['result']}\n```" for b in blocks)


@form(2)
def with_named_output(*blocks: dict[str, str]) -> str:
    return "\n\n".join(f"{as_asked(b)}\n\nThis prints\n\n```text\n{b['result']}\n```\n" for b in blocks)


@form(1, title=False)
def expression_in_a_fence(b: dict[str, str]) -> str:
    return (
        f"**Conditions:** {b['conditions']}\n\n**Expression:**\n```latex\n{b['expression']}\n```\n\n**Result:** {b['result']}\n\n"
        f"**Code:**\n{fence(b['code'])}"
    )


@form(1, title=False)
def expression_in_a_bare_fence(b: dict[str, str]) -> str:
    return (
        f"Conditions: {b['conditions']}\nExpression:\n```\n{b['expression']}\n```\nResult:\n```\n{b['result']}\n```\n"
        f"Code:\n```\n{b['code']}\n```\n"
    )


@form(2, title=False)
def fence_on_the_header_line(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"Conditions: {b['conditions']}\nExpression: ${b['expression']}$\nResult: {b['result']}\nCode: ```python\n{b['code']}\n```"
        for b in blocks
    )


@form(1, title=False)
def no_header_before_the_code(b: dict[str, str]) -> str:
    return (
        f"**Conditions Needed:** {b['conditions']}\n**Computation Expression:** ${b['expression']}$\n"
        f"**Computation Result:** {b['result']}\n\n{fence(b['code'])}"
    )


@form(1, title=False)
def result_after_the_code(b: dict[str, str]) -> str:
    return f"Conditions: {b['conditions']}\nExpression: {b['expression']}\nCode:\n{fence(b['code'])}\nResult: {b['result']}\n"


@form(2)
def doubled_fence(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        as_asked(b | {"code": "X"}).replace("```python\nX\n```", f"```\n```python\n{b['code']}\n```\n```")
        for b in blocks
    )


@form(2, title=False)
def parenthesised(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"**Conditions (given):** {b['conditions']}\n**Expression (LaTeX):** ${b['expression']}$\n**Result (stated):** {b['result']}\n"
        f"**Code (Python):**\n{fence(b['code'])}"
        for b in blocks
    )


@form(2, title=False)
def lettered(*blocks: dict[str, str]) -> str:
    return "\n\n".join(
        f"(a) Conditions: {b['conditions']}\n(b) Expression: ${b['expression']}$\n(c) Result: {b['result']}\n(d) Code:\n{fence(b['code'])}"
        for b in blocks
    )


@form(1)
def wide_colons(b: dict[str, str]) -> str:
    return (
        f"**Computation 1**：{b['title']}\n**Conditions**：{b['conditions']}\n**Expression**：${b['expression']}$\n"
        f"**Result**：{b['result']}\n**Code**：\n{fence(b['code'])}"
    )


def _odd() -> list[Reply]:
    """Replies of which only a part, or nothing, can be used."""
    replies: list[Reply] = []
    for at in range(8):
        a, b = _parts(at), _parts(at + 5)
        whole, other = as_asked(a), as_asked(b).replace("Computation 1", "Computation 2")
        code = other.index("```python")
        replies += [
            (f"{whole}\n\n{other[: code + 12]}", _label(a, cut=True, cut_off=1)),  # within the code
            (f"{whole}\n\n{other[: code + 6]}", _label(a, cut=True, cut_off=1)),  # within the fence
            (f"{whole}\n\n{other[: other.index('**Result')]}", _label(a, cut=True, cut_off=1)),  # before the result
            (whole, _label(a, cut=True)),  # exactly at the end
            (f"{whole}\n\n{other.replace('**Result:** ' + b['result'], '')}", _label(a, no_result=1)),
            (f"{other[:code]}\n\n{whole}".replace("### Computation 1", "### Computation 2", 1), _label(a, no_code=1)),
        ]
    for text in ["", "  \n\n "]:
        replies.append((text, _label(empty_reply=1)))
    for text in [
        "None",
        "**None.**",
        "NO COMPUTATION",
        "There are no computations in this text.",
        "The passage has no verifiable computations; it describes a concept.",
    ]:
        replies.append((text, _label(no_computation=1)))
    for text in [
        "I'm sorry, I cannot help with that.",
        "The text explains groups and rings.",
        "```",
        "### ###",
        "$$$$",
        "As a result: we see that the sequence converges.",
        "The answer: it depends on the field.",
    ]:
        replies.append((text, _label(unparsed_reply=1)))
    nested = 'text = """\n```python\nprint(1)\n```\n"""\nprint(len(text))'
    block = _parts(0) | {"code": nested, "title": "A program in a program"}
    replies.append((as_asked(block), _label(block)))
    comment = "## Result: what the text states\n# Code: see above\nprint(6 * 7)"
    block = _parts(3) | {"code": comment, "title": "Comments that look like headers"}
    replies.append((as_asked(block), _label(block)))
    block = _parts(2) | {"code": "print(6 * 7)", "title": ""}
    text = f"Conditions: {block['conditions']}\nExpression: {block['expression']}\nResult: {block['result']}\n"
    replies.append((text + "Code: `print(6 * 7)`", _label(block)))
    replies.append((text + "Code:\nprint(6 * 7)", _label(block)))
    return replies


def main() -> None:
    """Write replies.jsonl beside this file."""
    replies = [make(at + 3 * i) for i, make in enumerate(FORMS) for at in range(6)] + _odd()
    lines = [json.dumps({"reply": reply} | label, ensure_ascii=False) for reply, label in replies]
    Path(__file__).with_name("replies.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} replies, {sum(len(label['blocks']) for _, label in replies)} blocks")


if __name__ == "__main__":
    main()
