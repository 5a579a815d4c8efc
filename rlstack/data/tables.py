"""Records of a data set as plain dicts, per split: JSONL, JSON, Parquet, question-and-answer text, or a hub id.

A folder's files go to the split that their path names (`train…`; `test…`, `dev…`, `val…`, `eval…`,
`interpolate…`, `extrapolate…`). Two things that sets keep apart are joined here: questions with their databases
(`databases.py`), and questions with what `possible_answer/<the same file name>` expects, by `id`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.data.databases import ENDINGS as DATABASES
from rlstack.data.databases import with_database
from rlstack.errors import ConfigError
from rlstack.types import Split

Record = Mapping[str, Any]

SUFFIXES = (".jsonl", ".json", ".parquet", ".txt")
_EVAL = re.compile(r"(?:^|[^a-z])(?:test|dev|valid|validation|val|eval|interpolate|extrapolate)(?:[^a-z]|$)")
_TRAIN = re.compile(r"(?:^|[^a-z])train(?:ing)?(?:[^a-z]|$)")
_ANSWERS = "possible_answer"  # the folder in which the Berkeley leaderboard keeps what is expected, file by file
_NO_QUESTIONS = ("tables", "column_meaning")  # how files beside questions end that describe databases
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
        return _file(path, None, path.parent)
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
    files = [f for f in sorted(folder.rglob("*")) if f.suffix in SUFFIXES and _is_data(f, folder)]
    files = [f for f in files if f.suffix != ".txt"] or files  # beside tables a text is a licence or a note
    if not files:
        raise ConfigError(f"data={folder}: no file ends in {', '.join(SUFFIXES)}")
    for file in files:
        yield from _file(file, split_named(str(file.relative_to(folder))), folder)


def _is_data(file: Path, folder: Path) -> bool:
    above = file.relative_to(folder).parts
    outside = any(part.startswith((".", "__")) or part == _ANSWERS or part.endswith(DATABASES) for part in above)
    return not outside and not file.stem.endswith(_NO_QUESTIONS)


def _file(file: Path, split: Split | None, top: Path) -> Iterator[Placed]:
    """The records of a file, with what belongs to them and lies in its folder or above it up to `top`."""
    answers = file.parent / _ANSWERS / file.name
    expected = {str(answer.get("id")): answer for _, answer in _records(answers)} if answers.is_file() else {}
    for where, record in _records(file):
        joined = {**expected.get(str(record.get("id")), {}), **record} if expected else record
        yield Placed(with_database(joined, where, file, top), where, split)


def _records(file: Path) -> Iterator[tuple[str, Record]]:
    reader = {".jsonl": _lines, ".json": _list, ".parquet": _parquet, ".txt": _pairs}.get(file.suffix)
    if reader is None:
        raise ConfigError(f"data={file}: allowed are files that end in {', '.join(SUFFIXES)}")
    try:
        for where, record in reader(file):
            if not isinstance(record, Mapping):
                raise ConfigError(f"{where}: a record is an object, found a {type(record).__name__}")
            yield where, record
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
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
        yield from _lines(file)  # several values, one a line, under the name of one
        return
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
    for split, rows in splits:
        named = split_named(split)
        yield from (Placed(row, f"{source}[{split}], row {number}", named) for number, row in enumerate(rows, 1))
