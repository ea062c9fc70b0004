"""Measure training: tokens a second and model FLOPs utilisation, for each switch.

    python -m bench.train                              a 1B Llama, 4,096 tokens, bf16, on one GPU
    python -m bench.train --size tiny --length 256     a small one, without a GPU
    python -m bench.train --table train.md             also write the table to a file

It times the step of `pretrain` on one device: rows to inputs, forward and backward pass in micro batches, gradient
clipping, AdamW. Each step uses other rows. Each line of the table differs from the first by one switch.

Utilisation is the FLOPs that a step needs, divided by its time and by the measured rate of large matrix products (bf16
on a GPU, 32 bits on a CPU). A step needs 6 FLOPs per weight and token, and 12 per layer, unit of width and pair of
tokens that attend to each other: causal pairs within a document. The column "as PaLM" counts all pairs of a row, masked
or not, as many published figures do.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import torch

from bench.table import describe_machine
from mathcode_pile.models.attention import available_implementations, model_inputs, register_varlen
from mathcode_pile.models.language_model import (
    attach_loss,
    compile_layers,
    count_parameters,
    keep_stream_narrow,
    training_flops,
)
from mathcode_pile.tokens.packed import PackedRows, Rows
from stages.pretrain.stage import group_parameters
from stages.pretrain.throughput import measure_peak

# hidden, intermediate, layers, heads, key-value heads, vocabulary
SIZES = {
    "tiny": (128, 352, 2, 4, 2, 8192),
    "135m": (576, 1536, 30, 9, 3, 49152),
    "1b": (2048, 8192, 16, 32, 8, 128256),
}


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    name: str
    attention: str
    document_bounds: bool = True
    compile: bool = True
    gradient_checkpointing: bool = False
    loss_chunk_tokens: int = 4096
    fused_optimizer: bool = True
    micro_batch_rows: int = 4


class Speed(NamedTuple):  # the result of one setting
    tokens_a_second: float
    needed: float
    """FLOPs a second, counting only pairs that attend to each other."""
    needed_as_palm: float
    memory_gb: float
    """Peak memory of the GPU; 0 on a CPU."""


def list_settings(device: torch.device, rows: int) -> Iterator[Setting]:
    """Yield the first setting, then ones that differ from it by one switch."""
    on_gpu = device.type == "cuda"
    best, *others = available_implementations(device.type, "bf16" if on_gpu else "fp32")
    first = Setting(f"{best}, bounds", best, compile=on_gpu, fused_optimizer=on_gpu, micro_batch_rows=rows)
    yield first
    for other in others:
        yield replace(first, name=other, attention=other)
    yield replace(first, name="no document bounds", document_bounds=False)
    yield replace(first, name="not compiled" if first.compile else "compiled", compile=not first.compile)
    yield replace(first, name="gradient checkpointing", gradient_checkpointing=True)
    yield replace(first, name="all logits at once", loss_chunk_tokens=0)
    if on_gpu:
        yield replace(first, name="optimizer not fused", fused_optimizer=False)
    for count in (rows // 2, rows * 2):
        if count:
            yield replace(first, name=f"{count} rows at once", micro_batch_rows=count)


def make_rows(packed: Path | None, vocabulary: int, length: int, rows: int) -> Rows:
    """Return packed rows from a folder, or random tokens in documents of log-normal length, like web pages."""
    if packed is not None:
        return PackedRows(packed).take(range(rows))
    rng = np.random.default_rng(0)
    ids = rng.integers(0, vocabulary, (rows, length))
    positions, documents = np.zeros_like(ids), np.zeros_like(ids)
    for row in range(rows):
        start = number = 0
        while start < length:
            size = min(length - start, max(16, int(rng.lognormal(6.5, 1.0))))
            positions[row, start : start + size] = np.arange(size)
            documents[row, start : start + size] = number
            start, number = start + size, number + 1
    return Rows(ids, positions, documents)


def count_pairs(rows: Rows, document_bounds: bool) -> int:
    """Return how many pairs of tokens attend: each token to itself and to those before it, by its position."""
    positions = rows.position_ids if document_bounds else np.arange(rows.input_ids.shape[1])
    return int(np.broadcast_to(positions + 1, rows.input_ids.shape).sum())


def make_model(size: str, length: int, attention: str, device: torch.device | str) -> Any:
    """Return a Llama of the given size with random weights, on the device."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    hidden, intermediate, layers, heads, key_value_heads, vocabulary = SIZES[size]
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, max_position_embeddings=length,
        tie_word_embeddings=True,
    )  # fmt: skip
    register_varlen()
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, attn_implementation=attention, dtype=torch.float32)


