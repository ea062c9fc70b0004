"""Attempts to get out of the sandbox; each asserts, from the outside, that one thing did not happen.

All attempts of one set-up run together, several at a time, so that those which wait out a limit wait
together. Set-ups: all layers; no namespaces, as in a container; no Landlock; no private root.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.sandbox import Limits, Result, Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
LIMITS = Limits(timeout_s=1, memory_mb=256, output_bytes=20_000, disk_mb=4)
LANES = 3
SETUPS = {
    "all layers": ((), ("mount", "landlock", "seccomp")),
    "no namespaces": (("namespaces",), ("landlock", "seccomp")),
    "no Landlock": (("landlock",), ("mount", "seccomp")),
    "no private root": (("mount",), ("pid", "landlock", "seccomp")),
}
World = SimpleNamespace
Check = Callable[[Result, World], bool]


class Attempt(NamedTuple):
    """A hostile snippet, in which @NAME@ is replaced by a thing of the world, and what must be true afterwards."""

    code: str
    holds: Check


def outcome(*allowed: str) -> Check:
    return lambda result, world: result.outcome in allowed


def fails(result: Result, world: World) -> bool:
    return result.outcome != "ok" and "got" not in result.stdout


def learns_nothing(result: Result, world: World) -> bool:
    return world.secret not in result.stdout + result.error and "root:" not in result.stdout


def prints(text: str) -> Check:
    return lambda result, world: result.stdout.strip() == text


def not_made(name: str) -> Check:
    return lambda result, world: not Path(getattr(world, name)).exists()


def victim_lives(result: Result, world: World) -> bool:
    return world.victim.poll() is None


def nobody_called(result: Result, world: World) -> bool:
    return not world.calls and result.outcome != "ok"


def disk_unharmed(result: Result, world: World) -> bool:
    # Without a file system that limits it, a snippet can exceed the limit between two looks at its folder.
    return result.outcome != "ok" and world.disk_peak < 500e6


RAW = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nr = libc.syscall"
READ = "try:\n    print('got', open({0!r}).read())\nexcept OSError as error:\n    print(error.errno)"

ATTEMPTS = {
    # The network
    "connect over TCP": Attempt("import socket\nsocket.create_connection(('127.0.0.1', @PORT@))", nobody_called),
    "send over UDP": Attempt(
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @PORT@))",
        nobody_called,
    ),
    "connect to a Unix socket": Attempt(
        "import socket\nsocket.socket(socket.AF_UNIX).connect('@UNIX@')", nobody_called
    ),
    "connect to an abstract Unix socket": Attempt(
        "import socket\nsocket.socket(socket.AF_UNIX).connect(chr(0) + '@ABSTRACT@')", nobody_called
    ),
    "ask DNS": Attempt("import socket\nprint('got', socket.getaddrinfo('example.org', 80))", fails),
    "fetch a page": Attempt(
        "import urllib.request\nprint('got', urllib.request.urlopen('http://127.0.0.1:@PORT@', timeout=1).read())",
        nobody_called,
    ),
    "listen on a port": Attempt("import socket\nsocket.create_server(('127.0.0.1', 0))\nprint('got')", fails),
    "make a socket by number": Attempt(f"{RAW}(41, 2, 1, 0)\nprint(r)", prints("-1")),
    # Reading
    "read /etc/passwd": Attempt(READ.format("/etc/passwd"), learns_nothing),
    "read our environment": Attempt("import os\nprint(dict(os.environ))", learns_nothing),
    "read our environment through its own /proc": Attempt(READ.format("/proc/self/environ"), learns_nothing),
    "read our environment through our /proc": Attempt(READ.format("/proc/@PID@/environ"), learns_nothing),
    "read every environment in /proc": Attempt(
        "import glob\nfor name in glob.glob('/proc/[0-9]*/environ'):\n    print(name)\n"
        "    try:\n        print('got', open(name).read())\n    except OSError:\n        pass",
        learns_nothing,
    ),
    "read our memory through /proc": Attempt(
        "file = open('/proc/@PID@/mem', 'rb')\nfile.seek(@ADDRESS@)\nprint('got', file.read(64))", fails
    ),
    "read our memory by a system call": Attempt(
        "import ctypes\nbuffer = ctypes.create_string_buffer(64)\n"
        "class V(ctypes.Structure):\n    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]\n"
        "here, there = V(ctypes.addressof(buffer), 64), V(@ADDRESS@, 64)\n"
        "print(ctypes.CDLL(None).process_vm_readv(@PID@, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))\n"
        "print(buffer.raw)",
        lambda result, world: result.stdout.startswith("-1\n") and learns_nothing(result, world),
    ),
    "write into the lane's memory": Attempt("import os\nprint('got', open(f'/proc/{os.getppid()}/mem', 'r+b'))", fails),
    "open the first process's memory": Attempt("print('got', open('/proc/1/mem', 'r+b'))", fails),
    "read the repository": Attempt(READ.format("@REPOSITORY@/pyproject.toml"), lambda r, w: "mathcode" not in r.stdout),
    "read a file of home": Attempt(READ.format("@SECRET_FILE@"), learns_nothing),
    "list home": Attempt("import os\nprint('got', os.listdir('@HOME@'))", fails),
    "list what other lanes write": Attempt(
        "import os\nprint(os.listdir('..'))",
        lambda r, w: r.outcome != "ok" or "lane" not in r.stdout,
    ),
    "read through a symbolic link": Attempt(
        "import os\nos.symlink('@SECRET_FILE@', 'link')\nprint('got', open('link').read())", fails
    ),
    "read through a hard link": Attempt(
        "import os\nos.link('@SECRET_FILE@', 'link')\nprint('got', open('link').read())", fails
    ),
    "read by a path that climbs": Attempt(READ.format("../" * 20 + "@SECRET_FILE@"), learns_nothing),
    # Writing
    "write to home": Attempt("open('@NEW_AT_HOME@', 'w').write('x')", not_made("new_at_home")),
    "write to /tmp": Attempt("open('@NEW_IN_TEMP@', 'w').write('x')", not_made("new_in_temp")),
    "write to the repository": Attempt("open('@NEW_IN_REPOSITORY@', 'w').write('x')", not_made("new_in_repository")),
    "write to /dev/shm": Attempt("open('@NEW_IN_SHM@', 'w').write('x')", not_made("new_in_shm")),
    "write to the packages": Attempt("open('@NEW_PACKAGE@', 'w').write('x')", not_made("new_package")),
    "empty a file by its path": Attempt(
        "import os\nos.truncate('@SECRET_FILE@', 0)",
        lambda r, w: Path(w.secret_file).read_text(encoding="utf-8") == w.secret,
    ),
    "change a file's mode": Attempt(
        "import os\nos.chmod('@SECRET_FILE@', 0o777)", lambda r, w: Path(w.secret_file).stat().st_mode & 0o777 == 0o600
    ),
    "make a socket file": Attempt("import os, stat\nos.mknod('pipe', stat.S_IFIFO | 0o600)\nprint('got')", fails),
    "fill the disk with one file": Attempt(
        "with open('a', 'wb') as file:\n    while True:\n        file.write(bytes(1 << 20))", disk_unharmed
    ),
    "fill the disk with many files": Attempt(
        "i = 0\nwhile True:\n    i += 1\n    with open(str(i), 'wb') as file:\n        file.write(bytes(1 << 16))",
        disk_unharmed,
    ),
    "fill memory with nameless files": Attempt("import os\nprint('got', os.memfd_create('a'))", fails),
    # Limits
    "fork for ever": Attempt("import os\nwhile True:\n    os.fork()", outcome("blocked")),
    "start threads for ever": Attempt(
        "import threading, time\nthreading.stack_size(32768)\nwhile True:\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()",
        lambda r, w: r.outcome != "ok" and w.thread_peak < w.threads_before + 3000,
    ),
    "allocate 64 GB": Attempt("held = bytearray(64 << 30)", outcome("memory")),
    "allocate for ever": Attempt(
        "held = []\nwhile True:\n    held.append(bytearray(1 << 20))", outcome("memory", "timeout")
    ),
    "allocate by shared mappings": Attempt(
        "import mmap\nheld = []\nwhile True:\n    held.append(mmap.mmap(-1, 1 << 24))\n"
        "    held[-1].write(bytes(1 << 24))",
        outcome("memory", "exception", "timeout"),
    ),
    "raise its limits": Attempt(
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))\nprint('got')", fails
    ),
    "loop for ever": Attempt("while True:\n    pass", outcome("timeout")),
    "loop for ever, deaf to signals": Attempt(
        "import signal\nfor number in range(1, 65):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n        pass\nwhile True:\n    pass",
        outcome("timeout"),
    ),
    "sleep in a C call": Attempt("import ctypes\nctypes.CDLL(None).sleep(1000)", outcome("timeout")),
    "match a regular expression that never ends": Attempt(
        "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')", outcome("timeout")
    ),
    "compute with sympy without end": Attempt(
        "from sympy import factorint\nprint(factorint(2**1061 - 1))", outcome("timeout")
    ),
    "a number too large to compute": Attempt("print(9**9**9)", outcome("timeout", "memory")),
    "print 10 GB": Attempt(
        "line = 'x' * (1 << 20)\nfor _ in range(10240):\n    print(line)",
        lambda r, w: r.outcome == "output_limit" and len(r.stdout) == LIMITS.output_bytes,
    ),
    "print 10 GB as an error": Attempt(
        "import os\nwhile True:\n    os.write(2, bytes(1 << 20))", lambda r, w: r.outcome == "timeout" and not r.stdout
    ),
    "raise an error of 1 GB": Attempt(
        "raise ValueError('x' * (1 << 26))", lambda r, w: r.outcome == "exception" and len(r.error) <= 500
    ),
    # Others
    "kill everyone": Attempt("import os\nos.kill(-1, 9)\nprint('got')", fails),
    "kill the parent": Attempt("import os\nos.kill(os.getppid(), 9)\nprint('got')", fails),
    "kill a process of the user": Attempt("import os\nos.kill(@VICTIM@, 9)", victim_lives),
    "signal a process through a descriptor": Attempt(
        "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, 8, @VICTIM@)\nprint('got')", fails
    ),
    "take disk that no size shows": Attempt(
        f"{RAW}\nfile = open('f', 'wb')\nprint(r(285, file.fileno(), 1, ctypes.c_long(0), ctypes.c_long(1 << 30)))",
        prints("-1"),
    ),
    "read the code and output of earlier snippets": Attempt(
        "import sys\nframe = sys._getframe()\nwhile frame:\n"
        "    print([name for name in frame.f_locals if name in ('text', 'seen')])\n"
        "    print('got' if 'follow' in frame.f_code.co_names else '')\n    frame = frame.f_back\nprint(sys.orig_argv)",
        lambda r, w: "got" not in r.stdout and "seen" not in r.stdout and r.stdout.endswith("[]\n"),
    ),
    "fork as the zygote does": Attempt(f"{RAW}(56, 17, 0, 0, 0, 0)\nprint(r)", prints("-1")),
    "receive as the zygote does": Attempt(
        f"{RAW}\nprint(*[r(n, 4, ctypes.create_string_buffer(64), 64, 0, 0, 0) for n in (44, 45, 47)])",
        prints("-1 -1 -1"),
    ),
    "survive its zygote": Attempt("import ctypes\nprint(ctypes.CDLL(None).prctl(1, 0))", prints("-1")),
    "trace a process": Attempt("import ctypes\nprint(ctypes.CDLL(None).ptrace(16, @VICTIM@, 0, 0))", prints("-1")),
    "let itself be traced": Attempt("import ctypes\nprint(ctypes.CDLL(None).ptrace(0, 0, 0, 0))", prints("-1")),
    "leave a background process": Attempt(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(99)\nprint('got')", fails
    ),
    "leave a thread": Attempt(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\nprint('left')",
        lambda r, w: r == Result("ok", "left\n", ""),
    ),
    # Programs and privileges
    "run a shell": Attempt("import os\nprint('got' if os.system('touch @NEW_IN_TEMP@') == 0 else 'no')", prints("no")),
    "run a program": Attempt("import subprocess\nprint('got', subprocess.run(['/bin/ls']))", fails),
    "become a program": Attempt("import os, sys\nos.execv('@PYTHON@', ['python', '-c', 'print(\"got\")'])", fails),
    "run a shell through C": Attempt(
        "import ctypes\nprint(ctypes.CDLL(None).system(b'true'))", lambda r, w: r.stdout.strip() != "0"
    ),
    "spawn through C": Attempt(
        "import ctypes\npid = ctypes.c_int()\nargv = (ctypes.c_char_p * 2)(b'/bin/true', None)\n"
        "print(ctypes.CDLL(None).posix_spawn(ctypes.byref(pid), b'/bin/true', None, None, argv, None))",
        lambda r, w: r.stdout.strip() != "0",
    ),
    "load a library of its own": Attempt(
        "import ctypes, shutil\nname = ctypes.util.find_library('c') if hasattr(ctypes, 'util') else 'libc.so.6'\n"
        "open('evil.so', 'wb').write(bytes(64))\nctypes.CDLL('./evil.so')\nprint('got')",
        fails,
    ),
    "mount": Attempt("import ctypes\nprint(ctypes.CDLL(None).mount(b'none', b'.', b'tmpfs', 0, None))", prints("-1")),
    "unmount its folder": Attempt("import ctypes\nprint(ctypes.CDLL(None).umount2(b'.', 2))", prints("-1")),
    "become another user": Attempt("import os\nos.setuid(12345)\nprint('got')", fails),
    "make new namespaces": Attempt("import ctypes\nprint(ctypes.CDLL(None).unshare(0x10000000))", prints("-1")),
    "change its root": Attempt("import os\nos.chroot('.')\nprint('got')", fails),
    "load a kernel program": Attempt(f"{RAW}(321, 0, 0, 0)\nprint(r)", prints("-1")),
    "set up io_uring": Attempt(f"{RAW}(425, 8, ctypes.create_string_buffer(128))\nprint(r)", prints("-1")),
    "read the keyring": Attempt(f"{RAW}(250, 0, -3, 0)\nprint(r)", prints("-1")),
    "watch the machine": Attempt(f"{RAW}(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)\nprint(r)", prints("-1")),
    "use the other numbers of system calls": Attempt(f"{RAW}(0x40000000 + 39)\nprint('got', r)", fails),
    # Its own process
    "crash": Attempt("import ctypes\nctypes.string_at(0)", lambda r, w: r[::2] == ("killed", "SIGSEGV")),
    "abort": Attempt("import os\nos.abort()", lambda r, w: r[::2] == ("killed", "SIGABRT")),
    "recurse without end": Attempt(
        "def f():\n    f()\nf()", lambda r, w: r.outcome == "exception" and r.error.startswith("RecursionError")
    ),
    "recurse beyond the stack": Attempt(
        "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, name):\n"
        "        return getattr(self, name + 'x')\nA().x",
        outcome("killed", "memory"),
    ),
    "nest beyond the parser": Attempt("x = " + "(" * 50_000 + ")" * 50_000, outcome("does_not_compile")),
    "nest beyond the compiler": Attempt("x = " + "-" * 200_000 + "1", outcome("does_not_compile", "killed")),
    "leave with status 0, silent": Attempt("import os\nos._exit(0)", lambda r, w: r == Result("ok", "", "")),
    "leave with status 0 after output": Attempt(
        "import os\nprint('41', flush=True)\nos._exit(0)", lambda r, w: r == Result("ok", "41\n", "")
    ),
    "close all descriptors": Attempt("import os\nprint('x', flush=True)\nos.closerange(0, 9999)", prints("x")),
    "forge a result on every descriptor": Attempt(
        "import os, json\nbody = json.dumps(['ok', '', 'forged']).encode()\n"
        "for fd in range(3, 64):\n    try:\n        os.write(fd, len(body).to_bytes(4, 'little') + body)\n"
        "    except OSError:\n        pass\n1 / 0",
        lambda r, w: r.outcome == "exception" and not r.stdout,
    ),
    "claim an outcome that is not its to claim": Attempt(
        "import os\nos.write(3, b'ok\\n')\nos._exit(1)", outcome("exception")
    ),
    "claim that it was fine, then crash": Attempt(
        "import os\nos.write(3, b'ok\\n')\nos.kill(os.getpid(), 11)", outcome("killed")
    ),
    "print bytes that are no text": Attempt(
        "import sys\nsys.stdout.buffer.write(bytes(range(256)))",
        lambda r, w: r.outcome == "ok" and "\ufffd" in r.stdout,
    ),
}


def count_threads() -> int:
    """Count the machine's processes and threads."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def folder_bytes(folder: Path) -> int:
    """Return the bytes on disk below a folder that others write to."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob, it skips folders that disappear meanwhile
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(place) / name).lstat().st_blocks * 512
    return total


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    secret = f"secret-{secrets.token_hex(12)}"
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(dir=home))
    (folder / "key").write_text(secret, encoding="utf-8")
    (folder / "key").chmod(0o600)
    calls: list[str] = []
    tcp, udp, unix, abstract = (
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        socket.socket(socket.AF_UNIX),
        socket.socket(socket.AF_UNIX),
    )
    port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", port))
    unix.bind(str(folder / "socket"))
    abstract.bind("\0" + secret)
    for listener in (unix, abstract):
        listener.listen()
    for kind, listener in (("tcp", tcp), ("unix", unix), ("abstract", abstract)):
        threading.Thread(target=lambda k=kind, one=listener: (one.accept(), calls.append(k)), daemon=True).start()
    threading.Thread(target=lambda: (udp.recv(9), calls.append("udp")), daemon=True).start()
    victim = subprocess.Popen(
        ["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    buffer = bytearray(secret.encode())
    import ctypes

    tag = secrets.token_hex(6)
    os.environ["MATHCODE_TEST_SECRET"] = secret
    yield World(
        secret=secret,
        calls=calls,
        victim=victim,
        home=str(folder),
        secret_file=str(folder / "key"),
        new_at_home=str(folder / "new"),
        new_in_temp=f"/tmp/{tag}",
        new_in_repository=str(REPOSITORY / tag),
        new_in_shm=f"/dev/shm/{tag}",
        new_package=str(Path(pytest.__file__).parents[1] / f"{tag}.py"),
        port=port,
        unix=str(folder / "socket"),
        abstract=secret,
        address=ctypes.addressof(ctypes.c_char.from_buffer(buffer)),
        pid=os.getpid(),
        python=sys.executable,
        repository=str(REPOSITORY),
        disk_peak=0,
        threads_before=count_threads(),
        thread_peak=0,
    )
    del os.environ["MATHCODE_TEST_SECRET"]
    victim.kill()
    victim.wait()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def fill_in(code: str, world: World) -> str:
    for name in sorted(vars(world), key=len, reverse=True):
        marker = f"@{name.upper()}@"
        if marker in code:
            value = getattr(world, name)
            code = code.replace(marker, str(value.pid if name == "victim" else value))
    return code


def descendants(process: int) -> set[int]:
    """Count the processes below one, in any namespace."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: set[int] = set()
    waiting = [process]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(below)
    return found


