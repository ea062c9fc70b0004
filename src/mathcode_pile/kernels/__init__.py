"""Words, hashes and n-grams over Arrow buffers, compiled with numba: no Python object per document.

`words` has what is general, `fasttext` what is particular to fastText's models, `minhash` signatures.
The kernels release the GIL. Nothing a stage writes depends on whether a compiled kernel came from the cache.
"""

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import fold_table, scan_word, text_buffers, text_hashes

__all__ = ["compiled", "fold_table", "scan_word", "text_buffers", "text_hashes"]
