"""The warm parent: a small interpreter that imports packages once and forks lanes, which fork snippets.

The launcher runs it as a program. A lane has namespaces of its own and runs one snippet at a time. So snippets share
nothing, and everything that one leaves behind can be killed. The parent itself never runs or reads a snippet. It
replaces a lane by a new fork, which knows nothing of earlier snippets, when the lane has run its share, and when a
snippet has broken a limit or left anything behind.
"""

import gc
import json
import os
import sys
from typing import NoReturn

from mathcode_pile.sandbox import lane, linux, warm_up
from mathcode_pile.sandbox.messages import pack, receive, send

REPLACE_ME = 17  # the exit status of a lane that the parent is to replace


def serve(settings: lane.Settings, control: int, parent: int) -> NoReturn:
    """Be a lane: enter the layers, name them, then run snippets until `control` closes or the lane is used up."""
    linux.die_with(parent)
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
    os._exit(0 if code is None else REPLACE_ME)


def tend(settings: lane.Settings, controls: list[int]) -> None:
    """Keep one lane alive for each control socket. If one fails, end; then all lanes end too."""
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
        if code == REPLACE_ME:
            start(control)
        elif code != 0:
            os._exit(1)


def main() -> None:
    """Read the settings from the command line, import the packages, and tend the lanes."""
    settings: lane.Settings = json.loads(sys.argv[1])
    linux.die_with(settings["controller"])
    sys.orig_argv = []  # snippets must not see our command line
    sys.path += settings["paths"]
    warm_up.warm_up(settings["modules"], settings["packages"])
    gc.collect()
    # Otherwise the garbage collector would write its marks in every child, and each page written to is copied.
    gc.freeze()
    linux.collapse_memory()
    tend(settings, settings["controls"])
