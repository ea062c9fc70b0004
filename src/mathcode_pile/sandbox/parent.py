"""The warm parent: a small interpreter that imports packages once and forks lanes, which fork snippets.

Run as a program by the controller. A lane lives in namespaces of its own, in which it is the first process,
and runs one snippet at a time, so that snippets share nothing and all that one leaves behind can be
killed. The parent itself never runs a snippet; a lane is replaced when it has run its share.
"""

import gc
import json
import os
import sys
from typing import Any

from mathcode_pile.sandbox import kernel, lane, warm

AGED = 17  # a lane's exit status: replace me


def send(descriptor: int, message: Any) -> None:
    """Write one message: its length in 4 bytes, then JSON."""
    body = json.dumps(message).encode()
    rest = memoryview(len(body).to_bytes(4, "little") + body)
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


def serve(settings: lane.Settings, control: int, announce: bool, parent: int) -> None:
    """Be a lane: enter the layers, then answer requests on `control` until it closes or the lane has aged."""
    kernel.die_with(parent)
    place = lane.Lane(settings, control)
    if announce:
        send(control, {"layers": place.layers})
    for _ in range(settings["age"]):
        code = receive(control)
        if code is None:
            os._exit(0)
        send(control, place.run(code))
    os._exit(AGED)


def tend(settings: lane.Settings, controls: list[int]) -> None:
    """Keep one lane alive for each control socket; end, and all with us, when one dies of a fault."""
    parent = os.getpid()
    lanes: dict[int, int] = {}

    def start(control: int, announce: bool) -> None:
        process = os.fork()
        if process == 0:
            try:
                for other in controls:
                    if other != control:
                        os.close(other)
                serve(settings, control, announce, parent)
            except OSError as error:
                send(control, {"fault": str(error)})
            finally:
                os._exit(1)
        lanes[process] = control

    for control in controls:
        start(control, announce=True)
    while lanes:
        process, status = os.wait()
        control = lanes.pop(process)
        code = os.waitstatus_to_exitcode(status)
        if code == AGED:
            start(control, announce=False)
        elif code != 0:
            os._exit(1)


def main() -> None:
    """Read settings from the command line, import what is asked for, and tend the lanes."""
    settings: lane.Settings = json.loads(sys.argv[1])
    kernel.die_with(settings["controller"])
    sys.path += settings["paths"]
    warm.warm(settings["modules"], settings["packages"])
    gc.collect()
    # The collector's marks would otherwise be written to, and so copied, in every child.
    gc.freeze()
    kernel.collapse_memory()
    tend(settings, settings["controls"])