@pytest.fixture(scope="module", params=SETUPS)
def battle(request: pytest.FixtureRequest, world: World) -> Iterator[tuple[dict[str, Result], World, int]]:
    """Make all attempts in one set-up; yield the results by name, the world, and the number of processes left."""
    without, needed = SETUPS[request.param]
    before = descendants(os.getpid())
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            world.thread_peak = max(world.thread_peak, count_threads())
            world.disk_peak = max(world.disk_peak, folder_bytes(sandbox._folder))

    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(Sandbox(LIMITS, lanes=LANES, without=without))
        except PipelineError as error:
            pytest.skip(str(error))
        had = " ".join(sandbox.layers)
        lacking = [layer for layer in needed if layer not in had]
        if lacking:
            pytest.skip(f"this machine has no {', '.join(lacking)}")
        threading.Thread(target=watch, daemon=True).start()
        results = sandbox.run_all([fill_in(attempt.code, world) for attempt in ATTEMPTS.values()])
        over.set()
        each = 1 + 2 * LANES  # a warm parent, and its lanes with their zygotes
        # Lanes that the last snippets made unusable are still being replaced.
        deadline = time.monotonic() + 10
        while (left := count_left(before) - each * len(sandbox._parents)) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield dict(zip(ATTEMPTS, results, strict=True)), world, left


