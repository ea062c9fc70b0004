"""Download axe-core, whose rules tests/stages/test_report_browser.py applies to the report."""

import subprocess
import tarfile
import tempfile
from pathlib import Path

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.scratch import PROJECT

PACKAGE = "axe-core@4.14.1"
AXE = PROJECT / ".scratch" / "browser" / "axe.min.js"


def download_axe() -> Path:
    """Write axe.min.js, which an npm package has, where the tests look for it; return its path."""
    if AXE.is_file():
        return AXE
    with tempfile.TemporaryDirectory() as temporary:
        try:
            subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=temporary, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PipelineError(f"{PACKAGE} could not be downloaded with npm: {error}") from None
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as archive:
            archive.extract("package/axe.min.js", temporary, filter="data")
        AXE.parent.mkdir(parents=True, exist_ok=True)
        AXE.write_bytes(Path(temporary, "package", "axe.min.js").read_bytes())
    return AXE
