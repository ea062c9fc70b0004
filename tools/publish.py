"""Publish a version of the corpus: write its name into the card, commit, tag, push the data, and push the tag last.

A tag that is on the Git remote can be fetched: its data was pushed before it. A publication that was interrupted is
continued by the same command.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import typer

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import load, read_section
from stages.corpus.card import MANIFEST, hash_content, read_published, read_register, write_card
from stages.corpus.stage import CorpusParams
from stages.corpus.verify_corpus import check_corpus, hash_file
from tools.recorded import WORKSPACE, Objects, Version, git

CORPUS = Path("data/corpus")
SELECTED, REMOVED, PUBLISHED = Path("data/select"), Path("removed.csv"), Path("published.json")
# These read the corpus's shards and not its card, so the version changes nothing for them. `dvc commit` records the
# new hash of the folder. Whatever else reads data/corpus is run again by `dvc repro`.
READ_SHARDS_ALONE = ("tokenizer", "tokenize")


def publish(version: str, stages: Sequence[str] = (), *, dry_run: bool = False) -> None:
    """Publish what dvc.lock records as a version; stages: those whose outs are pushed, all by default.

    dry_run: check everything, change nothing.
    Raises PipelineError where a check fails, and where a command does; nothing is written before all checks passed.
    """
    branch = _find_branch()
    is_tagged = bool(git("tag", "--list", version).strip())
    is_written = read_published(PUBLISHED).version == version
    faults = [*_list_name_faults(version, is_tagged), *_list_remote_faults(version, branch), *_list_uncommitted()]
    if is_written and _read_manifest()["version"] != version:
        faults.append(f"{version} was written, but the corpus has changed since: choose the next version")
    # Every byte is read only where nothing else is wrong. What is damaged would run again too.
    damage = [] if faults else [*_list_damage()]
    faults += damage or [*_list_stale()]
    if faults:
        raise PipelineError("\nerror: ".join(faults))
    typer.echo("checked: the tree is clean, the pipeline is up to date, and every file of the cache is whole")
    steps: list[list[str]] = []
    if not is_written:
        typer.echo(f"{'would write' if dry_run else 'writing'} {version} into {PUBLISHED}, the card and the manifest")
        if not dry_run:
            _write_version(version)
        steps += [["dvc", "commit", "--force", "--quiet", "corpus", *READ_SHARDS_ALONE], ["dvc", "repro"]]
        steps += [["git", "commit", "--quiet", "--all", "--message", f"Version {version}"]]
    steps += [] if is_tagged else [["git", "tag", "--annotate", version, "--message", ""]]
    steps += [["dvc", "push", *stages], ["git", "push", "origin", f"HEAD:refs/heads/{branch}"]]
    steps += [["git", "push", "origin", f"refs/tags/{version}"]]
    for step in steps:
        if step[:2] == ["git", "tag"]:  # by now the manifest is the published one
            step[-1] = _describe(version, dry_run)
        typer.echo(("would run: " if dry_run else "") + " ".join(step).replace("\n\n", ". "))
        if not dry_run and subprocess.run(step).returncode:
            is_committed = not git("status", "--porcelain")
            remedy = "the same command continues" if is_committed else "git checkout . && dvc checkout, then try again"
            raise PipelineError(f"{' '.join(step[:2])} failed; {remedy}")


def _find_branch() -> str:
    """Return the branch, empty where HEAD is on none."""
    try:
        return git("symbolic-ref", "--short", "HEAD").strip()
    except PipelineError:
        return ""


def _list_name_faults(version: str, is_tagged: bool) -> Iterator[str]:
    """Yield why the version cannot have this name."""
    if not re.fullmatch(r"v\d+(\.\d+)*(-[0-9A-Za-z.]+)?", version):
        yield f"{version!r} is no version; for example: make publish VERSION=v1.0"
    elif is_tagged and git("rev-parse", f"{version}^{{commit}}") != git("rev-parse", "HEAD"):
        yield f"{version}: there is a tag of this name, on another commit"


def _list_remote_faults(version: str, branch: str) -> Iterator[str]:
    """Yield what keeps Git's and DVC's remotes from taking the version."""
    if not branch:
        yield "HEAD is on no branch: git switch main"
    remedy = "git remote {} origin <the address of your repository>"
    try:
        git("remote", "get-url", "origin", failing=f"Git has no remote `origin` to push to: {remedy.format('add')}")
        unreachable = f"the Git remote `origin` cannot be reached: mend its address, {remedy.format('set-url')}"
        if git("ls-remote", "--tags", "origin", version, failing=unreachable):
            yield f"{version} is published: `origin` has its tag"
        elif branch:
            refused = "`origin` would refuse the branch: git pull first"
            git("push", "--dry-run", "--quiet", "origin", f"HEAD:refs/heads/{branch}", failing=refused)
    except PipelineError as error:
        yield str(error)
    remote = _config("core.remote")
    if not remote:
        yield "DVC has no default remote: dvc remote add -d storage s3://bucket/folder, then set its `verify true`"
    elif _config(f"remote.{remote}.verify") != "true":
        yield f"the remote {remote} does not check what it stores: dvc remote modify {remote} verify true; then commit"


def _config(name: str) -> str:
    done = subprocess.run(["dvc", "config", name], capture_output=True, text=True)
    return done.stdout.strip()


def _list_uncommitted() -> Iterator[str]:
    """Yield how many files are not committed, if any."""
    if changed := git("status", "--porcelain").splitlines():
        yield f"{len(changed)} files are not committed: {changed[0].strip()}"


def _list_stale() -> Iterator[str]:
    """Yield the stages that would run again."""
    done = subprocess.run(["dvc", "status", "--json"], capture_output=True, text=True)
    if done.returncode:
        yield f"dvc status: {done.stderr.strip().splitlines()[-1]}"
    elif stale := json.loads(done.stdout):
        yield f"{', '.join(sorted(stale))} would run again: dvc repro, then commit dvc.lock and metrics"


def _list_damage() -> Iterator[str]:
    """Yield how many files of the corpus and the cache are not as recorded, if any."""
    if faults := [*check_corpus(CORPUS)[0], *find_faults(Objects())]:
        yield f"{len(faults)} files are not as recorded; the first: {faults[0]}"


def find_faults(objects: Objects) -> Iterator[str]:
    """Yield a line for each file of the present dvc.lock that is not in the cache, or not with its MD5."""
    recorded, current = Version(WORKSPACE, objects), objects.current_outs()
    for out, name in recorded.outs.items():
        if out not in current:
            continue
        if name.endswith(".dir") and not objects.cached(name).is_file():
            yield f"{out}: its list of files is not in the cache"
            continue
        files = [(file.path, file.md5) for file in recorded.list_files(out)] if name.endswith(".dir") else [(out, name)]
        for path, wanted in files:
            place = objects.cached(wanted)
            if not place.is_file():
                yield f"{path} is not in the cache"
            elif _hash_md5(place) != wanted:
                yield f"{path} is damaged in the cache: {place}"


def _hash_md5(path: Path) -> str:
    digest = md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _write_version(version: str) -> None:
    """Write published.json, and the card and the manifest of data/corpus; the shards stay as they are."""
    entries = _read_manifest()["components"]
    values = {"version": version, "content": hash_content(entries)}
    PUBLISHED.write_text(json.dumps(values) + "\n", encoding="utf-8")
    params, register = load("corpus", CorpusParams), read_register(SELECTED, REMOVED, PUBLISHED)
    write_card(CORPUS, entries, params.title, params.translated.form, read_section("fetch"), register)


def _read_manifest() -> dict[str, Any]:
    return json.loads((CORPUS / MANIFEST).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _describe(version: str, dry_run: bool) -> str:
    sha256 = "known once it is written" if dry_run else hash_file(CORPUS / MANIFEST)
    return f"{version}\n\nSHA-256 of {CORPUS / MANIFEST}: {sha256}"
