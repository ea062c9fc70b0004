"""Messages between the controller and its lanes: a length of 4 bytes, then JSON."""

import json
import os
from typing import Any

_LENGTH_BYTES = 4
_MOST_AT_ONCE = 1 << 20


def pack(message: Any) -> bytes:
    """Return a message as it is sent."""
    body = json.dumps(message).encode()
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


def send(descriptor: int, packed: bytes) -> None:
    """Write a packed message."""
    rest = memoryview(packed)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(descriptor: int) -> Any:
    """Read a message; return None where the other side has closed the socket."""
    head = _read(descriptor, _LENGTH_BYTES)
    body = _read(descriptor, int.from_bytes(head, "little")) if head else None
    return json.loads(body) if body else None


def _read(descriptor: int, size: int) -> bytes | None:
    parts = []
    while size:
        try:
            part = os.read(descriptor, min(size, _MOST_AT_ONCE))
        except ConnectionResetError:
            return None
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
