"""The stages of the pipeline, a folder each; `python -m stages.<name>` from the repository root runs one."""

import os
import sys
from pathlib import Path

if not sys.stderr.isatty():
    os.environ.setdefault("TQDM_MININTERVAL", "30")  # a log wants few lines of progress

# The code beside this folder, not an installed copy: an experiment in a temporary clone runs its own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
