"""`make repro` counts the stages of `dvc repro`, leaves out its chatter, and says how long each stage took."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, run_module

from tools.repro import count_stages, follow_stages, show_time, tabulate

PRINTED = b"""'sample/books.dvc' didn't change, skipping
Running stage 'fetch@cc_en':
> python -m stages.fetch data/fetch/cc_en
fetched 7 rows
Generating lock file 'dvc.lock'
Updating lock file 'dvc.lock'

Stage 'select' didn't change, skipping
Running stage 'pack':
> python -m stages.pack
50%\r100%\r
Updating lock file 'dvc.lock'

Stage 'report' is cached - skipping run, checking out outputs

To track the changes with git, run:

\tgit add dvc.lock

To enable auto staging, run:

\tdvc config core.autostage true
Use `dvc push` to send your updates to remote storage.
"""
SHOWN = """ 1/4     1s  fetch@cc_en
fetched 7 rows
 2/4     2s  select: nothing changed
 3/4     3s  pack
50%\r100%\r
 4/4     4s  report: kept from an earlier run
"""


@pytest.fixture
def repro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Repro"]:
    """`python -m tools repro` with a `dvc` that is a shell script."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    started = Repro(tmp_path / "dvc")
    yield started
    started.stop()


class Repro:
    """Starts the tool in a process group of its own, as a shell does."""

    def __init__(self, dvc: Path) -> None:
        self.dvc = dvc

    def start(self, script: str) -> "subprocess.Popen[bytes]":
        """Start the tool; `dvc repro` runs the script."""
        self.dvc.write_text(f'#!/bin/sh\ntest "$*" = repro || exit 9\n{script}\n')
        self.dvc.chmod(0o755)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tools", "repro"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return self.process

    def stop(self) -> None:
        """Kill what a failed test left running."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


def test_output_and_status_are_dvc_s_and_the_times_follow(repro: Repro) -> None:
    script = """printf 'Running stage '"'a'"':\\n> x\\n1%%\\r2%%\\r\\n'; printf 'bar\\r' >&2; sleep 1.1; exit 7"""
    out, err = repro.start(script).communicate()
    assert re.match(rb" 1/\d+     0s  a\n> x\n1%\r2%\r\n    1\.", out)
    table = re.sub(rb"[\d.]+", b"N", out).splitlines()[-2:]
    assert [line.strip() for line in table] == [b"N s  a", b"N s  in all; stages run: N"]
    assert (err, repro.process.returncode) == (b"bar\r", 7)


def test_output_comes_when_dvc_prints_it(repro: Repro) -> None:
    process = repro.start("printf half; sleep 60")
    assert process.stdout and os.read(process.stdout.fileno(), 100) == b"half"


def test_ctrl_c_ends_dvc_and_the_times_are_still_printed(repro: Repro) -> None:
    process = repro.start("trap 'echo stopped; exit 5' INT; echo \"Running stage 'a':\"; sleep 60")
    assert process.stdout and process.stdout.readline().endswith(b"  a\n")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert out.startswith(b"stopped\n") and out.endswith(b"stages run: 1\n")
    assert (err, process.returncode) == (b"", 5)


def test_sigterm_is_passed_to_dvc(repro: Repro) -> None:
    process = repro.start("trap 'kill $!; exit 5' TERM; sleep 60 & echo begun; wait")
    assert process.stdout and process.stdout.readline() == b"begun\n"
    process.terminate()
    assert process.wait() == 5


def test_a_run_that_changes_nothing_has_no_table(repro: Repro) -> None:
    out, _ = repro.start("echo 'Data and pipelines are up to date.'").communicate()
    assert (out, repro.process.returncode) == (b"Data and pipelines are up to date.\n", 0)


def test_a_missing_dvc_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = run_module("tools", "repro")
    assert said.returncode == 1 and said.stderr.startswith("error: dvc cannot be started")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_stages_are_counted_and_end_where_the_next_line_of_dvc_begins(size: int) -> None:
    now, passed_on = -1, b""

    def pass_on(piece: bytes) -> None:
        nonlocal now, passed_on
        passed_on += piece

    def tick() -> float:
        nonlocal now
        now += 1
        return now

    pieces = (PRINTED[start : start + size] for start in range(0, len(PRINTED), size))
    assert follow_stages(pieces, pass_on, 4, tick) == {"fetch@cc_en": 1, "pack": 1}
    assert passed_on.decode() == SHOWN


def test_the_slowest_stage_comes_first_and_short_ones_are_left_out() -> None:
    table = tabulate({"a": 2, "b": 0.9, "pretrain": 90.66}, 100)
    assert table.splitlines() == ["   90.7 s  pretrain", "    2.0 s  a", "  100.0 s  in all; stages run: 3"]


def test_each_entry_of_a_foreach_is_a_stage(tmp_path: Path) -> None:
    stages = (
        "stages:\n  a: {cmd: x}\n  b: {foreach: '${c.d}', do: {cmd: x}}\n  e: {foreach: {f: 1, g: 2}, do: {cmd: x}}"
    )
    (tmp_path / "dvc.yaml").write_text(stages)
    (tmp_path / "params.yaml").write_text("c: {d: {h: 1, i: 2, j: 3}}")
    assert count_stages(tmp_path) == 6
    assert count_stages(ROOT) > 30


def test_durations_are_short() -> None:
    assert [show_time(seconds) for seconds in (0.4, 59.9, 133, 3725)] == ["0s", "59s", "2m13s", "1h02m"]
