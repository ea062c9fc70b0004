"""Read a file at an http(s) address in place: only the bytes that are needed are brought, and none is stored.

One answer of the server serves as long as reading goes on; a jump asks for another range. After an interruption reading
continues at the same byte.
"""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx

from mathcode_pile.core.errors import InputError
from mathcode_pile.downloads.download import ATTEMPTS, MAX_WAIT_S, REFUSALS, Problem, RefusedError, asked_wait

# A jump forward by at most this many bytes reads on instead of asking again.
MAX_SKIP = 1 << 16
BUFFER_BYTES = 1 << 16


class RemoteFile(NamedTuple):  # one file of a source, read where it is
    name: str
    """The file's path within the source."""
    url: str
    size: int | None
    """Its bytes, if known."""
    open: Callable[[], io.BufferedReader]
    """Returns the file, seekable. Reading raises InputError or OSError where the server fails."""
    etag: str = ""

    def __str__(self) -> str:
        """Return the address."""
        return self.url

    def describe(self) -> dict[str, Any]:
        """Return what identifies the file; no checksum, because it was not read to its end."""
        return {"url": self.url, "bytes": self.size, "etag": self.etag, "sha256": "", "read": "in part"}


def open_http(
    url: str, size: int | None = None, headers: dict[str, str] | None = None, pause_s: float = 1
) -> io.BufferedReader:
    """Return the file of an http(s) address as a seekable file.

    size: its bytes, if known. headers: sent to this server; if it redirects to another, an Authorization is not sent
    there. pause_s: the wait before the second attempt; later waits are longer.
    Reading raises RefusedError where the server refuses, and InputError where the file has another size, has changed
    since it was opened, or no byte comes in ATTEMPTS attempts.
    """
    return io.BufferedReader(_HttpReader(url, size, headers or {}, pause_s), BUFFER_BYTES)


class _HttpReader(io.RawIOBase):
    """The file of open_http, without a buffer."""

    def __init__(self, url: str, size: int | None, headers: dict[str, str], pause_s: float) -> None:
        self._url, self._size, self._pause_s = url, size, pause_s
        self._headers = headers | {"Accept-Encoding": "identity"}
        self._etag = ""
        self._place = 0
        self._open = ExitStack()
        self._answer: Iterator[bytes] | None = None
        self._received = memoryview(b"")
        """What has come of the answer, from the present place on."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END and self._size is None:
            self._receive()  # the first answer names the size
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size or 0}[whence]
        if self._answer is not None and 0 <= target - self._place <= MAX_SKIP:
            while self._place < target and self.read(target - self._place):
                pass
        if target != self._place:
            self._hang_up()
        self._place = target
        return target

    def readinto(self, buffer: Any) -> int:
        if not self._received:
            self._receive()
        part = self._received[: len(buffer)]
        buffer[: len(part)] = part
        self._received = self._received[len(part) :]
        self._place += len(part)
        return len(part)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        self._open.close()
        self._answer, self._received = None, memoryview(b"")

    def _receive(self) -> None:
        """Get the next bytes from the present place on; nothing at the end of the file."""
        failures = 0
        while problem := self._try_to_receive():
            self._hang_up()
            if problem.is_refusal:
                raise RefusedError(f"{self._url}: {problem.text}")
            failures += 1
            if failures >= ATTEMPTS:
                raise InputError(f"{self._url}: at byte {self._place}: {problem.text}, {ATTEMPTS} times")
            time.sleep(min(MAX_WAIT_S, max(problem.wait_s, self._pause_s * 2 ** (failures - 1))))

    def _try_to_receive(self) -> Problem | None:
        """Get the next bytes; return what went wrong, or None where bytes came or the file has ended."""
        if self._size is not None and self._place >= self._size:
            return None
        try:
            if self._answer is None and (problem := self._ask()):
                return problem
            assert self._answer is not None
            self._received = self._received or memoryview(next(self._answer, b""))
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            return Problem(f"not an address: {error}", is_refusal=True)
        except httpx.HTTPError as error:
            return Problem(f"{type(error).__name__}: {error}")
        # A server that does not say how long the file is just ends.
        return None if self._received or self._size is None else Problem("the answer ended before the file")

    def _ask(self) -> Problem | None:
        """Ask for the file from the present place on; return what went wrong, or None where the server answers."""
        headers = self._headers | ({"Range": f"bytes={self._place}-"} if self._place else {})
        answer = self._open.enter_context(
            httpx.stream("GET", self._url, headers=headers, follow_redirects=True, timeout=60)
        )
        if answer.status_code in REFUSALS or answer.status_code == 416:
            return Problem(f"refused with status {answer.status_code}", is_refusal=True)
        if answer.status_code not in (200, 206):
            return Problem(f"answered {answer.status_code}", asked_wait(answer))
        self._check_identity(answer)
        self._answer = answer.iter_raw()
        missed = self._place if answer.status_code == 200 else 0  # a server that does not know ranges
        while missed and (part := next(self._answer, b"")):
            self._received = memoryview(part)[missed:]
            missed -= min(missed, len(part))
        return None

    def _check_identity(self, answer: httpx.Response) -> None:
        """Raise InputError where the answer is of another file than the one that was opened."""
        is_part = answer.status_code == 206
        stated = answer.headers.get("Content-Range" if is_part else "Content-Length", "").rpartition("/")[2]
        size = int(stated) if stated.isdigit() else None
        self._size = size if self._size is None else self._size
        if size not in (None, self._size):
            raise InputError(f"{self._url}: has {size} bytes, not {self._size}")
        etag = answer.headers.get("ETag", "")
        self._etag = self._etag or etag
        if etag != self._etag:
            raise InputError(f"{self._url}: changed while it was read")
