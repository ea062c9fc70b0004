"""Read a WARC file compressed with zstd: one frame for each record, with a dictionary at the file's beginning or none.

The dictionary is in a frame that zstd itself skips, and may be compressed too (the IIPC's proposal for .warc.zst).
Memory holds what is decompressed of one chunk of the file, whatever its size.
"""

import io
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from mathcode_pile.core.errors import InputError

_DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK_BYTES = 1 << 17


class ZstdFrames(io.RawIOBase):
    """The decompressed bytes of a file. Reading raises EOFError where it was cut, InputError where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 # close() closes it
        self._decompressor = zstandard.ZstdDecompressor(dict_data=_read_dictionary(self._file))
        self._frame: Any = None
        self._packed = self._unpacked = b""
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward, or say where the reader is; going back is not supported."""
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place}[whence]
        while self._place < target and self.read(min(target - self._place, _CHUNK_BYTES)):
            pass
        if self._place > target:
            raise io.UnsupportedOperation("going back in a zstd file")
        return self._place

    def readinto(self, buffer: Any) -> int:
        while not self._unpacked and self._unpack():
            pass
        part = self._unpacked[: len(buffer)]
        buffer[: len(part)] = part
        self._unpacked = self._unpacked[len(part) :]
        self._place += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _unpack(self) -> bool:
        """Decompress the next chunk, or what is left of it behind a frame; return whether there was one."""
        self._packed = self._packed or self._file.read(_CHUNK_BYTES)
        if not self._packed:
            if self._frame:
                raise EOFError("it ends in the middle of a zstd frame")
            return False
        self._frame = self._frame or self._decompressor.decompressobj()
        try:
            self._unpacked = self._frame.decompress(self._packed)
        except zstandard.ZstdError as error:
            raise InputError(f"{self._file.name}: not a readable zstd file: {error}") from error
        self._packed = self._frame.unused_data
        if self._frame.eof:
            self._frame = None
        return True


def _read_dictionary(file: BinaryIO) -> zstandard.ZstdCompressionDict | None:
    """Return the dictionary at the beginning of a file, which is then at its first record; None where it has none."""
    if file.read(4) != _DICTIONARY_MAGIC:
        file.seek(0)
        return None
    size = int.from_bytes(file.read(4), "little")
    content = file.read(size)
    if len(content) < size:
        raise EOFError("it ends in the middle of a zstd frame")
    if content.startswith(_FRAME_MAGIC):
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return zstandard.ZstdCompressionDict(content)
