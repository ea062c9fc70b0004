"""Measure the client of model servers: prompts a second against a server that answers at once, and its memory.

    python -m bench.llm --requests 100000

Every prompt is new, and every reply is written to the cache. It is compared with a plain loop over httpx, with the same
server and the same concurrency but no cache.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import typer

from bench.table import Row, describe_machine, to_markdown
from mathcode_pile.llm.asker import Asker, Reply, open_backend
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.prompts import Prompt, ask_plainly
from mathcode_pile.llm.settings import ModelParams, ServerParams, Task

TEXT = "The sum of the first n odd numbers is n^2: draw each as a corner around a square of stones. " * 20


def make_prompts(count: int) -> Iterator[tuple[int, Prompt]]:
    """Yield `count` different prompts of 2 kB."""
    for index in range(count):
        yield index, ask_plainly(f"{index}: {TEXT}")


def measure_client(url: str, requests: int, concurrency: int) -> tuple[float, float, list[float]]:
    """Return prompts a second of wall time and of this process's processor time, and MB of memory after each tenth."""
    server = ServerParams(base_urls=(url,), concurrency=concurrency)
    model = ModelParams(id="m", revision="1", tokenizer="bytes", context_tokens=8192, openai=server)
    task = Task("bench", "openai", model, 16, 0.01)
    megabytes: list[float] = []
    me = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(task, open_backend(task), ReplyCache(Path(folder)))
        start, busy = time.monotonic(), sum(os.times()[:2])
        for index, reply in asker.ask(make_prompts(requests), requests, "prompt"):
            assert isinstance(reply, Reply) and not reply.failure
            if (index + 1) % max(1, requests // 10) == 0:
                megabytes.append(me.memory_info().rss / 1e6)
        seconds, busy = time.monotonic() - start, sum(os.times()[:2]) - busy
        asker.close()
    return requests / seconds, requests / busy, megabytes


async def ask_with_httpx(url: str, requests: int, concurrency: int) -> None:
    """Ask with httpx alone and throw the answers away."""
    slots = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, timeout=600, trust_env=False) as client:

        async def one(prompt: Prompt) -> None:
            async with slots:
                body = {"model": "m", "messages": prompt.messages, "max_tokens": 16}
                (await client.post(f"{url}/chat/completions", json=body)).json()

        await asyncio.gather(*(one(prompt) for _, prompt in make_prompts(requests)))


def compare(megabytes: int) -> list[Row]:
    """Return the rows; megabytes: 100 means 20,000 prompts. The server gets its own core if there are two."""
    return measure(200 * megabytes, concurrency=64, plain=30 * megabytes)


def measure(requests: int, concurrency: int, plain: int) -> list[Row]:
    """Return the rows, from `requests` prompts asked by our client and `plain` asked by httpx alone."""
    program = Path(__file__).resolve().parents[1] / "tests" / "helpers" / "scripted_server.py"
    server = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        start, busy = time.monotonic(), sum(os.times()[:2])
        asyncio.run(ask_with_httpx(url, plain, concurrency))
        other, other_busy = plain / (time.monotonic() - start), plain / (sum(os.times()[:2]) - busy)
        wall, cpu, memory = measure_client(url, requests, concurrency)
    finally:
        server.kill()
        server.wait()
    note = f"memory {memory[0]:.0f} MB after a tenth, {memory[-1]:.0f} MB at the end of {requests:,}"
    return [
        Row("prompts asked, wall time", wall, other, "prompts/s", "httpx alone, without a cache", note),
        Row("prompts asked, processor time of the client", cpu, other_busy, "prompts/s", "httpx alone"),
    ]


def main(requests: int = 100_000, concurrency: int = 64, plain: int = 3_000) -> None:
    """Print the table."""
    print(f"{describe_machine()}\n\n{to_markdown(measure(requests, concurrency, plain))}")


if __name__ == "__main__":
    typer.run(main)
