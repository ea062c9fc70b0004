"""How fast a run is: for the terminal and the scratch log, never for files in Git."""

import time
from typing import Any

import torch
from accelerate import Accelerator

from mathcode_pile.language_model import flops_a_token


class Speeds:
    """Tokens a second, model FLOPs and memory of the last step."""

    def __init__(self, model: Any, sequence_length: int, accelerator: Accelerator) -> None:
        self.flops_a_token = flops_a_token(model, sequence_length)
        self.device, self.devices = accelerator.device, accelerator.num_processes
        self.peak = measure_peak(self.device) if self.device.type == "cuda" else None
        self._start = 0.0
        self._last: dict[str, float] = {}

    def start(self) -> None:
        """Begin a step."""
        self._start = time.perf_counter()

    def stop(self, tokens: int) -> dict[str, float]:
        """End a step of so many tokens; return its speeds. The loss was read, so the device has finished."""
        rate = tokens / (time.perf_counter() - self._start)
        self._last = {"tokens_a_second": rate, "teraflops": rate * self.flops_a_token / 1e12}
        if self.peak:
            self._last["flops_utilisation"] = rate * self.flops_a_token / (self.peak * self.devices)
            self._last["memory_gb"] = torch.cuda.max_memory_allocated(self.device) / 1e9
        return self._last

    def describe(self, loss: float) -> str:
        """Return the bar's text."""
        used = self._last.get("flops_utilisation")
        return f"loss {loss:.3f}, {self._last['tokens_a_second']:,.0f} tokens/s" + (
            f", {used:.0%} of peak" if used else ""
        )


def measure_peak(device: torch.device, size: int = 8192, rounds: int = 20) -> float:
    """Return the floating-point operations a second of bf16 matrix products of this size on a GPU."""
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        left @ right
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(rounds):
        left @ right
    torch.cuda.synchronize(device)
    return 2 * size**3 * rounds / (time.perf_counter() - start)
