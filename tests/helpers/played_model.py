"""What a model that follows the instructions would answer to the prompts of annotate and translate.

It is only as good as the tests need: it sees mathematics where there are dollar signs, and computes what is written as
numbers with signs between them, such as `3 \\cdot 4 + 5 = 17`.
"""

import re

NUMBER = r"\d+(?:\.\d+)?"
SIGN = r"(?:\+|-|\\cdot|\\times)"
# Two signs at the least: translate leaves smaller computations out.
COMPUTATION = re.compile(
    rf"(?<![\w.,}})^-])(?<!\w )({NUMBER}(?: *{SIGN} *{NUMBER}){{2,5}}) *= *(-?{NUMBER})(?![\w.,]*\d)"
)
BLOCK = """### Computation {number}: A sum of products
**Conditions:** The numbers {names}
**Expression:** ${text}$
**Result:** {result}
**Code:**
```python
{given}
print({expression})
```
"""


def answer(prompt: str) -> str:
    """Return the reply to a prompt's last turn."""
    if "Write the blocks for this text." in prompt:
        return "\n".join(_write_blocks(prompt)) or "There is no computation in this text."
    return f'{{"type": "{"solved" if "$" in prompt else "prose"}"}}'


def _write_blocks(prompt: str) -> list[str]:
    found = list(COMPUTATION.finditer(prompt))[:4]
    return [_write_block(number, match[1], match[2]) for number, match in enumerate(found, start=1)]


def _write_block(number: int, computation: str, result: str) -> str:
    values = re.findall(NUMBER, computation)
    signs = ["*" if sign.startswith("\\") else sign for sign in re.findall(SIGN, computation)]
    names = [f"value_{place}" for place in range(len(values))]
    expression = names[0] + "".join(f" {sign} {name}" for sign, name in zip(signs, names[1:], strict=True))
    given = "\n".join(f"{name} = {value}" for name, value in zip(names, values, strict=True))
    text = f"{computation} = {result}"
    return BLOCK.format(
        number=number, names=", ".join(values), text=text, result=result, given=given, expression=expression
    )
