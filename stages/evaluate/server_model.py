"""A model behind a server that speaks OpenAI's protocol, as lm-eval asks it.

Prompts go to the endpoint for completions, as text: a worked example must not get into a chat template. lm-eval's own
`local-completions` needs the model's tokenizer beside the server; here the server says where its tokens begin.
"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
from lm_eval.api.model import LM

from mathcode_pile.core.errors import PipelineError
from stages.evaluate.evaluate_params import ServerParams

KEY_VARIABLE = "MATHCODE_API_KEY"
T = TypeVar("T")
# Answers of these kinds may change if the request is repeated.
PASSING = {408, 409, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT_S = 30
NO_ECHO = (
    "it gives no log-likelihoods of a prompt (echo with logprobs), which the task needs; with next_tokens: 100 they "
    "come from the likeliest next tokens"
)


class ServerModel(LM):  # type: ignore[misc] # lm-eval has no types
    """Asks a server; raises PipelineError where it cannot be reached or its answers lack what a task needs."""

    def __init__(self, name: str, params: ServerParams, cut_to: int | None = None) -> None:
        """name: of the entry in evaluate.models, for error messages.

        cut_to: the model's context in tokens, for a server of vLLM: it cuts off the beginning of a longer prompt.
        """
        super().__init__()
        self.name, self.params, self.cut_to = name, params, cut_to
        key = os.environ.get(KEY_VARIABLE, "")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=params.timeout_s,
            limits=httpx.Limits(max_connections=params.concurrency),
            trust_env=False,
        )

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Return each (context, continuation)'s log-likelihood, and whether the continuation is the likeliest."""
        if not self.params.next_tokens:
            return self._map(lambda request: self._score(*request.args), requests)
        contexts = list(dict.fromkeys(request.args[0] for request in requests))
        listed = dict(zip(contexts, self._map(self._list_next, contexts), strict=True))
        return [_look_up(listed[context], continuation) for context, continuation in (r.args for r in requests)]

    def generate_until(self, requests: list[Any]) -> list[str]:
        """Return the continuation of each (prompt, settings)."""
        return self._map(lambda request: self._continue(*request.args), requests)

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        """None of our tasks asks for this."""
        raise NotImplementedError

    def _map(self, work: Callable[[Any], T], requests: Sequence[Any]) -> list[T]:
        with ThreadPoolExecutor(self.params.concurrency) as pool:
            return list(pool.map(work, requests))

    def _continue(self, prompt: str, settings: dict[str, Any]) -> str:
        stop = list(settings["until"])
        body = {"prompt": prompt, "max_tokens": settings["max_gen_toks"], "seed": settings.get("seed", 0)}
        body |= {"temperature": settings.get("temperature", 0.0), "stop": stop[:4]}
        if self.cut_to is not None:
            body |= {"truncate_prompt_tokens": self.cut_to - settings["max_gen_toks"]}
        text = self._ask(body).get("text")
        if not isinstance(text, str):
            raise self._error("its answer has no text")
        # OpenAI's protocol takes at most four stop sequences, and some servers return the one that they found.
        return text[: min([place for word in stop if (place := text.find(word)) >= 0], default=len(text))]

    def _score(self, context: str, continuation: str) -> tuple[float, bool]:
        prompt = context + continuation
        # The echo holds the prompt's own log-probabilities. One token more is asked for, since not all servers take 0.
        choice = self._ask({"prompt": prompt, "max_tokens": 1, "temperature": 0, "logprobs": 1, "echo": True})
        found = choice.get("logprobs") or {}
        try:
            starts, values, best = found["text_offset"], found["token_logprobs"], found["top_logprobs"]
            ends = [*starts[1:], len(prompt) + 1]
            # A token that begins in the context and ends in the continuation is counted.
            inside = [i for i, start in enumerate(starts) if start < len(prompt) and ends[i] > len(context)]
            total = sum(float(values[i]) for i in inside)
            is_greedy = all(values[i] >= max(best[i].values()) for i in inside)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError):
            inside = []
        if not inside:
            raise self._error(NO_ECHO)
        return total, is_greedy

    def _list_next(self, context: str) -> dict[str, float]:
        """Return the likeliest next tokens after a context, with their log-probabilities."""
        choice = self._ask({"prompt": context, "max_tokens": 1, "temperature": 0, "logprobs": self.params.next_tokens})
        found = choice.get("logprobs") or {}
        try:
            if "content" in found:  # llama.cpp answers in the form of the endpoint for chats
                listed = {token["token"]: float(token["logprob"]) for token in found["content"][0]["top_logprobs"]}
            else:
                listed = {token: float(value) for token, value in found["top_logprobs"][0].items()}
        except (KeyError, TypeError, IndexError, AttributeError, ValueError):
            listed = {}
        if not listed:
            raise self._error("it gives no log-likelihoods of the next token (logprobs), which the task needs")
        return listed

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the first choice of a completion."""
        for attempt in range(1, self.params.max_attempts + 1):
            is_last = attempt == self.params.max_attempts
            try:
                answer = self._client.post(
                    f"{self.params.url.rstrip('/')}/completions", json={"model": self.params.name} | body
                )
            except httpx.HTTPError as error:
                if is_last:
                    raise self._error(f"{type(error).__name__}: {error}") from error
            else:
                if answer.status_code == 200:
                    return self._read_choice(answer)
                if is_last or answer.status_code not in PASSING:
                    raise self._error(f"status {answer.status_code}: {' '.join(answer.text[:300].split())}")
            time.sleep(min(2.0 ** (attempt - 1), LONGEST_WAIT_S))
        raise AssertionError("max_attempts is positive")

    def _read_choice(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            choice = answer.json()["choices"][0]
        except (ValueError, KeyError, IndexError, TypeError):
            choice = None
        if not isinstance(choice, dict):
            raise self._error(f"not an answer of OpenAI's protocol: {' '.join(answer.text[:300].split())}")
        return choice

    def _error(self, message: str) -> PipelineError:
        return PipelineError(f"evaluate.models.{self.name}: {self.params.url}: {message}")


def _look_up(listed: dict[str, float], continuation: str) -> tuple[float, bool]:
    value = listed.get(continuation, min(listed.values()))
    return value, continuation in listed and value == max(listed.values())
