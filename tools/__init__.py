"""What developers and users of the repository run besides the stages."""

import sys
from pathlib import Path

# The code beside this folder, as stages/__init__.py has it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
