"""What the sandbox promises its users: outcomes, order, determinism, and no harm to others from hostile snippets."""

import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.sandbox import Limits, Result, Sandbox
from mathcode_pile.sandbox.controller import missing_promises
from mathcode_pile.sandbox.imports import choose_kind
from mathcode_pile.sandbox.seccomp import TABLES, ZYGOTE, snippet_program, zygote_program

LIMITS = Limits(timeout_s=2, memory_mb=512, output_bytes=5000, disk_mb=4)
SOURCE = str(Path(__file__).resolve().parents[2] / "src")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    try:
        stack = Sandbox(LIMITS, lanes=2)
        stack.__enter__()
    except PipelineError as error:
        pytest.skip(str(error))
    yield stack
    stack.close()


@pytest.mark.parametrize(
    ("code", "outcome", "error"),
    [
        ("print(6 * 7)", "ok", ""),
        ("", "ok", ""),
        ("import sys\nsys.exit(0)", "ok", ""),
        ("print(1)\nexit()", "ok", ""),
        ("print(1)\nquit(2)", "exception", "SystemExit: 2"),
        ("import sys\nsys.exit('no result')", "exception", "SystemExit: no result"),
        ("x = ", "does_not_compile", "SyntaxError: invalid syntax (<snippet>, line 1)"),
        ("print 5", "does_not_compile", None),
        ("x = '\0'", "does_not_compile", None),
        ("1 / 0", "exception", "ZeroDivisionError: division by zero"),
        ("raise ValueError('first\\nlast')", "exception", "ValueError: last"),
        ("assert False", "exception", "AssertionError"),
        ("def f(): return undefined\nf()", "exception", "NameError: name 'undefined' is not defined"),
        ("x = bytearray(1 << 40)", "memory", "MemoryError"),
        ("import numpy as np\nnp.ones((10**6, 10**6))", "memory", None),
        ("while True: pass", "timeout", None),
        ("print('x' * 10_000)", "output_limit", "more than 5000 bytes"),
        ("import os\nos.kill(os.getpid(), 9)", "killed", "SIGKILL"),
        ("import socket\nsocket.socket()", "blocked", "PermissionError: [Errno 1] Operation not permitted"),
        ("name = input('Your name: ')", "blocked", "waits for input"),
        ("def ask():\n    return input()\nask()", "blocked", "waits for input"),
        ("print(1)\nimport no_such_package.part", "missing_module", "no_such_package"),
        ("def f():\n    import no_such_package\nf()", "missing_module", "no_such_package"),
        ("import pytest", "missing_module", "pytest"),
        # The same words on every machine: no path of the installation.
        (
            "from sympy import dot",
            "exception",
            "ImportError: cannot import name 'dot' from 'sympy' (sympy/__init__.py)",
        ),
    ],
)
def test_outcome_says_how_a_snippet_ended(sandbox: Sandbox, code: str, outcome: str, error: str | None) -> None:
    result = sandbox.run(code)
    assert result.outcome == outcome
    assert error is None or result.error == error


def test_import_in_a_try_may_fail(sandbox: Sandbox) -> None:
    code = "try:\n    import no_such_package\nexcept ImportError:\n    print('without')"
    assert sandbox.run(code) == Result("ok", "without\n", "")


def test_output_before_an_error_is_kept(sandbox: Sandbox) -> None:
    assert sandbox.run("print('before')\n1 / 0").stdout == "before\n"


@pytest.mark.parametrize(
    ("code", "stdout"),
    [
        ("print('a')\nimport io, sys\nsys.stdout = io.StringIO()\nsys.__stdout__.write('c')", "a\nc"),
        ("o = open(1, 'w', closefd=False)\nprint('x', file=o)", "x\n"),
        ("class A:\n    def __del__(self):\n        print('gone')\na = A()\nprint('here')", "here\ngone\n"),
        ("import sys\nprint(1)\nsys.stdout.close()", "1\n"),
        ("import sys\nprint(1)\nsys.stdout.close()\nsys.exit()", "1\n"),
        ("import sys\nprint(1)\nsys.stdout = None", "1\n"),
    ],
)
def test_output_is_what_python_would_have_written(sandbox: Sandbox, code: str, stdout: str) -> None:
    assert sandbox.run(code) == Result("ok", stdout, "")


