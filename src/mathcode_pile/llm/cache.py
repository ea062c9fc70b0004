"""Replies kept on disk, under the hash of everything that they depend on.

They are in one SQLite file in the scratch folder, in write-ahead mode: it survives kill -9, and several processes of
one machine may use it. Do not put it on a network file system, where SQLite's locks do not work.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.scratch import hash_values, scratch_folder
from mathcode_pile.core.shards import list_shards, read_batches, write_shards
from mathcode_pile.llm.prompts import Prompt
from mathcode_pile.llm.reasons import NoReply

REPLIES = pa.schema(
    [
        pa.field("key", pa.binary(16), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("is_cut", pa.bool_(), nullable=False),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("completion_tokens", pa.int32(), nullable=False),
    ]
)
_SCHEMA = """
create table if not exists replies (
    key blob primary key, model text not null, text text not null, is_cut integer not null,
    prompt_tokens integer not null, completion_tokens integer not null);
create table if not exists runs (
    model text not null, stage text not null, ended real not null, seconds real not null,
    prompts integer not null, prompt_tokens integer not null, completion_tokens integer not null);
"""


class Completion(NamedTuple):  # what a model answered to one prompt
    text: str
    is_cut: bool
    """It ended at the token limit."""
    prompt_tokens: int
    completion_tokens: int


class Failure(NamedTuple):  # of one prompt, after all its attempts
    reason: NoReply
    detail: str


class Throughput(NamedTuple):  # of all runs of a stage with a model on this machine
    seconds: float
    prompts: int
    prompt_tokens: int
    completion_tokens: int


def reply_key(identity: dict[str, object], prompt: Prompt) -> bytes:
    """Return the 16 bytes that a reply is kept under: a hash of the whole dialogue and what else it depends on."""
    sample = {"sample": prompt.sample} if prompt.sample else {}
    image = {"image": hash_values(prompt.image)} if prompt.image else {}
    return bytes.fromhex(hash_values(identity | sample | image, prompt.turns))


class ReplyCache:
    """The replies of one folder. Its methods may be called from any thread."""

    def __init__(self, folder: Path | None = None, recorded: Path | None = None, in_memory: bool = False) -> None:
        """folder: the scratch folder's `replies` unless given. recorded: shards of further replies, which are added.

        in_memory: nothing is read from the folder or written to it, so there are the recorded replies alone.
        Raises InputError where the folder's file is no reply cache, or where there are no recorded replies.
        """
        self.path = Path(":memory:") if in_memory else (folder or scratch_folder("replies")) / "replies.sqlite"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            # Autocommit: when `put` returns, the reply is on disk.
            self._database = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            self._database.execute("pragma journal_mode=wal")
            self._database.execute("pragma synchronous=normal")
            self._database.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path}: not a usable reply cache: {error}") from error
        if recorded:
            self.import_from(recorded)

    def get(self, key: bytes) -> Completion | None:
        """Return the reply kept under a key."""
        query = "select text, is_cut, prompt_tokens, completion_tokens from replies where key = ?"
        with self._lock:
            row = self._database.execute(query, (key,)).fetchone()
        return Completion(row[0], bool(row[1]), row[2], row[3]) if row else None

    def put(self, key: bytes, model: str, completion: Completion) -> None:
        """Keep a reply, unless its key has one already. Raises PipelineError where it cannot be written."""
        row = (key, model, *completion)
        try:
            with self._lock:
                self._database.execute("insert or ignore into replies values (?, ?, ?, ?, ?, ?)", row)
        except sqlite3.OperationalError as error:
            raise PipelineError(f"{self.path}: a reply cannot be kept: {error}") from error

    def count(self) -> int:
        """Return the number of replies."""
        with self._lock:
            return int(self._database.execute("select count(*) from replies").fetchone()[0])

    def note_run(self, model: str, stage: str, seconds: float, prompts: int, tokens: tuple[int, int]) -> None:
        """Remember how fast a model answered the prompts of a stage."""
        with self._lock:
            row = (model, stage, time.time(), seconds, prompts, *tokens)
            self._database.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?)", row)

    def throughput(self, model: str, stage: str) -> Throughput | None:
        """Return the sums over all runs of a stage with a model, None where there was none."""
        sums = "sum(seconds), sum(prompts), sum(prompt_tokens), sum(completion_tokens)"
        query = f"select {sums} from runs where (model, stage) = (?, ?)"
        with self._lock:
            row = self._database.execute(query, (model, stage)).fetchone()
        return Throughput(*row) if row and row[0] else None

    def export_to(self, folder: Path) -> int:
        """Write all replies, in the order of their keys, to Parquet shards; return how many."""
        return write_shards(folder, self._batches(), REPLIES)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        last = b""
        query = "select * from replies where key > ? order by key limit 5000"
        while True:
            with self._lock:
                rows = self._database.execute(query, (last,)).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            columns = [pa.array(column) for column in zip(*rows, strict=True)]
            yield pa.RecordBatch.from_arrays(
                [c.cast(f.type) for c, f in zip(columns, REPLIES, strict=True)], schema=REPLIES
            )

    def import_from(self, folder: Path) -> int:
        """Add the replies of Parquet shards that are not here yet; return how many were new."""
        before = self.count()
        for shard in list_shards(folder):
            for batch in read_batches(shard, REPLIES.names):
                rows = [tuple(row.values()) for row in batch.to_pylist()]
                with self._lock:
                    self._database.execute("begin immediate")
                    self._database.executemany("insert or ignore into replies values (?, ?, ?, ?, ?, ?)", rows)
                    self._database.execute("commit")
        return self.count() - before

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
