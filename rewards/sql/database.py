"""Databases for judging: loaded once per process, then only read."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from rlstack.rewards.sql.guard import Guarded

CACHE_SIZE = 256
IN_MEMORY_BYTES = 64_000_000  # larger files are queried in place

_local = threading.local()  # connections belong to the thread (and the process) that opened them


class DatabaseError(ValueError):
    """A database of the data cannot be built or opened; the message says why."""


def database(source: str | Mapping[str, Any]) -> Guarded:
    """A guarded database from a path, an SQL script, or `{"ddl": str, "rows": {table: [[..], ..]}}`.

    A string that holds a line break or a semicolon, or starts with CREATE, is a script; any other is the path of
    an SQLite file.
    Raises `DatabaseError`.
    """
    cache: OrderedDict[str, Guarded] = owned("databases")
    key = source_key(source)
    found = cache.get(key)
    if found is None:
        connection = connect(source)
        if isinstance(source, str) and not is_script(source) and os.path.getsize(source) <= IN_MEMORY_BYTES:
            on_disk, connection = connection, copied(connection)
            on_disk.close()
        found = cache[key] = Guarded(connection)
        if len(cache) > CACHE_SIZE:
            cache.popitem(last=False)
    else:
        cache.move_to_end(key)
    return found


def connect(source: str | Mapping[str, Any]) -> sqlite3.Connection:
    """An unguarded connection to a database: in memory, or to the file itself, read-only."""
    try:
        if isinstance(source, Mapping):
            return _filled(source)
        return _scripted(source) if is_script(source) else _opened(source)
    except (sqlite3.Error, sqlite3.Warning, OSError, TypeError, ValueError, KeyError) as error:
        raise DatabaseError(f"{type(error).__name__}: {str(error)[:200]}") from None


def copied(source: sqlite3.Connection) -> sqlite3.Connection:
    """A private copy in memory."""
    connection = _memory()
    source.backup(connection)
    return connection


def emptied(source: sqlite3.Connection) -> sqlite3.Connection:
    """A database in memory with the tables, indexes and views of another, without rows and triggers."""
    connection = _memory()
    parts = source.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger' AND name NOT LIKE 'sqlite_%' "
        "ORDER BY type = 'view', type = 'index', rowid"
    ).fetchall()
    for (part,) in parts:
        connection.execute(part)
    return connection


def is_script(source: str) -> bool:
    """Whether a database given as text is an SQL script rather than a path."""
    return "\n" in source or ";" in source or source.lstrip()[:6].upper() == "CREATE"


def owned(name: str) -> OrderedDict[Any, Any]:
    """A cache of this thread in this process: connections must not be shared by either."""
    if getattr(_local, "pid", None) != os.getpid():
        _local.pid, _local.caches = os.getpid(), {}
    return _local.caches.setdefault(name, OrderedDict())


def source_key(source: str | Mapping[str, Any]) -> str:
    """What identifies a database: a hash of its text, or path, size and time of change. Raises `DatabaseError`."""
    if isinstance(source, str) and not is_script(source):
        try:
            facts = os.stat(source)
        except (OSError, ValueError) as error:
            raise DatabaseError(f"{source[:200]!r}: {error}") from None
        return f"{source}|{facts.st_size}|{facts.st_mtime_ns}"
    text = source if isinstance(source, str) else json.dumps(source, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _memory() -> sqlite3.Connection:
    return _open(":memory:")


def _open(name: str, uri: bool = False) -> sqlite3.Connection:
    """Every connection comes from here: text that is no UTF-8 is read with replacement signs, never an error."""
    connection = sqlite3.connect(name, uri=uri, cached_statements=0, isolation_level=None, check_same_thread=False)
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _scripted(script: str) -> sqlite3.Connection:
    connection = _memory()
    connection.set_authorizer(_no_files)
    connection.executescript(script)
    connection.set_authorizer(None)
    return connection


def _filled(source: Mapping[str, Any]) -> sqlite3.Connection:
    connection = _scripted(source["ddl"])
    for table, rows in source.get("rows", {}).items():
        insert(connection, table, rows)
    return connection


def insert(
    connection: sqlite3.Connection, table: str, rows: Iterable[Iterable[Any]], columns: Iterable[str] = ()
) -> None:
    """Insert rows in the order of the table's columns (or of `columns`)."""
    rows = [tuple(row) for row in rows]
    if rows:
        names = f" ({', '.join(map(quoted, columns))})" if columns else ""
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {quoted(table)}{names} VALUES ({marks})", rows)


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


def _opened(path: str) -> sqlite3.Connection:
    uri = f"file:{path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')}?mode=ro&immutable=1"
    on_disk = _open(uri, uri=True)
    on_disk.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return on_disk


def _no_files(action: int, _first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
    """While a script fills its database it may do anything but reach for files or code."""
    reaches_out = action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH) or (
        action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in {"load_extension", "fts3_tokenizer"}
    )
    return sqlite3.SQLITE_DENY if reaches_out else sqlite3.SQLITE_OK
