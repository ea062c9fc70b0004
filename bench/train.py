"""Measure training: tokens a second and model FLOPs utilisation, and what each switch gives.

    python -m bench.train                              a 1B Llama, 4,096 tokens, bf16, on one GPU
    python -m bench.train --size tiny --length 256     a small one, where there is no GPU

Utilisation is against the card's measured peak: the rate of large bf16 matrix products (float32 on a CPU). FLOPs are 6
a weight and token, and attention's over the whole row, so attention that stops at document bounds counts as if it
did not. Each line differs from the first by one switch.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import torch

from mathcode_pile.attention import available_implementations, model_inputs
from mathcode_pile.language_model import attach_loss, count_parameters, flops_a_token
from mathcode_pile.packed import PackedRows, Rows
from mathcode_pile.pretrain.training import group_parameters

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
    rows: int = 4


def list_settings(device: str, rows: int) -> Iterator[Setting]:
    """Yield the first setting, then ones that differ from it by one switch."""
    implementations = available_implementations(device)
    on_gpu = device == "cuda"
    first = Setting(
        f"{implementations[0]}, bounds", implementations[0], compile=on_gpu, fused_optimizer=on_gpu, rows=rows
    )
    yield first
    for other in implementations[1:]:
        yield replace(first, name=other, attention=other)
    yield replace(first, name="no document bounds", document_bounds=False)
    yield replace(first, name="not compiled" if first.compile else "compiled", compile=not first.compile)
    yield replace(first, name="gradient checkpointing", gradient_checkpointing=True)
    yield replace(first, name="all logits at once", loss_chunk_tokens=0)
    if on_gpu:
        yield replace(first, name="optimizer not fused", fused_optimizer=False)
    for count in (rows // 2, rows * 2):
        if count:
            yield replace(first, name=f"{count} rows at once", rows=count)


def make_rows(packed: Path | None, vocabulary: int, length: int, rows: int) -> Rows:
    """Return packed rows from a folder, or random tokens in documents of log-normal lengths, as web pages have."""
    if packed is not None:
        return PackedRows(packed).batch(0, rows)
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


def make_model(size: str, length: int, attention: str, device: str) -> Any:
    """Return a Llama of a size with random weights, on the device."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    hidden, intermediate, layers, heads, key_value_heads, vocabulary = SIZES[size]
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, max_position_embeddings=length,
        tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, attn_implementation=attention)


def measure(setting: Setting, arguments: argparse.Namespace, device: str) -> tuple[float, float, float]:
    """Return tokens a second, FLOPs of a token, and the highest memory in GB (0 on a CPU)."""
    model = make_model(arguments.size, arguments.length, setting.attention, device)
    flops = flops_a_token(model, arguments.length)
    if setting.gradient_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    attach_loss(model, setting.loss_chunk_tokens)
    model.train()
    optimizer = torch.optim.AdamW(group_parameters(model, 0.1), lr=1e-4, fused=setting.fused_optimizer)
    if setting.compile:
        model.base_model.compile(dynamic=False)
    rows = make_rows(arguments.packed, model.config.vocab_size, arguments.length, setting.rows)
    inputs, labels = model_inputs(rows, setting.attention, setting.document_bounds, device)
    precision = torch.autocast("cuda", torch.bfloat16) if device == "cuda" else nullcontext()
    times = []
    for _ in range(arguments.warm_up + arguments.steps):
        start = time.perf_counter()
        with precision:
            loss = model(labels=labels, **inputs) / labels.numel()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()  # waits for the device
        times.append(time.perf_counter() - start)
    memory = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0
    return rows.input_ids.size / float(np.median(times[arguments.warm_up :])), flops, memory


def measure_peak(device: str) -> float:
    """Return the FLOPs a second of large matrix products, in bf16 on a GPU and float32 on a CPU."""
    size, kind = (8192, torch.bfloat16) if device == "cuda" else (2048, torch.float32)
    left, right = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    times = []
    for _ in range(12):
        start = time.perf_counter()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 2 * size**3 / float(np.median(times[2:]))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="1b")
    parser.add_argument("--length", type=int, default=4096, help="tokens of a row")
    parser.add_argument("--rows", type=int, default=4, help="rows at once")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--packed", type=Path, help="a folder of packed rows; else random documents")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.set_float32_matmul_precision("high")
    peak = measure_peak(device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    parameters = count_parameters(make_model(arguments.size, arguments.length, "sdpa", "meta"))
    print(
        f"{name}: {peak / 1e12:.2f} TFLOP/s in matrix products; {parameters:,} parameters, rows of {arguments.length}\n"
    )
    print("| setting | tokens/s | ratio | utilisation | memory, GB |\n|---|---|---|---|---|")
    first = 0.0
    for setting in list_settings(device, arguments.rows):
        try:
            rate, flops, memory = measure(setting, arguments, device)
        except torch.cuda.OutOfMemoryError:
            print(f"| {setting.name} | out of memory | | | |")
        else:
            first = first or rate
            used = rate * flops / peak
            print(f"| {setting.name} | {rate:,.0f} | {rate / first:.2f} | {used:.1%} | {memory:.1f} |", flush=True)
        gc.collect()
        torch._dynamo.reset()
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
