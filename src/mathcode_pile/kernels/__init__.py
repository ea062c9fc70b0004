"""Compiled code that several stages share: words and hashes of text in Arrow buffers, without Python objects.

A module named `*_kernel` holds the compiled code of one stage or folder. Kernels release the GIL. Their output is the
same whether or not the machine code comes from the cache.
"""
