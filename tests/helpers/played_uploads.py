"""A Hugging Face hub that takes uploads, on 127.0.0.1: datasets are made, files uploaded, committed and tagged.

It speaks the part of the hub's protocol that huggingface_hub 2.4 uses with HF_HUB_DISABLE_XET=1: small files come in
the commit, large ones by Git LFS to a second address. The branch main of a dataset is a dictionary of files.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_played"
LARGE_BYTES = 1000


class Uploads:
    """The played hub: what was uploaded to it, by dataset."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.private: dict[str, bool] = {}
        self.objects: dict[str, bytes] = {}
        self.damages = False
        """Whether a byte of each large file is changed on its way."""
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def commit(self, name: str) -> str:
        """Return the hash of a dataset's present content."""
        listed = sorted((path, _git_hash(content)) for path, content in self.files[name].items())
        return hashlib.sha1(json.dumps(listed).encode()).hexdigest()


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Uploads

    def log_message(self, *arguments: object) -> None:
        pass

    def answer(self, status: int, body: Any = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_PUT(self) -> None:
        content = self.body()
        oid = self.path.rsplit("/", 1)[-1]
        assert hashlib.sha256(content).hexdigest() == oid
        self.hub.objects[oid] = content
        self.answer(200)

    def do_GET(self) -> None:
        match = re.match(r"/api/datasets/(\w+/\w+)", self.path)
        assert match, self.path
        name = match[1]
        if name not in self.hub.files:
            return self.answer(404, {"error": "Repository not found"})
        files = self.hub.files[name]
        if "/tree/" not in self.path:
            siblings = [{"rfilename": path} for path in files]
            return self.answer(200, {"id": name, "sha": self.hub.commit(name), "siblings": siblings, "private": True})
        entries = []
        for path, content in files.items():
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _git_hash(content)}
            if len(content) > LARGE_BYTES:
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            entries.append(entry)
        self.answer(200, entries)

    def do_POST(self) -> None:
        body = self.body()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}" and "/lfs/" not in self.path:
            return self.answer(401, {"error": "Invalid username or password."})
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            is_new = name not in self.hub.files
            if is_new:
                self.hub.files[name], self.hub.tags[name], self.hub.private[name] = (
                    {},
                    {},
                    asked.get("visibility") == "private",
                )
            return self.answer(200 if is_new else 409, {"url": f"{self.hub.url}/datasets/{name}", "error": "exists"})
        if path == "/api/validate-yaml":
            return self.answer(200, {"warnings": [], "errors": []})
        if match := re.fullmatch(r"/datasets/(\w+/\w+)\.git/info/lfs/objects/batch", path):
            return self.answer_batch(json.loads(body)["objects"])
        match = re.fullmatch(r"/api/datasets/(\w+/\w+)/(preupload|commit|tag)/(\w+)", path)
        assert match, path
        name, what, revision = match.groups()
        if what == "preupload":
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["size"] > LARGE_BYTES else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self.answer(200, {"files": modes})
        if what == "tag":
            self.hub.tags[name][json.loads(body)["tag"]] = revision
            return self.answer(200, {})
        return self.answer_commit(name, [json.loads(line) for line in body.splitlines()])

    def answer_batch(self, objects: list[dict[str, Any]]) -> None:
        answers = []
        for one in objects:
            actions = {} if one["oid"] in self.hub.objects else {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}
            answers.append(one | ({"actions": actions} if actions else {}))
        self.answer(200, {"transfer": "basic", "objects": answers})

    def answer_commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = self.hub.files[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                content = self.hub.objects[value["oid"]]
                files[value["path"]] = content[:-1] + bytes([content[-1] ^ self.hub.damages])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = self.hub.commit(name)
        self.answer(200, {"commitOid": commit, "commitUrl": f"{self.hub.url}/datasets/{name}/commit/{commit}"})
