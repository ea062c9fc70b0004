"""Draw the report's curves as SVG pictures; the same numbers give the same bytes."""

import io
from typing import Any

# A picture each: a column of curves.csv, or all of held_out.csv.
CURVES = {
    "loss": "training loss (nats a token)",
    "held_out": "held-out loss (nats a token)",
    "learning_rate": "learning rate",
    "gradient_norm": "gradient norm",
}


def draw_curves(rows: list[dict[str, str]], held_out: list[dict[str, str]]) -> list[str]:
    """Return SVG pictures of the training: loss, held-out loss of each component, learning rate, gradient norm.

    The axis below counts optimizer steps, the one above tokens.
    """
    if not rows:
        return []
    tokens_a_step = int(rows[-1]["tokens"]) / int(rows[-1]["step"])
    steps = [int(row["step"]) for row in rows]
    pictures = []
    for column, label in CURVES.items():
        figure, axes = _new_curve(label, tokens_a_step)
        if column == "held_out":
            for name in sorted({row["component"] for row in held_out}):
                points = [(int(row["step"]), float(row["loss"])) for row in held_out if row["component"] == name]
                axes.plot(*zip(*points, strict=True), marker=".", label=name.replace("_", " "))
            axes.legend(fontsize=7, frameon=False)
        else:
            axes.plot(steps, [float(row[column]) for row in rows], linewidth=1, color="#23577e")
        pictures.append(_to_svg(figure))
    return pictures


def _new_curve(label: str, tokens_a_step: float) -> tuple[Any, Any]:
    figure, (axes,) = _new_figure(1, 1, (5, 3))
    axes.set(xlabel="optimizer step", ylabel=label)
    above = axes.secondary_xaxis("top", functions=(lambda x: x * tokens_a_step, lambda x: x / tokens_a_step))
    above.set_xlabel("tokens seen")
    above.xaxis.set_major_formatter("{x:,.0f}")
    above.xaxis.set_major_locator(_few_ticks())
    return figure, axes


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4)


def draw_precision_recall(curves: dict[str, list[dict[str, str]]]) -> str:
    """Return the classifiers' precision-recall curves as one SVG picture."""
    if not curves:
        return ""
    figure, (axes,) = _new_figure(1, 1, (4.5, 3.2))
    for name, rows in curves.items():
        axes.plot([float(r["recall"]) for r in rows], [float(r["precision"]) for r in rows], label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(fontsize=7, frameon=False)
    return _to_svg(figure)


def _new_figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("svg")
    # The salt determines the ids in the picture, which are random otherwise.
    matplotlib.rcParams.update({"svg.hashsalt": "mathcode-pile", "font.size": 8, "axes.spines.top": False})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    return figure, axes.flat


def _to_svg(figure: Any) -> str:
    from matplotlib import pyplot

    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return text.getvalue()[text.getvalue().index("<svg") :]
