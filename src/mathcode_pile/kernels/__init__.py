"""What compiled code of several stages shares: words and hashes over Arrow buffers, no Python object per document.

A module named `*_kernel` holds the compiled code of its own stage or folder. Kernels release the GIL. No output
depends on whether a compiled kernel came from the cache.
"""

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import fold_table, scan_word, text_buffers, text_hashes

__all__ = ["compiled", "fold_table", "scan_word", "text_buffers", "text_hashes"]
