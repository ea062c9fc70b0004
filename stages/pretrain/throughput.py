"""Measure how fast a run is: for the terminal and the log in the scratch folder, never for files in Git."""

import time

import torch


class Throughput:
    """The last step's tokens a second, model FLOPs, share of the devices' peak, and memory."""

    def __init__(self, device: torch.device, devices: int) -> None:
        self.device = device
        self.peak = measure_peak(device) * devices
        self._start = 0.0
        self._last: dict[str, float] = {}

    def start(self) -> None:
        """Start the clock of a step."""
        self._start = time.perf_counter()

    def stop(self, tokens: int, flops: float) -> dict[str, float]:
        """Stop the clock and return the step's numbers; flops: its operations.

        The device has finished the step, because its loss was read.
        """
        seconds = time.perf_counter() - self._start
        self._last = {
            "tokens_a_second": tokens / seconds,
            "teraflops": flops / seconds / 1e12,
            "flops_utilisation": flops / seconds / self.peak,
        }
        if self.device.type == "cuda":
            self._last["memory_gb"] = torch.cuda.max_memory_allocated(self.device) / 1e9
        return self._last

    def describe(self, loss: float) -> str:
        """Return the text of the progress bar."""
        used = f"{self._last['flops_utilisation']:.0%} of peak"
        memory = f", {self._last['memory_gb']:.1f} GB" if "memory_gb" in self._last else ""
        return f"loss {loss:.3f}, {self._last['tokens_a_second']:,.0f} tokens/s, {used}{memory}"


def measure_peak(device: torch.device, rounds: int = 12) -> float:
    """Return the operations a second of large matrix products, in bf16 on a GPU and in 32 bits on a CPU.

    It is the median of all rounds but the first two, which choose a kernel. A GPU's clock varies.
    """
    on_gpu = device.type == "cuda"
    size, kind = (8192, torch.bfloat16) if on_gpu else (1024, torch.float32)
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(size, size, device=device, dtype=kind, generator=generator) for _ in range(2))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        left @ right
        if on_gpu:
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / sorted(times[2:])[len(times[2:]) // 2]
