"""What asking a model takes: seconds for each token, from published speeds or from runs on this machine."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from mathcode_pile.core.scratch import scratch_folder
from mathcode_pile.llm import ModelParams
from mathcode_pile.llm.cache import ReplyCache, Throughput
from tools.figures import Figures, Range, Serving
from tools.spans import Span


class Speed(NamedTuple):
    """How fast a model reads and answers, on all the GPUs that serve it."""

    prompt_s: float
    """Seconds that a token of a prompt takes."""
    answer_s: float
    gpus: int
    share: Span
    """The share of this speed that a run may get."""
    basis: str
    """Where the figures are from."""

    def seconds(self, prompt_tokens: Span, answer_tokens: Span) -> Span:
        """Return how long prompts and answers take."""
        return (prompt_tokens * self.prompt_s + answer_tokens * self.answer_s) / self.share


def fit_seconds(loads: list[Range], gpus: int) -> tuple[float, float]:
    """Return the GPU-seconds of a prompt's token and of an answer's, by least squares of the relative errors.

    Loads may agree only with a time below zero for one of the two; then it is taken as zero.
    """
    table = np.array(loads)
    seconds = gpus * table[:, 1] / table[:, 2]  # of one request
    counts = table[:, :2] / seconds[:, None]
    ones = np.ones(len(counts))
    prompt, answer = np.linalg.lstsq(counts, ones, rcond=None)[0]
    if prompt < 0 or answer < 0:
        column = 1 if prompt < 0 else 0
        alone = float(counts[:, column] @ ones / (counts[:, column] @ counts[:, column]))
        return (0.0, alone) if column else (alone, 0.0)
    return float(prompt), float(answer)


def find_speed(model: ModelParams, stage: str, card: str, figures: Figures) -> Speed | None:
    """Return how fast a model answers a stage's prompts, None where nothing is known.

    What earlier runs measured here comes first, then what the profile states, then what others published for the card.
    """
    measured = read_throughput(model, stage)
    if measured and measured.seconds:
        tokens = measured.prompt_tokens + measured.completion_tokens
        each = measured.seconds / tokens
        return Speed(each, each, model.gpus, Span(0.9, 1.0, 1.1), f"{tokens:,} tokens measured on this machine")
    if model.tokens_per_s:
        each = 1 / model.tokens_per_s
        return Speed(each, each, model.gpus, Span(0.8, 1.0, 1.2), "tokens_per_s of the profile")
    found = next((row for row in figures.serving if _is_of(row, model, card)), None)
    if found is None:
        return None
    gpus = max(found.gpus, model.gpus)
    prompt, answer = (each / gpus for each in fit_seconds(found.loads, found.gpus))
    return Speed(prompt, answer, gpus, Span(*figures.share_of_published_speed), f"{found.card}: {found.source}")


def weight_bytes(model: ModelParams, figures: Figures) -> float | None:
    """Return what a model's files take on disk, None where nothing is known."""
    found = next((row for row in figures.weights if row.model.lower() in model.id.lower()), None)
    return found.parameters * found.bytes if found else None


def is_served_here(model: ModelParams, backend: str) -> bool:
    """Say whether a backend's server reads the model from a disk of this machine."""
    if backend == "openai" and model.openai:
        return {urlsplit(address).hostname for address in model.openai.base_urls} <= {"127.0.0.1", "localhost"}
    return backend == "vllm"


def _is_of(row: Serving, model: ModelParams, card: str) -> bool:
    return row.card == card and row.model.lower() in model.id.lower()


def read_throughput(model: ModelParams, stage: str) -> Throughput | None:
    """Return what earlier runs of a stage on this machine measured, None where there was none."""
    if not Path(scratch_folder(), "replies", "replies.sqlite").is_file():
        return None
    replies = ReplyCache()
    try:
        return replies.throughput(model.id, stage)
    finally:
        replies.close()


class Asked(NamedTuple):
    """What one stage asks about one source or component."""

    documents: Span
    prompts: Span
    prompt_tokens: Span
    answer_tokens: Span


def count_asked(
    documents: Span,
    text_bytes: Span,
    max_characters: int,
    template_bytes: int,
    answer: Span,
    figures: Figures,
    measured: Throughput | None,
    pieces: int | None = None,
) -> Asked:
    """Return what is asked about documents.

    max_characters: of a piece. Pieces end at paragraphs, so they are not full; a short document is one piece.
    template_bytes: of the instruction and the worked examples.
    answer: the tokens of one.
    measured: replaces the tokens of a prompt and of an answer, if prompts of this kind were asked on this machine.
    pieces: their number, if a run has counted them.
    """
    mean = text_bytes.likely / max(documents.likely, 1)
    each = Span(mean / max_characters, mean / (0.85 * max_characters) + 0.5, mean / (0.7 * max_characters) + 1)
    prompts = Span.exact(pieces) if pieces is not None else documents * each.apply(lambda value: max(1.0, value))
    if measured and measured.prompts:
        length = measured.prompt_tokens / measured.prompts
        answer = Span.exact(measured.completion_tokens / measured.prompts)
        return Asked(documents, prompts, prompts * length, prompts * answer)
    instruction = template_bytes / figures.prompt_bytes_a_token
    text_tokens = text_bytes / Span(*figures.bytes_a_token)
    return Asked(documents, prompts, prompts * instruction + text_tokens, prompts * answer)
