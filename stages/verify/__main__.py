"""Keep only snippets whose printed result equals the stated one."""

from functools import partial
from pathlib import Path

import typer

from mathcode_pile.core.engine import map_folder, write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.verify.stage import VerifyParams, measure, read_labelled, verify_shard


def main(executed: Path, out: Path, *, metrics: Path = typer.Option(...)) -> None:
    """Judge the executed snippets of a component; measure the judgement on labelled pairs."""
    params = load("verify", VerifyParams)
    report = map_folder("verify", partial(verify_shard, params=params), executed, out, [params.model_dump(mode="json")])
    write_metrics(metrics, report, **measure(read_labelled(), params))


if __name__ == "__main__":
    run(main)
