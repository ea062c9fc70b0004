"""A Hugging Face hub on 127.0.0.1: the part of its HTTP API that huggingface_hub speaks to read repositories.

Run as a process of its own: `python tests/helpers/played_hub.py FOLDER --log FILE`; it prints its address.
FOLDER holds `datasets/<owner>/<name>/...` and `models/<owner>/<name>/...`, each with one commit, whose hash
follows from its content. A repository's `.play.json`, which is no file of it, says what is played:

    {"gated": true}                        bodies need the token, the listing does not
    {"private": true}                      without the token there is no such repository
    {"data/a.parquet": ["cut", "busy"]}    what the first answers for a file do; then it is given whole

cut ends the connection in the middle of the body, busy is a 429 with Retry-After, down a 503, corrupt changes
one byte, whole ignores a Range, stall ends in the middle of a body without a word. Large files lie on a second
server, as on the hub: it knows Range and If-Range, and refuses a request with an Authorization header. Every
request is a JSON line of the log.
"""

import argparse
import hashlib
import json
import re
import threading
import time
from collections import Counter
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_played"
# Git holds files up to this, the second server larger ones.
LARGE_BYTES = 400
PAGE_ENTRIES = 2


class Repository:
    """One repository and its one commit."""

    def __init__(self, folder: Path) -> None:
        play = folder / ".play.json"
        self.play: dict[str, Any] = json.loads(play.read_text()) if play.is_file() else {}
        self.files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path != play
        }
        listed = "".join(f"{name} {git_hash(content)}\n" for name, content in self.files.items())
        self.commit = hashlib.sha1(listed.encode()).hexdigest()

    def describe(self, name: str) -> dict[str, Any]:
        """Return a file's entry of the tree."""
        content = self.files[name]
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": git_hash(content)}
        if len(content) > LARGE_BYTES:
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
        return entry

    def tree(self) -> list[dict[str, Any]]:
        folders = sorted({str(parent) for name in self.files for parent in Path(name).parents} - {"."})
        return [{"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in folders] + [
            self.describe(name) for name in self.files
        ]


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """What both servers share."""

    protocol_version = "HTTP/1.1"
    arguments: argparse.Namespace
    storage = ""
    answered: Counter[str] = Counter()
    lock = threading.Lock()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        headers = {name: self.headers.get(name) for name in ("Range", "Authorization")}
        with self.lock, open(self.arguments.log, "a") as log:
            log.write(json.dumps({"server": type(self).__name__, "path": self.path, "method": self.command} | headers))
            log.write("\n")
        self.respond()

    def respond(self) -> None:
        raise NotImplementedError

    def answer(self, status: int, body: bytes = b"", cut: bool = False, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def stall(self, content: bytes, etag: str) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        time.sleep(600)

    def give(self, name: str, content: bytes, etag: str, play: list[str], **headers: str) -> None:
        """Answer with a file's content, or with what is played at its turn."""
        with self.lock:
            turn = self.answered[name]
            self.answered[name] += 1
        played = play[turn] if turn < len(play) else ""
        if played == "busy":
            return self.answer(429, Retry_After="1")
        if played == "down":
            return self.answer(503)
        if played == "stall":
            return self.stall(content, etag)
        if played == "corrupt":
            content = content[:-1] + bytes([content[-1] ^ 1])
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        unchanged = self.headers.get("If-Range") in (None, f'"{etag}"')
        if asked and unchanged and played != "whole":
            start = int(asked[1])
            if start >= len(content):
                return self.answer(416, Content_Range=f"bytes */{len(content)}")
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, content[start:], played == "cut", ETag=f'"{etag}"', **headers)
        return self.answer(200, content, played == "cut", ETag=f'"{etag}"', **headers)

    def log_message(self, *arguments: object) -> None:
        pass


class Hub(Answers):
    """The hub itself: repositories, their trees, small files, and where large ones lie."""

    def respond(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if match := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+)/auth-check", path):
            return self.answer_access(*match.groups())
        if match := re.fullmatch(r"/api/(datasets|models)/([^/]+/[^/]+?)(?:/(revision|tree)/([^/]+)(/.+)?)?", path):
            return self.answer_api(*match.groups())
        if match := re.fullmatch(r"/(api/resolve-cache/)?(datasets/|)([^/]+/[^/]+)/(?:resolve/)?([^/]+)/(.+)", path):
            return self.answer_file(*match.groups())
        return self.answer(404)

    def find(self, kind: str, name: str) -> Repository | None:
        """Return a repository; answer and return None where there is none for this caller."""
        has_token = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        repository = read_repository(Path(self.arguments.folder) / kind / name)
        if repository is None or (repository.play.get("private") and not has_token):
            # The hub does not tell strangers what is private and what is not there.
            self.answer(404 if has_token else 401, b'{"error":"Repository not found"}', X_Error_Code="RepoNotFound")
            return None
        return repository

    def answer_api(self, kind: str, name: str, what: str | None, revision: str | None, below: str | None) -> None:
        repository = self.find(kind, name)
        if repository is None:
            return None
        if revision not in (None, "main", repository.commit):
            return self.answer(404, b'{"error":"Invalid rev id"}', X_Error_Code="RevisionNotFound")
        if what != "tree":
            siblings = [{"rfilename": file} for file in repository.files]
            body = {"_id": "0", "id": name, "sha": repository.commit, "siblings": siblings, "private": False}
            return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")
        start = int(parse_qs(urlsplit(self.path).query).get("cursor", ["0"])[0])
        entries = [entry for entry in repository.tree() if f"/{entry['path']}".startswith(f"{below or ''}/")]
        if below and not entries:
            return self.answer(404, X_Error_Code="EntryNotFound")
        headers = {"Content_Type": "application/json"}
        if start + PAGE_ENTRIES < len(entries):
            where = f"http://{self.headers['Host']}/api/{kind}/{name}/tree/{revision}{below or ''}"
            headers["Link"] = f'<{where}?recursive=True&cursor={start + PAGE_ENTRIES}>; rel="next"'
        return self.answer(200, json.dumps(entries[start : start + PAGE_ENTRIES]).encode(), **headers)

    def answer_access(self, kind: str, name: str) -> None:
        repository = self.find(kind, name)
        if repository is None:
            return None
        has_token = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository.play.get("gated") and not has_token:
            status = 403 if self.headers.get("Authorization") else 401
            return self.answer(status, b"Access to this repository is restricted.", X_Error_Code="GatedRepo")
        return self.answer(200, b"{}", Content_Type="application/json")

    def answer_file(self, cached: str | None, prefix: str, name: str, revision: str, file: str) -> None:
        repository = self.find("datasets" if prefix else "models", name)
        if repository is None:
            return None
        if repository.play.get("gated") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, b"Access to this dataset is restricted.", X_Error_Code="GatedRepo")
        if revision not in ("main", repository.commit):
            return self.answer(404, X_Error_Code="RevisionNotFound")
        if file not in repository.files:
            return self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=repository.commit)
        content, entry = repository.files[file], repository.describe(file)
        commit = {"X_Repo_Commit": repository.commit}
        if "lfs" in entry:
            sha256 = entry["lfs"]["oid"]
            place = f"{self.storage}/{'datasets' if prefix else 'models'}/{name}/{file}?signature=once"
            linked = {"X_Linked_Etag": f'"{sha256}"', "X_Linked_Size": str(len(content)), "Location": place}
            return self.answer(302, **linked, **commit)
        if not cached:
            # Small files too are given after a redirect, to a relative address.
            return self.answer(307, Location=f"/api/resolve-cache/{prefix}{name}/{revision}/{file}", **commit)
        return self.give(file, content, entry["oid"], repository.play.get(file, []), **commit)


class Storage(Answers):
    """The server where large files lie; its addresses are signed, so an Authorization header is a mistake."""

    def respond(self) -> None:
        if self.headers.get("Authorization"):
            return self.answer(400, b"Only one auth mechanism allowed")
        path = unquote(urlsplit(self.path).path).lstrip("/")
        kind, owner, name, file = path.split("/", 3)
        repository = read_repository(Path(self.arguments.folder) / kind / owner / name)
        assert repository is not None
        content = repository.files[file]
        return self.give(file, content, hashlib.sha256(content).hexdigest(), repository.play.get(file, []))


@cache
def read_repository(folder: Path) -> Repository | None:
    return Repository(folder) if folder.is_dir() else None


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--log", required=True)
    Answers.arguments = parser.parse_args()
    storage = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    threading.Thread(target=storage.serve_forever, daemon=True).start()
    Answers.storage = f"http://127.0.0.1:{storage.server_port}"
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(f"http://127.0.0.1:{hub.server_port}", flush=True)
    hub.serve_forever()


if __name__ == "__main__":
    main()
