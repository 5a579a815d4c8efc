"""The database that a Text2SQL question is about: `<…database or …databases>/<db_id>/<db_id>.sqlite` near its file."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlstack.errors import ConfigError

ENDINGS = ("database", "databases")  # of the folders that hold databases


def with_database(record: Mapping[str, Any], where: str, file: Path, top: Path) -> Mapping[str, Any]:
    """The question with its `database` (a path) and `schema`, as it is where it names none or none is near.

    Looked for beside the question's `file` first, then in the folders above it up to `top`. Raises ConfigError when
    databases are near, but not the one it names.
    """
    name = record.get("db_id")
    folders = _folders(file, top)
    if not folders or not isinstance(name, str):
        return record
    for folder in folders:
        found = folder / name / f"{name}.sqlite"
        if found.is_file():
            return {**record, "database": str(found.resolve()), "schema": _schema(found)}
    raise ConfigError(f"{where}: there is no database {name}/{name}.sqlite in {' or '.join(map(str, folders))}")


@functools.lru_cache(maxsize=256)
def _folders(file: Path, top: Path) -> tuple[Path, ...]:
    """The nearest first; of several in one place, the one named like the file (test.json: test_database)."""
    found = []
    for place in file.parents:
        here = [one for one in place.iterdir() if one.is_dir() and one.name.endswith(ENDINGS)]
        kin = file.stem.partition("_")[0]
        found += sorted(here, key=lambda one: (not one.name.startswith(kin), one.name))
        if place == top:
            break
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def _schema(file: Path) -> str:
    """The CREATE TABLE statements of a SQLite file."""
    tables = "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            return ";\n".join(" ".join(sql.split()) for (sql,) in connection.execute(tables)) + ";"
    except sqlite3.Error as error:
        raise ConfigError(f"{file} is no SQLite database: {error}") from error
