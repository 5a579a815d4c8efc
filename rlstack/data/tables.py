"""Records of a data set as plain dicts, per split: JSONL, JSON, Parquet, question-and-answer text, or a hub id.

A folder's files go to the split that their path names (`train…`; `test…`, `dev…`, `val…`, `eval…`,
`interpolate…`, `extrapolate…`); other files are split by a hash of each prompt's text, as generated prompts are.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.errors import ConfigError
from rlstack.types import Split

Record = Mapping[str, Any]

SUFFIXES = (".jsonl", ".json", ".parquet", ".txt")
_EVAL = re.compile(r"(?:^|[^a-z])(?:test|dev|valid|validation|val|eval|interpolate|extrapolate)(?:[^a-z]|$)")
_TRAIN = re.compile(r"(?:^|[^a-z])train(?:ing)?(?:[^a-z]|$)")
_DATABASES = ("database", "databases")  # how the folder of a data set's databases is named
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(?::[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Placed:
    """A record, where it comes from (for error messages) and the split that its file names."""

    record: Record
    where: str
    split: Split | None


def read(source: str) -> Iterator[Placed]:
    """All records of a file, a folder, or a hub data set (`owner/name` or `owner/name:config`).

    Raises ConfigError, at once when there is nothing of that name, later when a file is not what its name says.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _file(path, None)
    if _HUB_ID.fullmatch(source) and not source.startswith(".") and path.suffix not in SUFFIXES:
        return _hub(source)
    raise ConfigError(
        f"data={source}: there is no file or folder {path.absolute()}, and it is no hub id (owner/name[:config])"
    )


def split_named(text: str) -> Split | None:
    """The split that a path or the name of a split speaks of."""
    lowered = text.lower()
    if _EVAL.search(lowered):
        return "eval"
    return "train" if _TRAIN.search(lowered) else None


def _folder(folder: Path) -> Iterator[Placed]:
    databases = next((one for one in sorted(folder.iterdir()) if one.is_dir() and one.name.endswith(_DATABASES)), None)
    files = [f for f in sorted(folder.rglob("*")) if f.suffix in SUFFIXES and _is_data(f, folder)]
    files = [f for f in files if f.suffix != ".txt"] or files  # beside tables a text is a licence or a note
    if not files:
        raise ConfigError(f"data={folder}: no file ends in {', '.join(SUFFIXES)}")
    for file in files:
        for placed in _file(file, split_named(str(file.relative_to(folder)))):
            yield placed if databases is None else _with_database(placed, databases)


def _is_data(file: Path, folder: Path) -> bool:
    inner = file.relative_to(folder).parts
    outside = any(part.startswith((".", "__")) or part.endswith(_DATABASES) for part in inner)
    return not outside and not file.stem.endswith("tables")


def _file(file: Path, split: Split | None) -> Iterator[Placed]:
    reader = {".jsonl": _lines, ".json": _list, ".parquet": _parquet, ".txt": _pairs}.get(file.suffix)
    if reader is None:
        raise ConfigError(f"data={file}: allowed are files that end in {', '.join(SUFFIXES)}")
    try:
        for where, record in reader(file):
            if not isinstance(record, Mapping):
                raise ConfigError(f"{where}: a record is an object, found a {type(record).__name__}")
            yield Placed(record, where, split)
    except (OSError, ValueError) as error:
        raise ConfigError(f"data: cannot read {file}: {error}") from error


def _lines(file: Path) -> Iterator[tuple[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield f"{file}:{number}", json.loads(line)
                except ValueError as error:
                    raise ConfigError(f"{file}:{number} is not JSON: {error}") from error


def _list(file: Path) -> Iterator[tuple[str, Any]]:
    content = json.loads(file.read_text(encoding="utf-8"))
    records = content if isinstance(content, list) else [content]
    yield from ((f"{file}, record {number}", record) for number, record in enumerate(records, 1))


def _parquet(file: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(str(file)).to_pylist()
    yield from ((f"{file}, row {number}", row) for number, row in enumerate(rows, 1))


def _pairs(file: Path) -> Iterator[tuple[str, Any]]:
    """A question and its answer on alternating lines, as DeepMind's mathematics data has them."""
    lines = file.read_text(encoding="utf-8").splitlines()
    if len(lines) % 2:
        raise ConfigError(f"{file}: a question and its answer take turns, but there are {len(lines)} lines")
    for number in range(0, len(lines), 2):
        yield f"{file}:{number + 1}", {"question": lines[number], "answer": lines[number + 1]}


def _hub(source: str) -> Iterator[Placed]:
    from datasets import load_dataset

    name, _, config = source.partition(":")
    try:
        found = load_dataset(name, config or None)
    except Exception as error:  # the hub client raises a dozen kinds
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
        raise ConfigError(
            f"data={source}: the hub data set cannot be loaded ({type(error).__name__}: {reason}). Without network, "
            "download it elsewhere and give the path of its JSONL or Parquet files"
        ) from error
    splits: list[tuple[str, Iterable[Any]]] = [(str(name), rows) for name, rows in dict(found).items()]
    several = len({split_named(name) for name, _ in splits}) > 1
    for split, rows in splits:
        placed = split_named(split) if several else None  # one split alone is cut by a hash
        yield from (Placed(row, f"{source}[{split}], row {number}", placed) for number, row in enumerate(rows, 1))


# ---- questions over databases --------------------------------------------------------------------------


def _with_database(placed: Placed, databases: Path) -> Placed:
    """In the layout of Spider and BIRD, `<databases>/<db_id>/<db_id>.sqlite`: adds its path and its schema."""
    name = placed.record.get("db_id")
    if not isinstance(name, str):
        raise ConfigError(f"{placed.where}: a question over a database names it as db_id")
    file = databases / name / f"{name}.sqlite"
    if not file.is_file():
        raise ConfigError(f"{placed.where}: there is no database {file}")
    record = {**placed.record, "database": str(file.resolve()), "schema": _schema(file)}
    return Placed(record, placed.where, placed.split)


_SCHEMAS: dict[Path, str] = {}


def _schema(file: Path) -> str:
    """The CREATE TABLE statements of a SQLite file."""
    if file not in _SCHEMAS:
        try:
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
                rows = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
                _SCHEMAS[file] = ";\n".join(" ".join(sql.split()) for (sql,) in rows) + ";"
        except sqlite3.Error as error:
            raise ConfigError(f"{file} is no SQLite database: {error}") from error
    return _SCHEMAS[file]
