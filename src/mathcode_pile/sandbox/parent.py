"""The warm parent: a small interpreter that imports packages once and forks lanes, which fork snippets.

Run as a program by the controller. A lane lives in namespaces of its own and runs one snippet at a time, so
that snippets share nothing and all that one leaves behind can be killed. The parent itself never runs a
snippet, nor reads one; a lane is replaced, by a fork that knows nothing of earlier snippets, when it has run
its share, and when a snippet has gone too far or left anything behind.
"""

import gc
import json
import os
import sys
from typing import Any, NoReturn

from mathcode_pile.sandbox import kernel, lane, warm

AGED = 17  # a lane's exit status: put another in my place


def pack(message: Any) -> bytes:
    """Return one message as it is sent: its length in 4 bytes, then JSON."""
    body = json.dumps(message).encode()
    return len(body).to_bytes(4, "little") + body


def send(descriptor: int, packed: bytes) -> None:
    """Write one message."""
    rest = memoryview(packed)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def receive(descriptor: int) -> Any:
    """Read one message; None where the other side is gone."""
    head = _read(descriptor, 4)
    body = _read(descriptor, int.from_bytes(head, "little")) if head else None
    return json.loads(body) if body else None


def _read(descriptor: int, size: int) -> bytes | None:
    parts = []
    while size:
        try:
            part = os.read(descriptor, min(size, 1 << 20))
        except ConnectionResetError:
            return None
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def serve(settings: lane.Settings, control: int, parent: int) -> NoReturn:
    """Be a lane: enter the layers, name them, answer requests on `control` until it closes or the lane is spent."""
    kernel.die_with(parent)
    place = lane.Lane(settings, control)
    send(control, pack({"layers": place.layers}))
    for _ in range(settings["age"]):
        code = receive(control)
        if code is None:
            break
        try:
            send(control, pack(place.run(code)))
        except lane.ZygoteDiedError:
            send(control, pack({"lost": True}))
            place.is_spent = True
        if place.is_spent:
            break
    place.close()
    os._exit(0 if code is None else AGED)


def tend(settings: lane.Settings, controls: list[int]) -> None:
    """Keep one lane alive for each control socket; end, and all with us, when one dies of a fault."""
    parent = os.getpid()
    lanes: dict[int, int] = {}

    def start(control: int) -> None:
        process = os.fork()
        if process == 0:
            try:
                for other in controls:
                    if other != control:
                        os.close(other)
                serve(settings, control, parent)
            except OSError as error:
                send(control, pack({"fault": str(error)}))
            finally:
                os._exit(1)
        lanes[process] = control

    for control in controls:
        start(control)
    while lanes:
        process, status = os.wait()
        control = lanes.pop(process)
        code = os.waitstatus_to_exitcode(status)
        if code == AGED:
            start(control)
        elif code != 0:
            os._exit(1)


def main() -> None:
    """Read settings from the command line, import what is asked for, and tend the lanes."""
    settings: lane.Settings = json.loads(sys.argv[1])
    kernel.die_with(settings["controller"])
    sys.orig_argv = []
    sys.path += settings["paths"]
    warm.warm(settings["modules"], settings["packages"])
    gc.collect()
    # The collector's marks would otherwise be written to, and so copied, in every child.
    gc.freeze()
    kernel.collapse_memory()
    tend(settings, settings["controls"])
