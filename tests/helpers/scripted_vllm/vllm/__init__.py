"""Stands where vLLM would: a scripted engine of the same shape, in a folder that tests put on the path.

A prompt is answered after as many steps as it has words. The tokenizer raises on a prompt with `play spoilt`, and its
chat template refuses the system turn of one with `play no_system`. The engine refuses one with `play refuse`,
`play crash` raises in the middle of a step, `play die` ends the process, and `play endless` never gets an answer.
Every prompt that the engine accepts is a line of $SCRIPTED_VLLM_LOG.
"""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import TemplateError

from vllm.exceptions import VLLMClientError

SamplingParams = EngineArgs = SimpleNamespace


class _Tokenizer:
    def apply_chat_template(self, messages: list[dict[str, str]], **switches: Any) -> str:
        assert (switches.pop("tokenize"), switches.pop("add_generation_prompt")) == (False, True)
        dialogue = "\n".join(message["content"] for message in messages)
        if "play no_system" in dialogue and messages[0]["role"] == "system":
            raise TemplateError("System role not supported")
        return f"{dialogue} {switches}" if switches else dialogue

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        if "play spoilt" in text:
            raise ValueError("no such token")
        return list(text.encode())


class LLMEngine:
    """Answers each prompt after as many steps as it has words."""

    def __init__(self, arguments: SimpleNamespace) -> None:
        self.arguments = arguments
        self.running: dict[str, tuple[str, int]] = {}
        self.log = Path(os.environ["SCRIPTED_VLLM_LOG"])

    @classmethod
    def from_engine_args(cls, arguments: SimpleNamespace) -> "LLMEngine":
        if arguments.dtype == "none":
            raise RuntimeError("CUDA out of memory\nmore lines")
        return cls(arguments)

    def get_tokenizer(self) -> _Tokenizer:
        return _Tokenizer()

    def has_unfinished_requests(self) -> bool:
        return bool(self.running)

    def add_request(self, number: str, prompt: dict[str, list[int]], sampling: SimpleNamespace) -> None:
        text = bytes(prompt["prompt_token_ids"]).decode()
        if "play refuse" in text:
            raise VLLMClientError("The prompt is longer than the context\nmore lines")
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps([os.environ.get("CUDA_VISIBLE_DEVICES"), text]) + "\n")
        self.running[number] = text, 10**12 if "play endless" in text else len(text.split())

    def step(self) -> list[Any]:
        outputs = []
        for number, (text, left) in list(self.running.items()):
            if "play crash" in text and left == 1:
                raise RuntimeError("CUDA out of memory\nmore lines")
            if "play die" in text and left == 1:
                os._exit(1)
            self.running[number] = text, left - 1
            if left == 1:
                del self.running[number]
            answer = SimpleNamespace(text="Type: 1", finish_reason="length", token_ids=[1, 2, 3])
            ids = list(text.encode())
            outputs.append(
                SimpleNamespace(request_id=number, finished=left == 1, outputs=[answer], prompt_token_ids=ids)
            )
        return outputs
