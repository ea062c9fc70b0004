"""What users and developers of the repository run besides the stages: `python -m tools`."""

import sys
from pathlib import Path

# The code beside this folder, as in stages/__init__.py.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