class Training:
    """A model, its optimizer, and the training step that is timed."""

    def __init__(self, setting: Setting, arguments: argparse.Namespace, device: torch.device) -> None:
        self.setting, self.device = setting, device
        torch.manual_seed(0)
        self.model = make_model(arguments.size, arguments.length, setting.attention, device)
        if setting.gradient_checkpointing:
            self.model.activation_checkpointing_enable({"use_reentrant": False})
        attach_loss(self.model, setting.loss_chunk_tokens, setting.compile)
        keep_stream_narrow(self.model)
        if setting.compile:
            compile_layers(self.model)
        self.model.train()
        groups = group_parameters(self.model, 0.1)
        self.optimizer = torch.optim.AdamW(groups, lr=1e-5, fused=setting.fused_optimizer)

    def step(self, batches: list[Rows]) -> float:
        """Do one optimizer step on micro batches; return the loss, which waits for the device to finish."""
        on_gpu = self.device.type == "cuda"
        total = torch.zeros((), device=self.device)
        for rows in batches:
            inputs, labels = model_inputs(rows, self.setting.attention, self.setting.document_bounds, self.device)
            with torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext():
                loss = self.model(labels=labels, **inputs) / (labels.numel() * len(batches))
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(total)


def measure(setting: Setting, arguments: argparse.Namespace, device: torch.device) -> Speed:
    """Return the speed of a setting: the median step after warm-up, in which memory is allocated and code compiled."""
    training = Training(setting, arguments, device)
    a_step = setting.micro_batch_rows * arguments.micro_batches
    # Rows for three steps; later steps use them again.
    rows = make_rows(arguments.packed, SIZES[arguments.size][-1], arguments.length, 3 * a_step)
    batches = [
        Rows(*(part[start : start + setting.micro_batch_rows] for part in rows))
        for start in range(0, len(rows.input_ids) - setting.micro_batch_rows + 1, setting.micro_batch_rows)
    ]
    times = []
    for number in range(arguments.warm_up + arguments.steps):
        mine = [batches[(number * arguments.micro_batches + i) % len(batches)] for i in range(arguments.micro_batches)]
        _wait(device)
        start = time.perf_counter()
        training.step(mine)
        _wait(device)
        times.append(time.perf_counter() - start)
    seconds, tokens = float(np.median(times[arguments.warm_up :])), a_step * arguments.length
    share = a_step / len(rows.input_ids)
    pairs = count_pairs(rows, setting.document_bounds) * share
    needed, as_palm = (
        training_flops(training.model, tokens, int(n)) / seconds for n in (pairs, tokens * arguments.length)
    )
    memory = torch.cuda.max_memory_allocated() / 1e9 if device.type == "cuda" else 0.0
    return Speed(tokens / seconds, needed, as_palm, memory)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def try_to_measure(setting: Setting, arguments: argparse.Namespace, device: torch.device) -> Speed | str:
    """Return the speed of a setting, or why it cannot run here; the other settings are measured anyway."""
    try:
        return measure(setting, arguments, device)
    except torch.cuda.OutOfMemoryError:
        return "out of memory"
    except (RuntimeError, ImportError, ValueError) as error:  # this card or this build lacks a kernel
        return f"cannot run: {type(error).__name__}: {next(iter(str(error).splitlines()), '')[:80].replace('|', '/')}"


def measure_all(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    peak = measure_peak(device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else describe_machine()
    parameters = count_parameters(make_model(arguments.size, arguments.length, "sdpa", "meta"))
    yield (
        f"{name}, torch {torch.__version__}: {peak / 1e12:.2f} TFLOP/s in matrix products; {parameters:,} parameters,"
        f" rows of {arguments.length} tokens, {arguments.rows} at once, {arguments.micro_batches} micro batches a step"
    )
    yield "\n| setting | tokens/s | ratio | utilisation | as PaLM | memory, GB |\n|---|---|---|---|---|---|"
    first = 0.0
    for setting in list_settings(device, arguments.rows):
        speed = try_to_measure(setting, arguments, device)
        if isinstance(speed, str):
            yield f"| {setting.name} | {speed} | | | | |"
        else:
            rate = speed.tokens_a_second
            first = first or rate
            shares = f"{speed.needed / peak:.1%} | {speed.needed_as_palm / peak:.1%}"
            yield f"| {setting.name} | {rate:,.0f} | {rate / first:.2f} | {shares} | {speed.memory_gb:.1f} |"
        torch._dynamo.reset()
        gc.collect()  # a model has reference cycles
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="1b")
    parser.add_argument("--length", type=int, default=4096, help="tokens in a row")
    parser.add_argument("--rows", type=int, default=4, help="rows in a micro batch")
    parser.add_argument("--micro-batches", type=int, default=4, help="micro batches in a step")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--packed", type=Path, help="a folder of packed rows; without it, random documents")
    parser.add_argument("--table", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    lines = []
    for line in measure_all(arguments):
        print(line, flush=True)
        lines.append(line)
        if arguments.table:  # after each line, so that a run that is cut off leaves the lines it has
            arguments.table.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
