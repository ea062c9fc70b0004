"""Compare the base model with the pretrained one: scores with their intervals, held-out losses."""

from math import sqrt
from typing import Any, NamedTuple

from stages.report.funnel import Metrics

# MathCoder2 (arXiv:2410.08196): accuracy in per cent of Llama-3-8B, before and after.
PAPER = {"gsm8k": (54.8, 69.9), "math": (21.4, 38.4)}
LOSS = "held_out_loss_"
ERROR = "held_out_stderr_"
OTHER_TEXT = "other_text"
MODELS = ("base", "pretrained")
# With fewer questions, one answer moves a score by more than a point.
SMALL = 100
# Of a normal distribution; the intervals hold the true value 95 times of 100.
Z = 1.96


class Measured(NamedTuple):
    """A figure, and the bounds of its 95% interval."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """One task, or the held-out documents of one component."""

    name: str
    base: Measured
    pretrained: Measured
    n: int | None = None
    """Questions; None for a loss."""

    @property
    def difference(self) -> float:
        """Pretrained less base."""
        return self.pretrained.value - self.base.value

    @property
    def is_small(self) -> bool:
        """Whether too few questions were asked to say much."""
        return self.n is not None and self.n < SMALL

    @property
    def is_clear(self) -> bool:
        """Whether the intervals do not overlap."""
        return self.base.high < self.pretrained.low or self.pretrained.high < self.base.low

    @property
    def paper(self) -> tuple[float, float] | None:
        """The paper's scores before and after, in per cent."""
        return PAPER.get(self.name)


def compare_scores(metrics: Metrics) -> list[Comparison]:
    """Return a row for each task that both models answered, in shares of right answers."""
    base, trained = (metrics.get(f"evaluate@{model}", {}) for model in MODELS)
    names = [key.removesuffix("_n") for key in base if key.endswith("_n") and key in trained]
    return [
        Comparison(name, _wilson(base[name], base[f"{name}_n"]), _wilson(trained[name], n), n)
        for name in names
        if name in base and name in trained and (n := trained[f"{name}_n"])
    ]


def _wilson(share: float, n: int) -> Measured:
    """Return Wilson's interval, which is right for few questions and for scores of 0 and 1 too."""
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return Measured(share, max(0.0, middle - half), min(1.0, middle + half))


def compare_losses(metrics: Metrics) -> list[Comparison]:
    """Return a row for each component's held-out loss in nats a token; other_text is the last."""
    base, trained = (metrics.get(f"evaluate@{model}", {}) for model in MODELS)
    names = sorted(key.removeprefix(LOSS) for key in base if key.startswith(LOSS) and key in trained)
    return [
        Comparison(name, _with_error(base, name), _with_error(trained, name))
        for name in sorted(names, key=lambda name: name == OTHER_TEXT)
    ]


def _with_error(values: dict[str, Any], name: str) -> Measured:
    value, error = values[LOSS + name], values.get(ERROR + name) or 0.0
    return Measured(value, value - Z * error, value + Z * error)


def mean_held_out_loss(metrics: Metrics, model: str) -> float | None:
    """Return the mean of a model's held-out losses over the components, in nats a token."""
    values = metrics.get(f"evaluate@{model}", {})
    losses = [value for name, value in values.items() if name.startswith(LOSS) and name != LOSS + OTHER_TEXT]
    return sum(losses) / len(losses) if losses else None
