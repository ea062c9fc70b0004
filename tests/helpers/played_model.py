"""What a model that follows the instructions would answer to the prompts of annotate and translate.

It is only as good as the tests need: it sees mathematics where there are dollar signs, and computes `a + b = c`.
"""

import re

SUM = re.compile(r"(?<![\d.,])(\d+) *(\+|-|\\cdot|\\times) *(\d+) *= *(-?\d+)(?![\d.,]\d)")
SIGNS = {"+": "+", "-": "-", "\\cdot": "*", "\\times": "*"}
BLOCK = """### Computation {number}: Two numbers
**Conditions:** The numbers {first} and {second}
**Expression:** ${text}$
**Result:** {result}
**Code:**
```python
first, second = {first}, {second}
print(first {sign} second)
```
"""


def answer(prompt: str) -> str:
    """Return the reply to a prompt's last turn."""
    is_mathematical = "$" in prompt
    if "Is this text related to mathematics?" in prompt:
        return f"Verdict: {'related' if prompt.count('$') > 12 else 'unrelated'}"
    if "Write the blocks for this text." in prompt:
        return "\n".join(_write_blocks(prompt)) or "There is no computation in this text."
    return f"Type: {1 if is_mathematical else 6}"


def _write_blocks(prompt: str) -> list[str]:
    found = list(SUM.finditer(prompt))[:4]
    return [
        BLOCK.format(
            number=number, first=match[1], second=match[3], sign=SIGNS[match[2]], text=match[0], result=match[4]
        )
        for number, match in enumerate(found, start=1)
    ]
