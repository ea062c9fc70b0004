"""The params of pretrain, and what follows from them: the number of steps, the rows and learning rate of each step."""

import math
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section
from mathcode_pile.models.implementations import Implementation

Beta = Annotated[float, Field(ge=0, lt=1)]


class PretrainParams(Section):
    """How long to train, at which learning rates, and with what arithmetic."""

    schedule: Literal["cosine", "warmup_stable_decay", "constant"]
    """How the learning rate changes from step to step."""
    learning_rate: float = Field(gt=0)
    """The highest one; the warm-up ends with it."""
    min_learning_rate_share: float = Field(default=0.0, ge=0, le=1)
    """The last step's learning rate, as a share of the highest."""
    warmup_steps: int = Field(default=50, ge=0)
    """Steps in which the learning rate rises from 0."""
    decay_share: float = Field(default=0.2, gt=0, le=1)
    """The share of steps in which the learning rate of warmup_stable_decay falls."""
    weight_decay: float = Field(ge=0)
    """AdamW's weight decay."""
    betas: tuple[Beta, Beta]
    """AdamW's betas."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's epsilon."""
    max_gradient_norm: float = Field(gt=0)
    """Longer gradients are cut to this length."""
    document_bounds: bool
    """Does attention stop at document bounds, and do positions restart there?"""
    epochs: float | None = None
    """How often the packed rows are gone through."""
    steps: int | None = None
    """Give either epochs or steps."""
    batch_tokens: int = Field(gt=0)
    """Tokens of an optimizer step, on all devices together."""
    micro_batch_rows: int = Field(default=1, gt=0)
    """Rows that one device computes at once."""
    precision: Literal["fp32", "bf16"] = "bf16"
    """The arithmetic of the model; the optimizer's is fp32."""
    attention: Implementation = "auto"
    """The implementation of attention; auto: the fastest that is installed."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: slower, with less memory."""
    compile: bool = False
    """Compile the model with torch.compile."""
    fused_optimizer: bool = True
    """On a GPU: AdamW as one kernel."""
    loss_chunk_tokens: int = Field(default=4096, ge=0)
    """Positions whose logits are in memory at once; 0: all of them, which is faster if memory allows it."""
    launcher: str | None = None
    """A file for `accelerate launch`, such as configs/accelerate/eight_gpus_fsdp.yaml; null: train in this process."""
    cpu_threads: int = Field(default=2, gt=0)
    """The number of threads on a CPU changes rounding, so the weights depend on it."""
    checkpoint_every_steps: int = Field(default=500, gt=0)
    """Steps from one checkpoint to the next."""
    keep_checkpoints: int = Field(default=2, gt=0)
    """The newest checkpoints that stay on disk."""
    held_out_every_steps: int = Field(default=500, gt=0)
    """Steps from one measurement of the held-out loss to the next."""
    held_out_tokens: int = Field(default=100_000, ge=0)
    """Of each component; 0: all."""
    seed: int = Field(ge=0)
    """The seed of everything that is drawn."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give one of epochs and steps")
        if (self.epochs or self.steps or 0) <= 0:
            raise ValueError("epochs and steps must be positive")
        return self

    def check_launcher(self) -> None:
        """Raise ParamsError where the launcher's file is missing."""
        if self.launcher and not Path(self.launcher).is_file():
            raise ParamsError(f"pretrain.launcher: {self.launcher}: no such file")

    def determining(self) -> dict[str, object]:
        """Return the params that the result depends on: all but those of checkpoints and the launcher."""
        return self.model_dump(mode="json", exclude={"checkpoint_every_steps", "keep_checkpoints", "launcher"})


class Plan(NamedTuple):  # the size of a run
    steps: int
    rows_a_step: int
    accumulation: int
    """Micro batches that each device computes in a step."""


def divide_batch(params: PretrainParams, sequence_length: int, devices: int) -> int:
    """Return the number of rows of a step; raises ParamsError where the batch cannot be divided, with what would do."""
    rows_a_step, rest = divmod(params.batch_tokens, sequence_length)
    unit = params.micro_batch_rows * devices
    if rest or rows_a_step % unit:
        least = unit * sequence_length
        below = params.batch_tokens // least * least
        would = [str(n) for n in (below, below + least) if n]
        raise ParamsError(
            f"pretrain.batch_tokens: {params.batch_tokens} is no multiple of {least} (sequence_length {sequence_length}"
            f" x micro_batch_rows {params.micro_batch_rows} x {devices} device{'s' * (devices > 1)});"
            f" {' or '.join(would)} would do"
        )
    return rows_a_step


def plan_run(params: PretrainParams, rows: int, sequence_length: int, devices: int) -> Plan:
    """Return the size of the run; raises ParamsError where the batch cannot be divided, or the rows make no step."""
    rows_a_step = divide_batch(params, sequence_length, devices)
    if rows == 0:
        raise ParamsError("pretrain: there are no packed rows")
    steps = params.steps or int(round(rows * (params.epochs or 0), 9) // rows_a_step)
    if steps == 0:
        raise ParamsError(f"pretrain.epochs: {params.epochs} of {rows} rows is less than a step of {rows_a_step} rows")
    return Plan(steps, rows_a_step, rows_a_step // (params.micro_batch_rows * devices))


def rows_of_step(step: int, rows: int, rows_a_step: int, seed: int) -> NDArray[np.int64]:
    """Return [rows_a_step] the rows of a step, counted from 0.

    The first epoch has the rows in the order of the pack, each further epoch in a permutation of its own.
    """
    positions = np.arange(step * rows_a_step, (step + 1) * rows_a_step)
    result = np.empty(rows_a_step, np.int64)
    for epoch in np.unique(positions // rows):
        here = positions // rows == epoch
        order = np.random.default_rng([seed, int(epoch)]).permutation(rows) if epoch else np.arange(rows)
        result[here] = order[positions[here] % rows]
    return result


def learning_rate(step: int, steps: int, params: PretrainParams) -> float:
    """Return the learning rate of a step, counted from 0; the last step has exactly the lowest."""
    highest, lowest = params.learning_rate, params.learning_rate * params.min_learning_rate_share
    if step < params.warmup_steps:
        return highest * (step + 1) / params.warmup_steps
    if params.schedule == "constant":
        return highest
    first = params.warmup_steps
    if params.schedule == "warmup_stable_decay":
        first = max(first, steps - 1 - math.ceil(steps * params.decay_share))
    done = min(1.0, max(0.0, (step - first) / max(1, steps - 1 - first)))
    if params.schedule == "cosine":
        return lowest + (highest - lowest) * (1 + math.cos(math.pi * done)) / 2
    return highest + (lowest - highest) * done
