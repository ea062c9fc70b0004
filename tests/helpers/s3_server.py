"""An S3 server on 127.0.0.1: moto's."""

import socket
import subprocess
import sys
import time


def start_s3() -> tuple[subprocess.Popen[bytes], str]:
    """Start an S3 server in a process of its own; return it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(3000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}"
        time.sleep(0.1)
    server.kill()
    server.wait()
    raise AssertionError("the S3 server did not start")
