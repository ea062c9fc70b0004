"""A server that speaks OpenAI's protocol and plays the failures that a prompt names; for tests and bench/.

Run as a process of its own: `python tests/helpers/scripted_server.py --log FILE`; it prints its port. A prompt
whose last turn contains `play http_500 2;` gets two answers of status 500 and then a good one; `play hang 99;`
never gets one. Every request is a line of the log.
"""

import argparse
import asyncio
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import played_completions
import played_model

PLAY = re.compile(r"play (\w+) (\d+);")


def read_text(content: str | list[dict[str, Any]]) -> str:
    """Return a message's text, the one beside a picture too."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class Server(asyncio.Protocol):
    """One connection."""

    seen: ClassVar[Counter[str]] = Counter()
    asked = 0
    waiting: ClassVar[set["Server"]] = set()
    most = 0
    arguments: argparse.Namespace
    log: Any = None

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = re.search(rb"content-length: *(\d+)", self.buffer[:end], re.IGNORECASE)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < size:
                return
            head, body = self.buffer[:end].decode(), self.buffer[end + 4 : size]
            self.buffer = self.buffer[size:]
            self.answer(head, json.loads(body or b"{}"))

    def answer(self, head: str, body: dict[str, Any]) -> None:
        if head.startswith("GET /v1/models "):
            return self.send(200, json.dumps({"data": [{"id": self.arguments.name}]}))
        is_chat = "messages" in body
        text = read_text(body["messages"][-1]["content"]) if is_chat else body["prompt"]
        Server.seen[text] += 1
        Server.asked += 1
        Server.waiting.add(self)
        if len(Server.waiting) > Server.most and self.arguments.most:
            Server.most = len(Server.waiting)
            self.arguments.most.write_text(str(Server.most), encoding="utf-8")
        if self.log:
            self.log.write(json.dumps(body) + "\n")
            self.log.flush()
        key = re.search(r"authorization: *(.*)", head, re.IGNORECASE)
        if self.arguments.key and (not key or key[1].strip() != f"Bearer {self.arguments.key}"):
            return self.send(401, json.dumps({"error": f"no such key: {key and key[1]}"}))
        if self.arguments.die_after and Server.asked > self.arguments.die_after:
            os._exit(1)
        if self.arguments.no_schema and "response_format" in body:
            return self.send(400, json.dumps({"error": "unknown field: response_format"}))
        play = PLAY.search(text)
        if play and Server.seen[text] <= int(play[2]):
            return self.fail(play[1])
        asyncio.get_running_loop().call_later(
            self.arguments.delay, self.send, 200, self.good(body, text) if is_chat else self.complete(body)
        )
        return None

    def reply(self, body: dict[str, Any], text: str) -> str:
        if self.arguments.plays_model:
            return played_model.answer(text)
        return self.arguments.reply.replace("{text}", text).replace("{seed}", str(body.get("seed")))  # type: ignore[no-any-return]

    def complete(self, body: dict[str, Any]) -> str:
        prompt = body["prompt"]
        choice = played_completions.echo(prompt, -1.0) if body.get("echo") else {"text": self.reply(body, prompt)}
        return json.dumps({"choices": [{"index": 0, "finish_reason": self.arguments.finish} | choice]})

    def good(self, body: dict[str, Any], text: str) -> str:
        messages = body["messages"]
        message = {"role": "assistant", "content": self.reply(body, text)}
        size = sum(len(read_text(message["content"])) for message in messages)
        usage = {"prompt_tokens": size // 4, "completion_tokens": 8}
        choice = {"index": 0, "message": message, "finish_reason": self.arguments.finish}
        return json.dumps({"choices": [choice], "usage": usage})

    def fail(self, name: str) -> None:
        if name == "hang":
            return
        if name == "broken":
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self.transport.close()
            return
        answers = {
            "garbage": (200, "<html>Bad gateway</html>"),
            "no_choice": (200, '{"choices": []}'),
            "no_text": (200, '{"choices": [{"message": {"content": null}}]}'),
            "strange": (200, '{"choices": {"a": 1}}'),
        }
        self.send(*answers.get(name) or (int(name.removeprefix("http_")), '{"error": "played"}'))

    def connection_lost(self, error: Exception | None) -> None:
        Server.waiting.discard(self)

    def send(self, status: int, body: str) -> None:
        Server.waiting.discard(self)
        data = body.encode()
        more = f"Retry-After: {self.arguments.retry_after}\r\n" if status == 429 else ""
        head = (
            f"HTTP/1.1 {status} Played\r\nContent-Type: application/json\r\n{more}Content-Length: {len(data)}\r\n\r\n"
        )
        if not self.transport.is_closing():
            self.transport.write(head.encode() + data)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path)
    parser.add_argument("--reply", default="Type: 2", help="{text} in it becomes the prompt's last turn")
    parser.add_argument("--plays-model", action="store_true", help="answer as a model would, see played_model.py")
    parser.add_argument("--finish", default="stop", help="why its answers end; length: at the token limit")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--key", default="")
    parser.add_argument("--retry-after", default="0", help="what an answer of status 429 says")
    parser.add_argument("--name", default="small", help="the model that it says it serves")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--die-after", type=int, default=0, help="requests answered before it ends")
    parser.add_argument("--most", type=Path, help="a file for the largest number of requests that waited at once")
    parser.add_argument("--no-schema", action="store_true", help="refuse requests with a JSON schema")
    Server.arguments = parser.parse_args()
    if Server.arguments.log:
        Server.log = Server.arguments.log.open("a", encoding="utf-8")
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", Server.arguments.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
