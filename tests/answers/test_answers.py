"""What a stated result and a printed output mean, and whether they agree."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.verify import HOSTILE, count_perturbed
from mathcode_pile.answers import Checker, compare_by_paper, last_box
from mathcode_pile.answers.judge import NeedsSymbolsError, judge
from stages.verify.stage import read_labelled

PAIRS = read_labelled()

# Wrong pairs, each of which upstream's check accepts.
UPSTREAM_ACCEPTS = [
    ("$42$", "7"),
    ("1/2", "0.7"),
    ("1,000", "5"),
    ("42 cm", "1"),
    ("42", ""),
    ("5", "nan"),
    ("0.001", "0.009"),
    (r"\frac{3}{4}", "Traceback"),
]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker(timeout_s=10) as one:
        yield one


@pytest.mark.parametrize(("stated", "printed"), UPSTREAM_ACCEPTS)
def test_what_upstream_wrongly_accepts_is_not_verified(stated: str, printed: str, checker: Checker) -> None:
    assert checker.compare(stated, printed).verdict != "verified"
    assert compare_by_paper(stated, printed).verdict == "verified"


def test_labelled_pairs_are_at_least_1000_in_equal_parts() -> None:
    labels = Counter(pair["label"] for pair in PAIRS)
    assert labels.total() >= 1000
    assert set(labels) == {"right", "wrong", "uncheckable"}
    assert len(set(labels.values())) == 1
    assert len({(pair["stated"], pair["printed"]) for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize("stated", [r"\ln b", "x", "b^2", "x + C", r"\begin{pmatrix}a\\b\end{pmatrix}", "y = 2x"])
@pytest.mark.parametrize("printed", ["oo", "-oo", "zoo", "Eq(y, oo)", "Matrix([[oo], [oo]])"])
def test_a_formula_with_letters_is_never_infinity(stated: str, printed: str, checker: Checker) -> None:
    assert checker.compare(stated, printed).verdict != "verified"


def test_false_accepts_and_rejects_stay_within_their_bounds(checker: Checker) -> None:
    verdicts = [(checker.compare(p["stated"], p["printed"]).verdict, p["label"]) for p in PAIRS]
    bad = [verdict for verdict, label in verdicts if label != "right"]
    right = [verdict for verdict, label in verdicts if label == "right"]
    assert bad.count("verified") == 0
    assert 1 - right.count("verified") / len(right) <= 0.01


def test_a_wrong_pair_is_nearly_always_called_contradicted(checker: Checker) -> None:
    wrong = [checker.compare(p["stated"], p["printed"]).verdict for p in PAIRS if p["label"] == "wrong"]
    assert wrong.count("contradicted") / len(wrong) >= 0.95


def test_a_changed_result_is_no_longer_verified(checker: Checker) -> None:
    pairs = [(p["stated"], p["printed"]) for p in PAIRS if p["label"] == "right"]
    made, accepted = count_perturbed(pairs, checker)
    assert set(made) == {"digit", "sign", "factor", "exponent", "swap"}
    assert made.total() > 400
    assert 1 - len(accepted) / made.total() >= 0.995, accepted


@pytest.mark.parametrize(
    ("stated", "printed", "verdict"),
    [
        ("3.14", "3.14159", "verified"),
        ("3.1416", "3.14159265", "verified"),
        ("3.1416", "3.14", "uncheckable"),
        ("3.15", "3.14159", "contradicted"),
        ("2.5", "2.5000001", "verified"),
        ("2.50", "2.51", "contradicted"),
        ("0.13", "0.125", "verified"),
        ("0.12", "0.125", "verified"),
        ("0.12", "0.1251", "contradicted"),
        (r"6.0 \times 10^{3}", "6041.0", "verified"),
        (r"6.0 \times 10^{3}", "6051.0", "contradicted"),
        ("1/3", "0.333333333", "verified"),
        ("1/3", "0.3333", "uncheckable"),
        ("5", "5.4", "contradicted"),
        (r"33\%", "33.333333%", "uncheckable"),
        (r"33\%", "33.6%", "contradicted"),
        (r"\approx 5", "5.4", "verified"),
        ("12345678901234567890123", "1.2345678901234568e+22", "uncheckable"),
    ],
)
def test_rounding_is_judged_by_the_digits_stated(stated: str, printed: str, verdict: str) -> None:
    assert judge(stated, printed).verdict == verdict


@pytest.mark.parametrize(
    ("stated", "printed", "method"),
    [
        ("42", "42", "numeric"),
        (r"\{1, 2\}", "{2, 1}", "set"),
        ("[0, 1)", "Interval.Ropen(0, 1)", "interval"),
        ("(1, 2)", "(1, 2)", "tuple"),
        (r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}", "[[1 0]\n [0 1]]", "matrix"),
        ("x^2 - 1", "(x - 1)*(x + 1)", "symbolic"),
        ("x + y = 3", "Eq(y, 3 - x)", "equation"),
        (r"5.2 \pm 0.1", "5.2 +/- 0.1", "uncertainty"),
        ("Yes", "True", "boolean"),
        (r"\text{Tuesday}", "tuesday", "text"),
    ],
)
def test_the_verdict_names_its_method(stated: str, printed: str, method: str) -> None:
    assert judge(stated, printed)[:2] == ("verified", method)


def test_both_values_are_shown_as_understood() -> None:
    found = judge(r"$\boxed{1{,}234.50}$ dollars", "Total: $1234.5")
    assert (found.stated, found.printed) == ("1234.50", "Total = 1234.5 dollar")


@pytest.mark.parametrize("unit", ["1400 m", "1.4 km"])
def test_a_conversion_does_not_widen_the_rounding(unit: str) -> None:
    assert judge("1 km", unit).verdict != "verified"
    assert judge("1.4 km", unit).verdict == "verified"


def test_a_constant_of_integration_needs_a_formula_beside_it() -> None:
    assert judge("x^2 + C", "x**2").verdict == "verified"
    for printed in ("5", "x**2*y", "2*x**2"):
        assert judge("5 + C", printed).verdict != "verified"
    assert judge("2k + 2", "24").verdict != "verified"


def test_an_integral_is_computed_by_computer_algebra(checker: Checker) -> None:
    assert checker.compare(r"\int_0^1 x^2\,dx", "1/3")[:2] == ("verified", "symbolic")
    assert checker.compare(r"\int_0^1 x^2\,dx", "1/2").verdict == "contradicted"


@pytest.mark.parametrize(("stated", "printed"), HOSTILE[:15] + HOSTILE[19:])
def test_a_hostile_pair_ends_at_once(stated: str, printed: str) -> None:
    start = time.process_time()
    judge(stated, printed)
    assert time.process_time() - start < 2


def test_a_comparison_that_never_ends_is_stopped_and_the_next_pair_is_answered() -> None:
    with Checker(timeout_s=1) as checker:
        start = time.monotonic()
        found = checker.compare(r"\prod_{k=1}^{10^9} (k^2+1)", "1")
        assert found[:2] == ("uncheckable", "comparison_timeout")
        assert time.monotonic() - start < 20
        assert checker.compare(r"\sum_{k=1}^{4} k", "10").verdict == "verified"


def test_a_killed_helper_is_started_again() -> None:
    with Checker() as checker:
        assert checker.compare(r"\sum_{k=1}^{4} k", "10").verdict == "verified"
        assert checker._helper
        os.kill(checker._helper.pid, signal.SIGKILL)
        checker._helper.wait()
        assert checker.compare(r"\sum_{k=1}^{4} k", "11").verdict == "contradicted"


def test_the_helper_finds_what_this_process_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)  # as PYTHONPATH or `pip install --target` would have it
    with Checker() as checker:
        assert checker.compare(r"\sum_{k=1}^{4} k", "10").verdict == "verified"
        assert checker._helper
        environment = Path(f"/proc/{checker._helper.pid}/environ").read_bytes()
        assert f"PYTHONPATH={tmp_path}:".encode() in environment


def test_the_helper_ends_with_its_parent() -> None:
    program = (
        "import os, signal, sys; from mathcode_pile.answers import Checker; c = Checker();"
        r"c.compare(r'\sum_{k=1}^{4} k', '10'); print(c._helper.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    sources = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": sources}
    )
    helper = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{helper}/stat").exists() or ") Z " in Path(f"/proc/{helper}/stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the helper is still running")


def test_an_output_is_never_evaluated_as_code(checker: Checker, tmp_path: Path) -> None:
    target = tmp_path / "written"
    for text in (f"__import__('os').system('touch {target}')", f"open({str(target)!r}, 'w')", "().__class__.__bases__"):
        assert checker.compare(r"\sum_{k=1}^{4} k", text).verdict == "uncheckable"
        assert checker.compare(text, "4").verdict == "uncheckable"
    assert not target.exists()


def test_verdicts_do_not_depend_on_what_was_compared_before(checker: Checker) -> None:
    pairs = [(p["stated"], p["printed"]) for p in PAIRS if "symbol" in p["kind"] or p["kind"] in ("root", "set")]
    forward = [checker.compare(*pair) for pair in pairs]
    assert [checker.compare(*pair) for pair in reversed(pairs)] == forward[::-1]


def test_torn_input_raises_nothing() -> None:
    rng = random.Random(3)
    texts = [text for pair in PAIRS for text in (pair["stated"], pair["printed"])]
    for _ in range(1_000):
        one, other = rng.choice(texts), rng.choice(texts)
        torn = one[: rng.randrange(len(one) + 1)] + other[rng.randrange(len(other) + 1) :]
        for pair in ((torn, other), (other, torn), (torn, torn)):
            try:
                assert judge(*pair).verdict in ("verified", "contradicted", "uncheckable")
            except NeedsSymbolsError as needed:
                assert needed.fallback.verdict == "uncheckable"


@pytest.mark.parametrize("text", ["2 hours 30 minutes", "$I(0) e^{-t/RC}$", "A and C", "y'' + y = 0", "0.0011_2"])
def test_the_same_words_agree_even_if_they_are_not_understood(text: str) -> None:
    assert judge(text, text.strip("$")).verdict == "verified"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (r"So we get \boxed{5} and then $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"The set is \fbox {\{1, 2\}}.", r"\{1, 2\}"),
        (r"First \boxed{5}, then \boxed{6", "5"),
        (r"A box in a \boxed{b \boxed{o} x}.", "o"),
        (r"It is $\boxed 7$, or $\boxed\frac{1}{2}$.", r"\frac{1}{2}"),
        (r"Write the answer in \boxed.", None),
        ("No box", None),
    ],
)
def test_the_last_complete_box_of_a_text_is_found(text: str, content: str | None) -> None:
    assert last_box(text) == content
