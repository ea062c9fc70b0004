"""A server on 127.0.0.1 that knows the answers; it speaks OpenAI's protocol for completions, as vLLM. For tests."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = re.compile(r"\s*\S+|\s+")


def echo(prompt: str, last: float) -> dict[str, Any]:
    """Return a prompt's words as tokens, and one new one; last: the log-probability of the last word."""
    words = TOKEN.findall(prompt)
    starts = [sum(map(len, words[:i])) for i in range(len(words))]
    values: list[float | None] = [None, *(-1.0 for _ in words[1:-1]), last, -2.0]
    best = [None if value is None else {"a": max(-0.1, value)} for value in values]
    found = {"tokens": [*words, " x"], "text_offset": [*starts, len(prompt)]}
    return {"text": f"{prompt} x", "logprobs": found | {"token_logprobs": values, "top_logprobs": best}}


class PlayedServer(ThreadingHTTPServer):
    """Finds the last question of a prompt and answers it rightly, or wrongly."""

    def __init__(self, answers: dict[str, str], right: bool) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.right = answers, right
        self.bodies: list[dict[str, Any]] = []
        self.failures = 0
        """So many of the next requests are answered with status 503."""
        self.echoes = True
        """Whether prompts get their log-probabilities."""
        self.listing = "openai"
        """In whose form the likeliest next tokens are listed: openai or llama.cpp."""

    @property
    def url(self) -> str:
        """The address for params."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def answer_of(self, prompt: str) -> str:
        """Return the answer to the question that comes last in a prompt."""
        question = max(self.answers, key=prompt.rfind)
        assert question in prompt, prompt
        return self.answers[question]

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the one choice of a completion."""
        prompt = body["prompt"]
        if body.get("echo"):
            return self.echo(prompt) if self.echoes else {"text": "", "logprobs": None}
        if body.get("logprobs"):
            return self.list_next(prompt)
        answer = self.answer_of(prompt) if self.right else "-7919"
        if prompt.endswith("```python\n"):
            return {"text": f"print('{answer}')\n```\nand more"}
        if "What of the following is the right choice" in prompt:
            return {"text": f"So. Final Answer: The final answer is ({answer if self.right else 'Z'}). I hope so."}
        return {"text": f" We find that the answer is {answer}.\n\nProblem:\nAnother one"}

    def list_next(self, prompt: str) -> dict[str, Any]:
        """Return the likeliest next tokens: first the right letter (or a wrong one), then no letter of an option."""
        letter = self.answer_of(prompt)
        listed = {f" {letter if self.right else 'D' if letter != 'D' else 'C'}": -0.2, " the": -3.5, letter: -3.0}
        if self.listing == "openai":
            return {"text": " x", "logprobs": {"tokens": [" x"], "top_logprobs": [listed]}}
        top = [{"token": token, "logprob": value} for token, value in listed.items()]
        return {"text": " x", "logprobs": {"content": [{"token": " x", "logprob": -0.2, "top_logprobs": top}]}}

    def echo(self, prompt: str) -> dict[str, Any]:
        """Return the words of a prompt as tokens, and one new token; the likeliest last word is the right letter."""
        context, _, letter = prompt.rpartition(" ")
        return echo(prompt, -0.1 if (letter == self.answer_of(context)) == self.right else -9.0)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: PlayedServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body | {"path": self.path})
        if self.server.failures:
            self.server.failures -= 1
            return self.send(503, {"error": "busy"})
        return self.send(200, {"choices": [{"index": 0, **self.server.complete(body)}]})

    def send(self, status: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def play_completions(
    answers: dict[str, str], right: bool = True, kind: type[PlayedServer] = PlayedServer
) -> Iterator[PlayedServer]:
    """Yield a running server; answers: by question."""
    server = kind(answers, right)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