def count_left(before: set[int]) -> int:
    return len(descendants(os.getpid()) - before)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_escape_fails(battle: tuple[dict[str, Result], World, int], name: str) -> None:
    results, world, _ = battle
    assert ATTEMPTS[name].holds(results[name], world), results[name]


def test_no_process_is_left(battle: tuple[dict[str, Result], World, int]) -> None:
    assert battle[2] == 0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS) as one:
        yield one


PATCHES = {
    "a constant": ("import math\nmath.pi = 3", "import math\nprint(math.pi)"),
    "a builtin": ("import builtins\nbuiltins.print = None\nbuiltins.sum = max", "print(sum([1, 2]))"),
    "sympy's cache": (
        "import sympy\nx = sympy.Symbol('x')\n(x + 1).expand()\nsympy.Symbol.__str__ = lambda s: 'evil'\n"
        "sympy.core.cache.clear_cache()\nsympy.sin.eval = lambda a: sympy.Integer(7)",
        "import sympy\nprint(sympy.sin(sympy.Symbol('x')), sympy.sin(0))",
    ),
    "a random state": ("import random\nrandom.seed(5)", "import random\nprint(random.random())"),
    "numpy's random state": (
        "import numpy as np\nnp.random.seed(5)",
        "import numpy as np\nprint(np.random.rand(), np.random.default_rng().random())",
    ),
    "modules": ("import sys\nsys.modules['math'] = None\nsys.path[:] = []", "import math, statistics\nprint(math.e)"),
    "the environment": ("import os\nos.environ['LANG'] = 'x'\nos.chdir('/')", "import os\nprint(os.environ['LANG'])"),
    "its folder": (
        "import os\nos.makedirs('a/b/c')\nopen('a/b/f', 'w').write('x')",
        "import os\nprint(os.listdir('.'))",
    ),
    "its folder's mode": ("import os\nos.umask(0o777)\nopen('f', 'w')", "open('f', 'w').write('x')\nprint('x')"),
    "its full disk": (
        "try:\n    open('f', 'wb').write(bytes(1 << 30))\nexcept OSError:\n    pass",
        "print(open('f', 'wb').write(bytes(1 << 20)))",
    ),
    "its descriptors": (
        "import os\nfor fd in range(3):\n    os.set_blocking(fd, False)",
        "import os\nprint([os.get_blocking(fd) for fd in range(3)])",
    ),
    "a decimal context": (
        "import decimal\ndecimal.getcontext().prec = 3",
        "import decimal\nprint(decimal.Decimal(1) / 3)",
    ),
    "the recursion limit": ("import sys\nsys.setrecursionlimit(50)", "import sys\nprint(sys.getrecursionlimit())"),
}


@pytest.mark.parametrize("name", PATCHES)
def test_next_snippet_does_not_see_changes_to(sandbox: Sandbox, name: str) -> None:
    change, look = PATCHES[name]
    before = sandbox.run(look)
    sandbox.run(change)
    assert sandbox.run(look) == before
    assert before.outcome == "ok"


def test_sandbox_ends_with_all_it_started() -> None:
    before = descendants(os.getpid())
    with Sandbox(LIMITS, lanes=2) as sandbox:
        sandbox.run_all(["print(1)", "import numpy\nprint(numpy.zeros(1))"])
    deadline = time.monotonic() + 5
    while descendants(os.getpid()) - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not descendants(os.getpid()) - before
