"""Ask servers that speak OpenAI's protocol: vLLM, TGI, llama.cpp, a hosted one.

A failed attempt is repeated within limits. A prompt that still fails while the servers answer others is a named
failure. Where the servers answer no prompt at all, the run stops with one line.
"""

import asyncio
import json
import os
import random
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.llm.cache import Completion, Failure
from mathcode_pile.llm.prompts import Prompt, ask_plainly
from mathcode_pile.llm.reasons import NoReply
from mathcode_pile.llm.settings import ServerParams, Task
from mathcode_pile.llm.thoughts import join_thought

KEY_VARIABLE = "MATHCODE_API_KEY"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Keep = Callable[[Completion], None]


class _AttemptError(Exception):
    """An attempt that failed and may be repeated."""

    def __init__(self, reason: NoReply, detail: str = "", wait_s: float = 0) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.wait_s = reason, detail, wait_s


class _RefusedError(_AttemptError):
    """An attempt that would fail again: the server refuses the prompt."""


class ServedModel:
    """Sends prompts to servers from a thread of its own, a limited number at once."""

    def __init__(self, task: Task, params: ServerParams) -> None:
        self.task = task
        self.params = params
        # The asker submits so many prompts before it waits for the oldest answer; the servers never run out.
        self.window = 4 * self.params.concurrency
        self._key = os.environ.get(KEY_VARIABLE, "")
        self._resting: dict[str, float] = {}
        self._turn = 0
        self._refuses_schema = False
        self._stopped: PipelineError | None = None
        self._last_success = float("-inf")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)

    def open(self) -> None:
        """Start the thread; no prompt is sent yet."""
        self._thread.start()
        self._run(self._open()).result()

    def submit(self, prompt: Prompt, keep: Keep) -> "Future[Completion | Failure]":
        """Ask a prompt; `keep` is called with the answer as soon as it comes.

        The future raises PipelineError where the servers answer no prompt at all.
        """
        return self._run(self._answer(prompt, keep))

    def close(self) -> None:
        """Stop the thread; requests that are under way are dropped."""
        if self._thread.is_alive():
            self._run(self._close()).result(timeout=30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=30)
        self._loop.close()

    def _run(self, work: "Coroutine[Any, Any, Any]") -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self) -> None:
        size = self.params.concurrency
        self._slots = asyncio.Semaphore(size)
        self._probing = asyncio.Lock()
        near = all(urlsplit(url).hostname in _LOOPBACK for url in self.params.base_urls)
        # aiohttp, because httpx takes 2.8 ms of processor time a request (bench/llm.py), several times as much.
        self._client = aiohttp.ClientSession(
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            connector=aiohttp.TCPConnector(limit=size),
            timeout=aiohttp.ClientTimeout(total=self.params.timeout_s),
            trust_env=not near,  # a proxy of the environment is not for servers on this machine
        )

    async def _close(self) -> None:
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    async def _answer(self, prompt: Prompt, keep: Keep) -> "Completion | Failure":
        started = self._loop.time()
        # Waits differ between prompts, so that not all of them reach a restarted server at once.
        spread = random.Random(prompt.question)
        refused: set[str] = set()
        for attempt in range(1, self.params.max_attempts + 1):
            try:
                async with self._slots:
                    if self._stopped:
                        raise self._stopped
                    url = self._choose_url(refused)
                    completion = await self._complete(url, prompt)
            except _RefusedError as error:
                self._last_success = self._loop.time()
                return Failure(error.reason, self._redact(error.detail))
            except _AttemptError as error:
                last = error
                if error.reason in (NoReply.NO_CONNECTION, NoReply.BROKEN_CONNECTION) and (why := self._why_down()):
                    raise self._stop(why) from error
                if error.reason is NoReply.NO_CONNECTION:
                    refused.add(url)
                    self._resting[url] = self._loop.time() + self.params.max_backoff_s
                if attempt < self.params.max_attempts:
                    wait = self.params.backoff_s * 2 ** (attempt - 1) * spread.uniform(0.75, 1.25)
                    await asyncio.sleep(min(max(wait, error.wait_s), self.params.max_backoff_s))
            else:
                self._last_success = self._loop.time()
                keep(completion)
                return completion
        await self._make_sure_of_a_server(started, last)
        return Failure(last.reason, self._redact(f"{last.detail} ({self.params.max_attempts} attempts)".strip()))

    def _why_down(self) -> str:
        """Return why the servers will never answer again; empty where that is not known."""
        return ""

    def _choose_url(self, tried: set[str]) -> str:
        """Return the next server in turn; one that refused a connection, to this prompt or recently, comes last."""
        urls = self.params.base_urls
        self._turn += 1
        now = self._loop.time()
        order = [urls[(self._turn + i) % len(urls)] for i in range(len(urls))]
        return min(order, key=lambda url: (url in tried, self._resting.get(url, 0) > now))

    async def _complete(self, url: str, prompt: Prompt) -> Completion:
        """Ask once, with the task's schema where there is one; a server that refuses the schema is asked without."""
        limit = self.task.max_completion_tokens
        if self.task.schema and not self._refuses_schema:
            try:
                return await self._attempt(url, self._body(prompt, limit, self.task.schema))
            except _RefusedError:
                completion = await self._attempt(url, self._body(prompt, limit))  # raises where the prompt is refused
                self._refuses_schema = True
                say(f"{self.task.stage}: {url} takes no JSON schema, so answers are free text")
                return completion
        return await self._attempt(url, self._body(prompt, limit))

    def _body(self, prompt: Prompt, max_tokens: int, schema: dict[str, Any] | None = None) -> dict[str, Any]:
        model = self.task.model
        body = {
            "model": self.params.name or model.id,
            "messages": prompt.messages,
            "max_tokens": max_tokens,
            "temperature": model.temperature,
            "top_p": model.top_p,
            "seed": model.seed + prompt.sample,
        }
        # Not every server knows these fields, and some refuse fields that they do not know.
        if model.chat_template_kwargs:
            body["chat_template_kwargs"] = model.chat_template_kwargs
        if schema:
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    async def _attempt(self, url: str, body: dict[str, Any]) -> Completion:
        address, data = f"{url.rstrip('/')}/chat/completions", json.dumps(body).encode()
        try:
            async with self._client.post(address, data=data, allow_redirects=False) as response:
                content = await response.read()
        except TimeoutError:
            raise _AttemptError(NoReply.SERVER_TIMEOUT, f"no answer in {self.params.timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            raise _AttemptError(NoReply.NO_CONNECTION, str(error)) from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _AttemptError(NoReply.BROKEN_CONNECTION, type(error).__name__) from error
        if response.status != 200:
            raise self._status_error(url, response.status, content, response.headers.get("Retry-After", ""))
        return read_completion(content)

    def _status_error(self, url: str, status: int, content: bytes, retry_after: str) -> Exception:
        if status in (401, 403):
            return self._stop(f"{url} answers {status}: is {KEY_VARIABLE} set to a key it takes?")
        if status == 404:
            name = self.params.name or self.task.model.id
            return self._stop(f"{url} answers 404: a wrong address, or it does not serve {name!r}")
        detail = f"status {status}: {_excerpt(content)}"
        if status in (400, 413, 422):
            return _RefusedError(NoReply.REFUSED_BY_SERVER, detail)
        return _AttemptError(NoReply.HTTP_ERROR, detail, _seconds(retry_after))

    async def _make_sure_of_a_server(self, since: float, last: _AttemptError) -> None:
        """Stop the run where the servers have answered no prompt since a time and do not answer a probe now."""
        async with self._probing:
            if self._stopped:
                raise self._stopped
            if self._last_success > since:
                return
            for url in self.params.base_urls:
                try:
                    await self._attempt(url, self._body(ask_plainly("Say yes."), 1))
                except _RefusedError:
                    pass
                except _AttemptError:
                    continue
                self._last_success = self._loop.time()
                return
            detail = self._redact(f"{last.reason} {last.detail}".strip())
            raise self._stop(f"no answer from {', '.join(self.params.base_urls)}: {detail}")

    def _stop(self, message: str) -> PipelineError:
        way_on = "every reply so far is kept: when this is mended, run the same command again"
        self._stopped = PipelineError(f"{self.task.stage}: {self._redact(message)}; {way_on}")
        return self._stopped

    def _redact(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


def _excerpt(content: bytes) -> str:
    return " ".join(content[:300].decode("utf-8", "replace").split())


def read_completion(content: bytes) -> Completion:
    """Return the completion that a server answered with; raises _AttemptError where it is none, or has no text."""
    try:
        answer = json.loads(content)
        choice = answer["choices"][0]
        message = choice["message"]
        thought, text = _read_content(message.get("content"))
        for name in ("reasoning_content", "reasoning"):  # as most servers call it; as newer ones of vLLM do
            thought = thought or _read_content(message.get(name))[1]
        usage = answer.get("usage") or {}
        tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    except IndexError:
        raise _AttemptError(NoReply.EMPTY_ANSWER, "no choice") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _AttemptError(NoReply.GARBLED_ANSWER, _excerpt(content)) from error
    is_cut = choice.get("finish_reason") == "length"
    reply = join_thought(thought, text)
    # A server that hides thoughts sends no text where the thought took all tokens. To ask again would not help.
    if not reply.strip() and not is_cut:
        raise _AttemptError(NoReply.EMPTY_ANSWER, "no text")
    # JSON may hold half a surrogate pair; no text may.
    return Completion(reply.encode("utf-8", "replace").decode(), is_cut, *tokens)


def _read_content(content: Any) -> tuple[str, str]:
    """Return the thought and the text of a message's content: a string, null, or a list of parts."""
    if isinstance(content, str):
        return "", content
    thought, text = "", ""
    for part in content if isinstance(content, list) else []:
        if isinstance(part, str):
            text += part
        elif part["type"] == "thinking":
            thought += "".join(_read_content(part["thinking"]))
        elif part["type"] in ("text", "output_text"):
            text += part["text"]
    return thought, text


def _seconds(retry_after: str) -> float:
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return 0.0
