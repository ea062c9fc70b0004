"""Continue a model's pretraining on packed rows.

Begin reading here: `pretrain` sets up a run, trains it to its last step and writes the model; `Run.train_step` is one
optimizer step. The number of a step determines its rows, its learning rate and its random seed. So a checkpoint needs
only the weights, the optimizer's moments and the curves, and a run that was killed continues from the last one. On a
CPU the result has the same bits however often the run was interrupted, with the same build of torch and the same
pretrain.cpu_threads.
"""

import logging
import math
from collections.abc import Collection
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed
from numpy.typing import NDArray

from mathcode_pile.core.errors import InputError, PipelineError, first_line
from mathcode_pile.core.scratch import hash_code, hash_folder, hash_values, locked, scratch_folder
from mathcode_pile.models.attention import choose_implementation, model_inputs
from mathcode_pile.models.held_out import Share, held_out_losses
from mathcode_pile.models.language_model import (
    attach_loss,
    compile_layers,
    count_parameters,
    fix_threads,
    keep_stream_narrow,
    load_model,
    training_flops,
    unwrap,
)
from mathcode_pile.tokens.packed import PackedRows, list_components
from stages.pretrain.checkpoints import find_checkpoints, read_state, remove_partial, save_checkpoint
from stages.pretrain.curves import Curves
from stages.pretrain.distributed import is_sharded, make_accelerator
from stages.pretrain.memory import advise, check_memory, estimate_memory, read_model_shape
from stages.pretrain.model_card import write_model
from stages.pretrain.throughput import Throughput
from stages.pretrain.training_params import PretrainParams, learning_rate, plan_run, rows_of_step


def pretrain(
    params: PretrainParams,
    packed: Path,
    tokenized: Path,
    base_model: Path,
    out: Path,
    plots: Path,
    mixture: dict[str, Any] | None = None,
    components: Collection[str] | None = None,
) -> dict[str, Any]:
    """Train the model in `base_model` on packed rows, write it to `out`, and return the stage's metrics.

    mixture: how much of each component is trained on, for the model's manifest.
    components: whose held-out loss to measure (None: all that were tokenized).
    Raises PipelineError where the loss is not finite (the last checkpoint stays) or memory runs out, and ParamsError
    where the batch cannot be divided over the devices.
    """
    logging.getLogger("accelerate").setLevel(logging.ERROR)  # else it warns about tied weights at every checkpoint
    named = list_components(tokenized, components)
    held_out = hash_values([[name, hash_folder(tokenized / name / "held_out")] for name in named])
    inputs = {"packed": hash_folder(packed), "held_out": held_out, "model": hash_folder(base_model)}
    accelerator = make_accelerator(params)
    # The checkpoints of sharded runs have another format.
    run_as = [params.determining(), "sharded" if is_sharded(accelerator) else "whole"]
    home = scratch_folder("checkpoints", hash_values(run_as, inputs, hash_code("stages.pretrain.stage")))
    fix_threads(params.cpu_threads)  # after make_accelerator, which sets its own number of threads
    with locked(home) if accelerator.is_main_process else nullcontext():
        try:
            run = Run(params, packed, tokenized, named, base_model, home, accelerator)
            run.train()
        except torch.cuda.OutOfMemoryError as error:
            raise PipelineError(f"out of memory on the GPU: {advise(params)} ({first_line(error)})") from None
        state = accelerator.get_state_dict(run.model)
        metrics = run.to_metrics()
        if accelerator.is_main_process:
            run.curves.write(plots)
            write_model(unwrap(run.model), state, base_model, packed, out, params, metrics, inputs, mixture or {})
        accelerator.wait_for_everyone()
    return metrics


