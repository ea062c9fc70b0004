"""Measure verify: its speed on numeric pairs, its slowest pairs, and how many changed results it refuses.

python -m bench.verify                  speed and hostile pairs
python -m bench.verify data/verify      also change each verified result in these folders, and count how many pass
"""

import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import math_verify

from bench.table import Row, best_seconds, to_markdown
from mathcode_pile.answers import Checker
from mathcode_pile.core.shards import read_rows

NUMBER = re.compile(r"(?<![\w_^{.])\d+(?:\.\d+)?")


def perturb(stated: str) -> Iterator[tuple[str, str]]:
    """Yield changed versions of a stated result, each with the kind of change: digit, sign, factor, exponent, swap.

    Only the part after the last equals sign is changed, because names come before it. A change that could leave the
    value the same is not made: the sign of zero, the sign in plus or minus, anything in a modulus.
    """
    cut = max(stated.rfind("="), stated.rfind(r"\approx") + 6 if r"\approx" in stated else -1) + 1
    head, value = stated[:cut], stated[cut:]
    numbers = list(NUMBER.finditer(value))
    if not numbers or "mod" in value or "|" in value:
        return
    # The text itself decides which number and digit, so that every run makes the same changes.
    pick = zlib.crc32(stated.encode())
    number = numbers[pick % len(numbers)]
    changes = {
        "digit": _change_digit(number[0], pick // 7),
        "factor": str(int(number[0]) * (2 + pick % 3)) if number[0].isdigit() and int(number[0]) else number[0],
        "exponent": f"{number[0]}^{{2}}" if float(number[0]) not in (0.0, 1.0) else number[0],
    }
    for kind, changed in changes.items():
        after = value[number.end() : number.end() + 1]
        if changed != number[0] and not (kind == "exponent" and after in ("^", "!", "%", "\\", ",", " ", "{")):
            yield kind, head + value[: number.start()] + changed + value[number.end() :]
    if r"\pm" not in value and len(numbers) == 1 and float(number[0]) and not re.search(r"[(\[{^\\,a-z]", value):
        yield "sign", head + (value.replace("-", "", 1) if "-" in value else _with_minus(value))
    pair = re.fullmatch(r"(\s*\$?\s*(?:\\left)?\()([^(),]+),([^(),]+?)((?:\\right)?\)\s*\$?\s*)", value)
    if pair and pair[2].strip() != pair[3].strip():
        yield "swap", f"{head}{pair[1]}{pair[3].strip()}, {pair[2].strip()}{pair[4]}"


def _with_minus(value: str) -> str:
    first = NUMBER.search(value)
    assert first
    return value[: first.start()] + "-" + value[first.start() :]


def _change_digit(number: str, pick: int) -> str:
    places = [i for i, c in enumerate(number) if c.isdigit()]
    place = places[pick % len(places)]
    return number[:place] + str((int(number[place]) + 1 + pick % 8) % 10) + number[place + 1 :]


def count_perturbed(
    pairs: Iterable[tuple[str, str]], checker: Checker
) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Return the changes made, by kind, and those that verify still accepts.

    pairs: stated results and printed outputs that verify accepts unchanged.
    """
    made: Counter[str] = Counter()
    accepted = []
    for stated, printed in pairs:
        for kind, changed in perturb(stated):
            made[kind] += 1
            if checker.compare(changed, printed).verdict == "verified":
                accepted.append((kind, changed, printed))
    return made, accepted


HOSTILE = [
    ("42", "10**10**10"),
    ("10^{10^{10}}", "42"),
    ("42", "factorial(10**9)"),
    ("(10^9)!", "1"),
    ("1" * 100_000, "1"),
    ("1", "1+" * 50_000 + "1"),
    ("1+" * 1_900 + "1", "1901"),
    ("(" * 2_000 + "1" + ")" * 2_000, "1"),
    ("{" * 1_999, "1"),
    (r"\frac{" * 600, "1"),
    (r"\sqrt{" * 500 + "2" + "}" * 500, "1"),
    ("-" * 3_990 + "1", "1"),
    ("2^" * 1_900 + "2", "1"),
    ("((((9^9)^9)^9)^9)^9", "1"),
    ("x^" * 1_000 + "x", "x"),
    (r"\sum_{k=1}^{10^{12}} \sin(k^k)", "1"),
    (r"\int_0^1 \int_0^1 \int_0^1 e^{x^2 y^3 \sin(z x)} \cos(x^y)\,dx\,dy\,dz", "1.1"),
    (r"\lim_{n\to\infty} \left(1+\frac{\sin n}{n}\right)^{n^{n}}", "1"),
    (r"\prod_{k=1}^{10^9} (k^2+1)", "1"),
    (", ".join("1" for _ in range(1_300)), str([1] * 1_300)),
    ("{" + ", ".join(str(i) for i in range(600)) + "}", str(set(range(600)))),
    ("\\begin{pmatrix}" * 200, "1"),
    ("a word " * 560, "1"),
    ("1 " * 1_990, "1"),
]


def make_numeric_pairs() -> list[tuple[str, str]]:
    """Return 10,000 stated results with equal outputs: whole numbers, fractions, decimals, roots, money."""
    pairs = []
    for i in range(1, 2_001):
        pairs += [(f"${i * 37}$", f"{i * 37}"), (f"\\frac{{{i}}}{{7}}", repr(i / 7)), (f"{i / 8:.2f}", repr(i / 8))]
        pairs += [(f"x = {i}\\sqrt{{2}}", repr(i * 2**0.5)), (f"\\${i % 900 + 1},250.50", f"Total: {i % 900 + 1}250.5")]
    return pairs


def compare(megabytes: int = 100) -> list[Row]:
    """Return the row of this benchmark: numeric pairs, compared with math-verify; `megabytes` changes nothing."""
    pairs = make_numeric_pairs()
    some = pairs[:1000]
    with Checker() as checker:
        seconds, verdicts = best_seconds(lambda: Counter(checker.compare(*pair).verdict for pair in pairs))
    other, agreed = best_seconds(lambda: sum(_verify_with_library(*pair) for pair in some), 1)
    note = f"{len(pairs)} pairs, {verdicts['verified']} verified; math-verify: {agreed} of the first {len(some)}"
    return [Row("verify, numeric pairs", len(pairs) / seconds, len(some) / other, "pairs/s", "math-verify", note)]


def _verify_with_library(stated: str, printed: str) -> bool:
    return bool(math_verify.verify(math_verify.parse(f"${stated.strip('$')}$"), math_verify.parse(printed)))


def main(folders: list[Path]) -> None:
    """Print the table, the slowest hostile pairs, and how many changed results of the folders pass."""
    print(to_markdown(compare()))
    with Checker() as checker:
        _measure_hostile(checker)
        for folder in folders:
            pairs = [(row["result"], row["stdout"]) for row in read_rows(folder, ["result", "stdout"])]
            made, accepted = count_perturbed(pairs, checker)
            share = 1 - len(accepted) / max(1, made.total())
            print(f"{folder}: {made.total()} changed results {dict(made)}, refused {share:.4%}")
            for kind, changed, printed in accepted[:20]:
                print(f"  passed: {kind}: {changed!r} against {printed!r}")


def _measure_hostile(checker: Checker) -> None:
    times = []
    for stated, printed in HOSTILE:
        start = time.monotonic()
        verdict = checker.compare(stated, printed)
        times.append((time.monotonic() - start, verdict.verdict, verdict.method, stated[:30], printed[:30]))
    for seconds, *rest in sorted(times, reverse=True)[:6]:
        print(f"  {seconds:7.3f} s  {' | '.join(rest)}")
    verified = sum(t[1] == "verified" for t in times)
    print(f"hostile pairs: {len(times)}, the slowest {max(times)[0]:.2f} s, verified {verified}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