def test_error_is_reported_despite_a_closed_output_or_exit_functions(sandbox: Sandbox) -> None:
    division = "ZeroDivisionError: division by zero"
    assert sandbox.run("import sys\nprint(1)\nsys.stdout.close()\n1 / 0") == Result("exception", "1\n", division)
    assert sandbox.run("import atexit\natexit.register(print, 'bye')\n1 / 0") == Result("exception", "bye\n", division)


def test_main_guard_runs(sandbox: Sandbox) -> None:
    assert sandbox.run("if __name__ == '__main__':\n    print('ran')").stdout == "ran\n"


def test_class_definitions_work_as_in_a_script(sandbox: Sandbox) -> None:
    code = (
        "from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n    x: int\n"
        "print(pickle.loads(pickle.dumps(P(2))))"
    )
    assert sandbox.run(code).stdout == "P(x=2)\n"


def test_atexit_and_threads_end_as_in_a_script(sandbox: Sandbox) -> None:
    code = (
        "import atexit, threading\natexit.register(print, 'at exit')\n"
        "threading.Timer(0.1, print, ['from a thread']).start()\nprint('main')"
    )
    assert sandbox.run(code).stdout == "main\nfrom a thread\nat exit\n"


def test_snippet_may_use_its_own_folder(sandbox: Sandbox) -> None:
    code = (
        "import os, tempfile\nos.makedirs('a/b')\nopen('a/b/c', 'w').write('kept')\nos.rename('a/b/c', 'd')\n"
        "with tempfile.TemporaryFile() as file:\n    file.write(b'x')\nprint(open('d').read(), sorted(os.listdir('.')))"
    )
    assert sandbox.run(code) == Result("ok", "kept ['a', 'd']\n", "")


@pytest.mark.parametrize(
    "code",
    [
        "import random\nprint(random.random(), random.sample(range(100), 5))",
        "import numpy as np\nprint(np.random.rand(3), np.random.default_rng().random(3))",
        "from sympy import randprime\nprint(randprime(1, 10**6))",
        "print({'a', 'b', 'c', 'd', 'e'}, hash('a'))",
        "import time, locale, os\nprint(time.tzname, locale.getpreferredencoding(), sorted(os.environ))",
        "from sympy import *\nx = symbols('x')\nprint(solve(x**4 - 5*x**2 + 4, x), integrate(sin(x)**2, x))",
    ],
)
def test_output_is_the_same_in_every_run_and_sandbox(sandbox: Sandbox, code: str) -> None:
    first = sandbox.run(code)
    assert first.outcome == "ok"
    with Sandbox(LIMITS) as other:
        assert other.run(code) == first == sandbox.run(code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("print(1)", "bare"),
        ("import math", "light"),
        ("from fractions import Fraction as F", "light"),
        ("import numpy as np, math", "numpy"),
        ("import sys; import numpy as np", "numpy"),
        ("import math\nif True:\n    from sympy.abc import x", "sympy"),
        ("import numpy as np\nimport sympy", "scipy"),
        ("from scipy.stats import norm", "scipy"),
        ("import networkx", "numpy"),
        ("text = 'sympy'", "bare"),
    ],
)
def test_imports_decide_which_parent_runs_a_snippet(code: str, kind: str) -> None:
    assert choose_kind(code) == kind


def test_results_are_in_order(sandbox: Sandbox) -> None:
    codes = [f"import time\ntime.sleep({0.05 if i % 7 == 0 else 0})\nprint({i})" for i in range(60)]
    assert [result.stdout for result in sandbox.run_all(codes)] == [f"{i}\n" for i in range(60)]