def group_parameters(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Return the groups of parameters for AdamW: matrices have weight decay, norms and biases do not."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]


def prepare_model(model: Any, params: PretrainParams) -> None:
    """Make a model ready for training: its losses, what saves memory, and compiled layers if params ask for them."""
    if params.gradient_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    attach_loss(model, params.loss_chunk_tokens, params.compile)
    keep_stream_narrow(model)
    if params.compile:
        compile_layers(model)
    model.train()


def make_optimizer(model: Any, params: PretrainParams, device: torch.device) -> torch.optim.Optimizer:
    """Return AdamW; each step sets its learning rate."""
    groups = group_parameters(model, params.weight_decay)
    fused = params.fused_optimizer and device.type == "cuda"
    return torch.optim.AdamW(groups, lr=0.0, betas=params.betas, eps=params.epsilon, fused=fused)


class Run:
    """One run: the model, its optimizer, its rows, the steps done and the curves so far."""

    def __init__(
        self,
        params: PretrainParams,
        packed: Path,
        tokenized: Path,
        components: list[str],
        base_model: Path,
        home: Path,
        accelerator: Accelerator,
    ) -> None:
        self.params, self.tokenized, self.components = params, tokenized, components
        self.home, self.accelerator = home, accelerator
        self.rows = PackedRows(packed)
        self.device = accelerator.device
        self.plan = plan_run(params, len(self.rows), self.rows.sequence_length, accelerator.num_processes)
        self.attention = choose_implementation(params.attention, self.device.type, params.precision)
        self._check_memory(base_model)
        set_seed(params.seed)
        model = load_model(base_model, self.attention)
        if model.get_input_embeddings().weight.shape[0] < self.rows.vocabulary.size:
            raise InputError(f"{base_model}: fewer embeddings than the {self.rows.vocabulary.size} tokens of {packed}")
        self._throughput = Throughput(self.device, accelerator.num_processes)
        prepare_model(model, params)
        # Both in one call, so that the optimizer of a sharded model gets the shards.
        self.model, self.optimizer = accelerator.prepare(model, make_optimizer(model, params, self.device))
        self.step = 0
        self.curves = Curves([], [])
        self._resume()

    def _check_memory(self, base_model: Path) -> None:
        """Raise ParamsError where this process's GPU is too small for the run, before the model is loaded."""
        shape, accelerator = read_model_shape(base_model), self.accelerator
        if shape is None or self.device.type != "cuda":
            return
        need = estimate_memory(
            shape, self.params, self.rows.sequence_length, accelerator.num_processes, is_sharded(accelerator)
        )
        check_memory(need, torch.cuda.mem_get_info(self.device)[0], self.params)

    def _resume(self) -> None:
        if self.accelerator.is_main_process:
            remove_partial(self.home)
        checkpoints = find_checkpoints(self.home)
        if checkpoints:
            self.accelerator.load_state(str(checkpoints[-1]))
            state = read_state(checkpoints[-1])
            self.step, self.curves = state["step"], Curves.from_state(state)
            self.accelerator.print(f"pretrain: continues after step {self.step} of {self.plan.steps}")

    def train(self) -> None:
        """Train to the last step; measure held-out losses and save checkpoints on the way."""
        from tqdm import tqdm

        params, last, is_main = self.params, self.plan.steps, self.accelerator.is_main_process
        bar = tqdm(total=last, initial=self.step, unit="step", desc="pretrain", disable=not is_main)
        with bar, self.curves.live(self.home / "live") if is_main else nullcontext():
            if self.step == 0:
                self.measure_held_out()
            while self.step < last:
                self.train_step()
                bar.set_postfix_str(self._throughput.describe(self.curves.rows[-1]["loss"]), refresh=False)
                bar.update()
                if self.step % params.held_out_every_steps == 0 or self.step == last:
                    self.measure_held_out()
                if self.step % params.checkpoint_every_steps == 0 or self.step == last:
                    state = {"step": self.step, **self.curves.to_state()}
                    save_checkpoint(self.accelerator, self.home, self.step, state, params.keep_checkpoints)

    def train_step(self) -> None:
        """Do one optimizer step, on the next plan.rows_a_step rows."""
        params, plan, accelerator = self.params, self.plan, self.accelerator
        self._throughput.start()
        # The seed depends only on the step and the process, so dropout needs no saved random state.
        set_seed(params.seed * 1_000_003 + self.step * accelerator.num_processes + accelerator.process_index)
        rate = learning_rate(self.step, plan.steps, params)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        numbers = rows_of_step(self.step, len(self.rows), plan.rows_a_step, params.seed)
        targets, pairs = self._count_targets(numbers)
        loss = torch.zeros((), device=self.device)
        for index in range(plan.accumulation):
            first = (index * accelerator.num_processes + accelerator.process_index) * params.micro_batch_rows
            rows = self.rows.take(numbers[first : first + params.micro_batch_rows].tolist())
            inputs, labels = model_inputs(rows, self.attention, params.document_bounds, self.device)
            # Sharded gradients are exchanged after every micro batch: whole gradients would not fit in memory.
            syncs = index == plan.accumulation - 1 or is_sharded(accelerator)
            with nullcontext() if syncs else accelerator.no_sync(self.model):
                # Data parallelism averages gradients over processes. `targets` counts the tokens of all of them, so the
                # loss is multiplied by their number.
                part = self.model(labels=labels, **inputs) / targets
                accelerator.backward(part * accelerator.num_processes)
            loss += part.detach()
        mean = float(accelerator.reduce(loss, reduction="sum"))
        norm = accelerator.clip_grad_norm_(self.model.parameters(), params.max_gradient_norm)
        norm = float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)  # of a sharded model
        self._check_finite(mean, norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        tokens = plan.rows_a_step * self.rows.sequence_length
        row = {
            "step": self.step,
            "tokens": self.step * tokens,
            "loss": mean,
            "learning_rate": rate,
            "gradient_norm": norm,
        }
        self.curves.add_step(row, self._throughput.stop(tokens, training_flops(unwrap(self.model), tokens, pairs)))

    def _count_targets(self, numbers: NDArray[np.int64]) -> tuple[int, int]:
        """Return how many tokens a step predicts, in all processes, and how many pairs of tokens attend."""
        targets = pairs = 0
        for number in numbers.tolist():
            bounds = self.rows.row(number)[1].astype(np.int64)
            lengths = np.diff(bounds if self.params.document_bounds else bounds[[0, -1]])
            targets += int(lengths.sum()) - len(lengths)
            pairs += int((lengths * (lengths + 1) // 2).sum())
        return targets, pairs

    def _check_finite(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        kept = find_checkpoints(self.home)
        where = f"the checkpoint {kept[-1]} is kept" if kept else "there is no checkpoint yet"
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient norm is {norm}"
        raise PipelineError(f"pretrain: step {self.step + 1}: {what}; {where}; lower pretrain.learning_rate")

    def measure_held_out(self) -> None:
        """Measure the held-out loss of each component and add it to the curves."""
        accelerator = self.accelerator

        def gather(mine: list[Any]) -> list[list[Any]]:
            return [mine] if accelerator.num_processes == 1 else gather_object([mine])

        share = Share(accelerator.process_index, accelerator.num_processes, gather)
        length, tokens, at_once = self.rows.sequence_length, self.params.held_out_tokens, self.params.micro_batch_rows
        losses = held_out_losses(
            self.model, self.tokenized, length, tokens, at_once, self.device, share, self.components
        )
        self.curves.add_held_out(self.step, self.step * self.plan.rows_a_step * length, losses)

    def to_metrics(self) -> dict[str, Any]:
        """Return the run's metrics; none depends on the clock."""
        rows, held_out, seen = self.curves.rows, self.curves.held_out, self.plan.steps * self.plan.rows_a_step
        tail = rows[-max(1, len(rows) // 10) :]
        metrics = {
            "parameters": count_parameters(unwrap(self.model)),
            "steps": self.plan.steps,
            "tokens": seen * self.rows.sequence_length,
            "rows": len(self.rows),
            "epochs": round(seen / len(self.rows), 4),
            "loss_first": round(rows[0]["loss"], 4),
            "loss_last": round(sum(r["loss"] for r in tail) / len(tail), 4),
        }
        for name in sorted(held_out[-1].keys() - {"step", "tokens"}):
            metrics[f"held_out_loss_before_{name}"] = round(held_out[0][name], 4)
            metrics[f"held_out_loss_{name}"] = round(held_out[-1][name], 4)
        return metrics
