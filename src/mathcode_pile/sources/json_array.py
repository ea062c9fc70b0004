"""Read the records of a file that is one array in JSON, a part of the file at a time."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mathcode_pile.core.errors import InputError
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import MAX_RECORD_BYTES, Rejected

CHUNK_BYTES = 1 << 20
# The buffer of a file that is opened. So much is looked at to tell an array from lines of JSON.
HEAD_BYTES = 1 << 16

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def begins_array(file: io.BufferedReader) -> bool:
    """Say whether a file at its start is one array, and not lines of JSON of which the first is an array."""
    text = file.peek(HEAD_BYTES).decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("["):
        return False
    first, _, more = text.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        # Brackets that never end are no array of records either, but a line that cannot be read.
        return re.match(r"\[\s*(?:[{\]]|$)", text) is not None
    return not more.strip()


def read_array(file: io.BufferedReader, path: Path | RemoteFile, name: str) -> Iterator[dict[str, Any] | Rejected]:
    """Yield the objects of an array; other values as Rejected.

    Memory: one record. Raises InputError where the array is not valid JSON or ends too early.
    """
    text = _Text(file, path)
    text.skip("[")
    number = 0
    while not text.skip("]"):
        text.skip(",")  # some files lack them
        number += 1
        value = text.read_value(number)
        if isinstance(value, dict):
            yield value
        else:
            yield Rejected(f"{name}#{number}", Reason.NOT_JSON, f"a {type(value).__name__}, not an object")
    if text.peek():
        raise InputError(f"{path}: not a readable array in JSON: text follows its end")


class _Text:
    """The part of a file's text that has been read and not yet been used."""

    def __init__(self, file: io.BufferedReader, path: Path | RemoteFile) -> None:
        self._file, self._path = file, path
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._start = 0
        self._has_ended = False

    def _extend(self, size: int) -> bool:
        """Read on; False at the end of the file."""
        content = self._file.read(size)
        self._has_ended = not content
        self._text = self._text[self._start :] + self._decoder.decode(content, final=not content)
        self._start = 0
        return not self._has_ended

    def peek(self) -> str:
        """Return the next character that is no white space, which is then skipped; empty at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._start)
            assert match
            self._start = match.end()
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._extend(CHUNK_BYTES):
                return ""

    def skip(self, sign: str) -> bool:
        """Skip a sign if it comes next; say whether it does."""
        found = self.peek() == sign
        self._start += found
        return found

    def read_value(self, number: int) -> Any:
        """Return the next value; number: of the record, for messages."""
        size = CHUNK_BYTES
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._start)
                # A number at the end of what was read may go on.
                if end < len(self._text) or self._has_ended:
                    self._start = end
                    return value
                error: Exception | None = None
            except (ValueError, RecursionError) as raised:
                error = raised
            if len(self._text) - self._start > MAX_RECORD_BYTES:
                raise InputError(f"{self._path}: record {number} is larger than {MAX_RECORD_BYTES} bytes")
            if not self._extend(size) and error:
                raise InputError(f"{self._path}: not a readable array in JSON: record {number}: {error}") from error
            size *= 2