def test_same_text_is_run_once_in_a_batch(sandbox: Sandbox) -> None:
    code = "import time\nprint(time.perf_counter_ns())"
    first, other, again = sandbox.run_all([code, f"{code}\n", code])
    assert first.stdout == again.stdout != other.stdout


HOSTILE = [
    "while True:\n    pass",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "held = []\nwhile True:\n    held.append(bytearray(1 << 22))",
    "import ctypes\nctypes.string_at(0)",
    "import os\nos.closerange(0, 100)\nwhile True:\n    pass",
    "import os\nos._exit(0)",
    "import os\nwhile True:\n    os.write(1, b'x' * 65536)",
    "import builtins, sys\nbuiltins.print = None\nsys.modules.clear()\n1 / 0",
    "import os\nfor fd in range(64):\n    try:\n        os.write(fd, b'\\x05\\x00\\x00\\x00[1,2]')\n"
    "    except OSError:\n        pass",
    "import threading, time\nfor _ in range(999):\n    threading.Thread(target=time.sleep, args=(9,)).start()",
]


@pytest.mark.parametrize(("total", "each"), [(60, 6), pytest.param(1000, 10, marks=pytest.mark.slow)])
def test_hostile_snippets_cost_only_themselves(total: int, each: int) -> None:
    honest = [f"import math\nprint({i}, math.comb({i}, 3))" if i % 3 else f"print({i} ** 7)" for i in range(total)]
    mixed = [HOSTILE[i // each % 10] if i % each == each // 2 else code for i, code in enumerate(honest)]
    limits = LIMITS._replace(timeout_s=1, memory_mb=256)
    with Sandbox(limits, lanes=3) as one:
        expected, found = one.run_all(honest), one.run_all(mixed)
    kept = [i for i in range(total) if mixed[i] == honest[i]]
    assert len(kept) == total - total // each
    assert [found[i] for i in kept] == [expected[i] for i in kept]
    assert all(result.outcome == "ok" for result in expected)


def test_death_of_a_lane_costs_no_other_snippet_its_result(sandbox: Sandbox) -> None:
    codes = [f"import time\ntime.sleep(0.02)\nprint({i})" for i in range(40)]
    sandbox.run(codes[0])
    process = sandbox._parents["light"].process
    subprocess.Popen(["sh", "-c", f"sleep 0.15; kill -9 {process.pid}"])
    assert [result.stdout for result in sandbox.run_all(codes)] == [f"{i}\n" for i in range(40)]
    assert sandbox._parents["light"].process is not process


def test_death_of_a_zygote_costs_no_snippet_its_result(sandbox: Sandbox) -> None:
    codes = [f"import math, time\ntime.sleep(0.02)\nprint({i})" for i in range(40)]
    sandbox.run(codes[0])
    lane = min(_children(sandbox._parents["light"].process.pid))
    (zygote,) = _children(lane)
    subprocess.Popen(["sh", "-c", f"sleep 0.15; kill -9 {zygote}"])
    assert [result.stdout for result in sandbox.run_all(codes)] == [f"{i}\n" for i in range(40)]
    assert not _lives(lane) and _lives(sandbox._parents["light"].process.pid)


def test_long_code_behind_long_output_does_not_lock(sandbox: Sandbox) -> None:
    loud = "import math, time\ntime.sleep(0.3)\nprint(chr(1) * 4000)"
    long = "import math\nprint(len('" + "\U0001f600" * 32_000 + "'))"
    assert [len(result.stdout) for result in sandbox.run_all([loud, long, long + "\n"])] == [4001, 6, 6]


def test_code_beyond_a_snippets_memory_costs_itself() -> None:
    with Sandbox(LIMITS._replace(memory_mb=64)) as one:
        long, honest = one.run_all([f"x = '{'a' * 70_000_000}'", "print(1)"])
    assert long.outcome in ("memory", "does_not_compile")
    assert honest == Result("ok", "1\n", "")


def test_later_lane_with_fewer_protections_is_refused() -> None:
    with Sandbox(LIMITS) as one:
        fewer = [layer for layer in one.layers if layer != "seccomp"]
        with pytest.raises(PipelineError, match="lost protections while it ran"):
            one._welcome(one._parents["bare"].lanes[0], {"layers": fewer})


def test_interrupted_round_answers_no_later_one(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mathcode_pile.sandbox.controller._Round._take", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sandbox.run("print('old')")
    assert sandbox.run("print('new')").stdout == "new\n"


RUINS = {
    "a tree too deep": "import os\nfor _ in range(3000):\n    os.mkdir('a')\n    os.chdir('a')",
    "a folder it cannot list": "import os\nos.umask(0o477)\nos.mkdir('d')",
    "many names": "for i in range(500):\n    open(str(i), 'w')",
}


@pytest.mark.parametrize("without", [(), ("mount",), ("namespaces",)])
@pytest.mark.parametrize("name", RUINS)
def test_folder_is_new_whatever_was_left_in_it(name: str, without: tuple[str, ...]) -> None:
    with Sandbox(LIMITS, without=without) as one:
        one.run(RUINS[name])
        assert one.run("import os\nprint(os.listdir('.'))") == Result("ok", "[]\n", "")
    assert not one._folder.exists()


def test_lanes_have_folders_of_their_own_without_a_private_root() -> None:
    code = "import os, time{}\nopen('{}', 'w')\ntime.sleep(0.2)\nprint(os.listdir('.'))"
    with Sandbox(LIMITS, lanes=2, without=("mount",)) as one:
        codes = [code.format(more, i) for i, more in enumerate(["", "", ", numpy", ", numpy"])]
        assert [result.stdout for result in one.run_all(codes)] == [f"['{i}']\n" for i in range(4)]


def test_the_machine_does_not_decide_what_is_said_of_a_snippet_that_is_out_of_time() -> None:
    codes = [
        "print('so far', flush=True)\nwhile True: pass",
        "print('so far', flush=True)\nimport time\ntime.sleep(60)",
        "print('so far', flush=True)\nimport os, signal\nos.kill(os.getpid(), signal.SIGXCPU)",  # the kernel is first
    ]
    with Sandbox(Limits(timeout_s=1), lanes=1) as one:
        assert set(one.run_all(codes)) == {Result("timeout", "", "more than 1 s of computing, or 2 s in all")}


def test_killed_controller_leaves_no_process() -> None:
    script = (
        "import sys, time\nfrom mathcode_pile.sandbox import Sandbox\n"
        "with Sandbox(lanes=2) as s:\n    print(s._parents['bare'].process.pid, flush=True)\n"
        "    s.run('import time\\ntime.sleep(60)')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": SOURCE}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    parent = int(process.stdout.readline())
    group = {parent, *_children(parent)}
    time.sleep(0.5)
    group |= {grandchild for child in group for grandchild in _children(child)}
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(_lives(one) for one in group):
        time.sleep(0.02)
    assert len(group) >= 3
    assert not [one for one in group if _lives(one)]


def _children(process: int) -> set[int]:
    try:
        return {int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()}
    except OSError:
        return set()


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("without", [("seccomp",), ("landlock", "seccomp"), ("landlock", "namespaces")])
def test_machine_without_protection_is_refused_in_one_line(without: tuple[str, ...]) -> None:
    with pytest.raises(PipelineError, match=r"cannot isolate snippets: .*execute\.isolation") as caught:
        Sandbox(LIMITS, without=without).__enter__()
    assert "\n" not in str(caught.value)


def test_isolation_none_runs_all_the_same() -> None:
    with Sandbox(LIMITS, without=("landlock", "seccomp", "namespaces"), isolation="none") as one:
        assert one.layers == ["no_new_privs", "rlimits"]
        assert one.run("print(1)") == Result("ok", "1\n", "")
        assert one.run("while True: pass").outcome == "timeout"


def test_kernel_that_refuses_landlock_and_seccomp_is_refused() -> None:
    """Without our own switch: a filter around the whole process answers that the calls do not exist."""
    if platform.machine() != "x86_64":
        pytest.skip("the filter of this test is x86_64's")
    output = run_under_filter([317, 444, 445, 446], 38)  # seccomp, landlock
    assert "cannot isolate snippets: without seccomp" in output
    assert "landlock" not in output.partition("had:")[2]


def test_machine_that_gives_namespaces_but_no_mounts_is_used_without_them() -> None:
    """So it is where a security module allows user namespaces but gives no privileges in them."""
    if platform.machine() != "x86_64":
        pytest.skip("the filter of this test is x86_64's")
    layers = run_under_filter([165], 1)  # mount
    assert "seccomp" in layers and "landlock" in layers and "user" not in layers


def run_under_filter(refused: list[int], error: int) -> str:
    """Return what a process prints about its sandbox when a filter around it refuses some calls."""
    program = [(0x20, 0, 0, 0)]
    for number in refused:
        program += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error)]
    if 317 in refused:  # prctl(PR_SET_SECCOMP) too
        program += [(0x15, 0, 3, 157), (0x20, 0, 0, 16), (0x15, 0, 1, 22), (0x06, 0, 0, 0x00050000 | 22)]
    program += [(0x06, 0, 0, 0x7FFF0000)]
    script = (
        "import ctypes\nfrom mathcode_pile.sandbox import Sandbox, linux, seccomp\n"
        "from mathcode_pile.core.errors import PipelineError\n"
        f"program = {program!r}\n"
        "filters = (seccomp._Instruction * len(program))(*[seccomp._Instruction(*p) for p in program])\n"
        "linux.prctl(38, 1)\n"
        "linux.prctl(22, 2, ctypes.byref(seccomp._Program(len(program), ctypes.addressof(filters))))\n"
        "try:\n    with Sandbox() as one:\n        print(one.run('print(1)').stdout, one.layers)\n"
        "except PipelineError as error:\n    print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": SOURCE}, capture_output=True, text=True
    )
    assert ended.stdout, ended.stderr
    return ended.stdout


