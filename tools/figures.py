"""What is known before anything has run: configs/planning.yaml, each figure with its source."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section, parse_section
from tools.spans import Span

PATH = Path(__file__).resolve().parents[1] / "configs" / "planning.yaml"

Range = tuple[float, float, float]


class Card(Section):
    """One kind of GPU."""

    memory_gb: float = Field(gt=0)
    products: float = Field(gt=0)
    """TFLOP/s of large matrix products in bf16."""
    price: float = Field(ge=0)
    """Of an hour, in dollars."""
    source: str


class Serving(Section):
    """The published speed of a model on a card."""

    model: str
    """A part of the model's id."""
    card: str
    gpus: int = Field(gt=0)
    loads: list[Range] = Field(min_length=2)
    """Prompt tokens, answer tokens, and answer tokens a second at full load."""
    source: str


class Training(Section):
    """The measured utilisation of a card in training."""

    parameters: float
    utilisation: float = Field(gt=0, le=1)
    gradient_checkpointing: bool
    source: str


class Weights(Section):
    """The files of a served model."""

    model: str
    """A part of the model's id."""
    parameters: float = Field(gt=0)
    bytes: float = Field(gt=0)
    """Of one parameter, on disk."""
    source: str


class Dataset(Section):
    """The files of a repository that match a pattern."""

    repository: str
    pattern: str
    files: int = Field(gt=0)
    download_gb: float
    rows: float
    text_gb: float
    source: str


class Share(Section):
    """The share of a source's text that passes."""

    share: Range
    source: str


class Answer(Section):
    """The tokens of an answer."""

    tokens: Range
    source: str


class Cores(Section):
    """The work of one core."""

    fetch_mb_per_s: float
    filter_code_mb_per_s: float
    classify_mb_per_s: float
    deduplicate_mb_per_s: float
    decontaminate_mb_per_s: float
    tokenize_mb_per_s: float
    pack_tokens_per_s: float
    execute_snippets_per_s: float
    verify_pairs_per_s: float


class Figures(Section):
    """All of configs/planning.yaml."""

    cards: dict[str, Card]
    serving: list[Serving]
    share_of_published_speed: Range
    training: list[Training]
    share_of_speed_on_several_gpus: Range
    models: dict[str, dict[str, Any]]
    weights: list[Weights]
    vllm_gb: float
    """The disk of .venv-vllm."""
    gated: list[str]
    datasets: list[Dataset]
    asked: dict[str, Share]
    """What a source's rules leave for the model."""
    kept: dict[str, Share]
    """What reaches the corpus."""
    bytes_a_token: Range
    prompt_bytes_a_token: float
    answers: dict[str, Answer]
    snippets_a_document: Range
    translated_share: Range
    cores: Cores
    line_mb_per_s: Range
    stored_share: float

    def card(self, name: str) -> Card:
        """Return a card; raises ParamsError where there is no figure for it."""
        if name not in self.cards:
            raise ParamsError(f"--card: {PATH.name} has no {name!r}; there are {', '.join(self.cards)}")
        return self.cards[name]

    def kept_share(self, source: str) -> Span:
        """Return the share of a source's text that reaches the corpus, a wide range for a source without a figure."""
        return Span(*self.kept[source].share) if source in self.kept else Span(0.1, 0.5, 1.0)


def load_figures() -> Figures:
    """Return the figures; raises ParamsError where the file has a value that cannot be used."""
    return parse_section(PATH.name, yaml.safe_load(PATH.read_text(encoding="utf-8")), Figures)
