"""Put a workspace back as it was after DVC was killed while it set up an experiment.

`dvc exp run --temp` writes the overrides into the workspace's own files, saves them as a commit, and then puts the
files back. Killed in between, it leaves a changed params.yaml, a detached HEAD, and uncommitted work in a stash.
"""

import json
import shutil
import subprocess
from pathlib import Path

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.shards import sync_folder

LEFT = "left by an experiment that was killed while DVC set it up"


def git(*arguments: str) -> str:
    """Return what Git prints; raises PipelineError where it fails."""
    program = shutil.which("git")
    if program is None:
        raise PipelineError("git is not installed")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise PipelineError(f"git {arguments[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def remember_workspace(home: Path) -> None:
    """Note the branch, its commit and the uncommitted changes of tracked files, in a file of the folder `home`."""
    branch = git("rev-parse", "--symbolic-full-name", "HEAD").strip()
    # Makes a commit of the changes and leaves them where they are; prints nothing if there are none.
    noted = {"branch": branch, "commit": git("rev-parse", "HEAD").strip(), "changes": git("stash", "create").strip()}
    partial = home / "workspace.json.partial"
    partial.write_text(json.dumps(noted), encoding="utf-8")
    partial.rename(home / "workspace.json")
    sync_folder(home)


def forget_workspace(home: Path) -> None:
    """Say that the workspace is as it was."""
    (home / "workspace.json").unlink(missing_ok=True)


def restore_workspace(home: Path) -> None:
    """Put back what was noted and not forgotten. What is found instead goes to Git's stash, so nothing is lost.

    A workspace that has moved on to another commit is left alone.
    """
    file = home / "workspace.json"
    if not file.is_file():
        return
    noted = json.loads(file.read_text(encoding="utf-8"))
    if git("rev-parse", "HEAD").strip() == noted["commit"]:
        if git("status", "--porcelain", "--untracked-files=no"):
            git("stash", "push", "--message", LEFT)
            print(f"the workspace is put back as it was; `git stash list` has what was {LEFT}", flush=True)
        if noted["branch"] != "HEAD":
            git("symbolic-ref", "HEAD", noted["branch"])
        if noted["changes"]:
            git("stash", "apply", "--quiet", noted["changes"])
    forget_workspace(home)