def test_either_kind_of_file_protection_is_enough() -> None:
    assert not missing_promises(["seccomp", "landlock 1"])
    assert not missing_promises(["seccomp", "mount"])
    assert len(missing_promises([])) == 2


@pytest.mark.parametrize("build", [zygote_program, snippet_program])
@pytest.mark.parametrize("machine", TABLES)
def test_every_jump_of_the_filters_lands_within_it(machine: str, build: Callable[[str], list[Any]]) -> None:
    program = build(machine)
    for place, (code, if_true, if_false, _) in enumerate(program):
        assert max(if_true, if_false) < 256
        if code & 7 == 5:
            assert place + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 6


@pytest.mark.parametrize("name", ["socket", "execve", "fork", "ptrace", "mount", "bpf", "io_uring_setup", "keyctl"])
def test_filter_lists_no_dangerous_call(name: str) -> None:
    assert all(name not in calls for calls, _ in TABLES.values())


@pytest.mark.parametrize("machine", TABLES)
def test_no_new_call_is_allowed_by_default(machine: str) -> None:
    """Walk through both filters for every number: a snippet gets no call that is not in the table."""
    calls, architecture = TABLES[machine]
    programs = zygote_program(machine), snippet_program(machine)
    # Some calls depend on an argument, which is 0 here.
    allowed = {n for n in range(1024) if all(_walk(p, n, architecture) == 0x7FFF0000 for p in programs)}
    assert allowed <= set(calls.values())
    assert calls["read"] in allowed
    assert calls["clone"] not in allowed
    assert allowed.isdisjoint(ZYGOTE[machine].values())


def _walk(program: list[tuple[int, int, int, int]], number: int, architecture: int) -> int:
    place = value = 0
    while True:
        code, if_true, if_false, constant = program[place]
        if code == 0x06:
            return constant
        if code == 0x20:
            value = {0: number, 4: architecture}.get(constant, 0)
        elif code == 0x54:
            value &= constant
        else:
            taken = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            place += if_true if taken else if_false
        place += 1
