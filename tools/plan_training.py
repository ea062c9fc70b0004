"""What a training run takes: steps, tokens, hours, memory and checkpoints, from bench/train.py's recorded figures."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stages.pretrain.memory import Memory, Shape, checkpoint_bytes, estimate_memory, read_model_shape, read_shape
from stages.pretrain.training_params import PretrainParams
from tools.figures import Card, Figures
from tools.spans import Span, write_bytes, write_count, write_time


class Launcher(NamedTuple):
    """What a launcher file starts."""

    devices: int
    is_sharded: bool
    uses_gpus: bool


def read_launcher(params: PretrainParams) -> Launcher:
    """Return how many processes train, and on what; a run without a launcher is one process, on a GPU if in bf16."""
    if params.launcher is None or not Path(params.launcher).is_file():
        return Launcher(1, False, params.precision == "bf16")
    content = yaml.safe_load(Path(params.launcher).read_text(encoding="utf-8"))
    sharded = content.get("distributed_type") == "FSDP"
    return Launcher(int(content.get("num_processes", 1)), sharded, not content.get("use_cpu", False))


class TrainingPlan(NamedTuple):
    """A training run."""

    steps: Span
    tokens: Span
    gpu_hours: Span | None
    """None where the model's shape or the card's speed is not known, or the run uses no GPU."""
    memory: Memory | None
    """Of each GPU."""
    checkpoint: int | None
    """The bytes of one."""
    devices: int
    keep: int

    @property
    def disk(self) -> Span:
        """The checkpoints that are kept, the one that is being written, and the finished model."""
        size = self.checkpoint or 0
        return Span.exact(size * (self.keep + 1) + size / 3)

    @property
    def wall_s(self) -> Span | None:
        """The seconds that it takes."""
        return self.gpu_hours * (3600 / self.devices) if self.gpu_hours else None

    def describe(self, card: str) -> str:
        """Return it in one or two sentences."""
        text = f"pretrain: {self.steps.describe(write_count)} steps, {self.tokens.describe(write_count)} tokens"
        if self.wall_s:
            gpus = f"{self.devices} GPUs {card}" if self.devices > 1 else f"one {card}"
            text += f", {self.wall_s.describe(write_time)} on {gpus}"
        if self.memory:
            text += f", {self.memory.total / 1e9:.0f} GB of GPU memory each"
        if self.checkpoint:
            text += (
                f". A checkpoint takes {write_bytes(self.checkpoint)}; keep_checkpoints: {self.keep} and the one being"
                f" written take {write_bytes(self.checkpoint * (self.keep + 1))}"
            )
        return text + "."


def plan_training(
    params: PretrainParams,
    sequence_length: int,
    packed_tokens: Span,
    shape: Shape | None,
    card: Card,
    figures: Figures,
) -> TrainingPlan:
    """Return the plan of a run; packed_tokens: what pack makes of the mixture."""
    launcher = read_launcher(params)
    if params.steps:
        steps = Span.exact(params.steps)
    else:
        steps = (packed_tokens * ((params.epochs or 0) / params.batch_tokens)).apply(lambda value: float(int(value)))
    tokens = steps * params.batch_tokens
    if shape is None or not launcher.uses_gpus:
        checkpoint = checkpoint_bytes(shape) if shape else None
        return TrainingPlan(steps, tokens, None, None, checkpoint, launcher.devices, params.keep_checkpoints)
    # A document attends to itself alone, so to a quarter of a row at the most on average.
    flops = shape.flops_a_token(sequence_length / (4 if params.document_bounds else 2))
    rate = card.products * 1e12 * _utilisation(shape, params, figures) / flops
    share = Span(*figures.share_of_speed_on_several_gpus) if launcher.devices > 1 else Span(0.8, 1.0, 1.1)
    hours = tokens / (share * rate) * (1 / 3600)
    memory = estimate_memory(shape, params, sequence_length, launcher.devices, launcher.is_sharded)
    return TrainingPlan(
        steps, tokens, hours, memory, checkpoint_bytes(shape), launcher.devices, params.keep_checkpoints
    )


def _utilisation(shape: Shape, params: PretrainParams, figures: Figures) -> float:
    """Return that of the measured run whose model is nearest in size, with the same gradient_checkpointing if any."""
    alike = [row for row in figures.training if row.gradient_checkpointing == params.gradient_checkpointing]
    nearest = min(alike or figures.training, key=lambda row: abs(row.parameters - shape.parameters))
    return nearest.utilisation


def find_shape(base_model: dict[str, Any], vocabulary: int, figures: Figures) -> Shape | None:
    """Return the shape of the base model, None where neither its profile nor configs/planning.yaml has it.

    base_model: the profile's section. vocabulary: of a tokenizer that the profile trains.
    """
    if config := base_model.get("config"):
        names = {"hidden_size": "hidden_size", "intermediate_size": "intermediate_size", "layers": "num_hidden_layers"}
        names |= {"heads": "num_attention_heads", "key_value_heads": "num_key_value_heads"}
        known = {published: config[name] for name, published in names.items()}
        return read_shape(known | {"vocab_size": vocabulary, "tie_word_embeddings": config.get("tie_embeddings", True)})
    if folder := base_model.get("folder"):
        return read_model_shape(Path(folder))
    published = figures.models.get((base_model.get("hub") or {}).get("id", ""))
    return read_shape(published) if published else None
