"""Text2SQL sets: questions in JSON, near the folders of their databases. Both are written here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rlstack.api import Response, Row
from rlstack.data.loaders import with_data
from rlstack.data.prompts import data_rows
from rlstack.errors import ConfigError
from rlstack.plugins import load_env, load_reward

judge = load_reward("sql").score


def write(file: Path, records: Sequence[Mapping[str, Any]]) -> str:
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(file)


def rows_of(source: str) -> list[Row]:
    env = with_data(load_env("sql"), source)
    return [*data_rows(env, "train"), *data_rows(env, "eval")]


def database(file: Path, table: str) -> None:
    file.parent.mkdir(parents=True)
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE {table} (name TEXT,\n  grams INTEGER)")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", [("rye", 900), ("spelt", 400), ("oat", 750)])


def heavy(table: str, database: str, grams: int = 500) -> dict[str, Any]:
    query = f"SELECT name FROM {table} WHERE grams > {grams};"
    return {"question": f"Which {table} are over {grams} g?", "query": query, "db_id": database}


def test_questions_over_databases(tmp_path: Path) -> None:
    """Spider's folder: the databases of the test questions lie apart, files of schemas and of plain SQL beside."""
    database(tmp_path / "database" / "bakery" / "bakery.sqlite", "loaves")
    for name in ("bakery", "zoo"):
        database(tmp_path / "test_database" / name / f"{name}.sqlite", "animals")
    (tmp_path / "tables.json").write_text("[]")
    (tmp_path / "test_tables.json").write_text('[{"db_id": "zoo"}]')
    (tmp_path / "train_gold.sql").write_text("SELECT 1")
    for name, question in (
        ("train_spider", heavy("loaves", "bakery")),
        ("train_others", heavy("loaves", "bakery", 600)),
        ("dev", heavy("loaves", "bakery", 700)),
        ("test", heavy("animals", "zoo")),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps([question]))
    *train, dev, test = rows_of(str(tmp_path))
    asked = train[0].messages[0]["content"]
    assert asked.startswith("CREATE TABLE loaves (name TEXT, grams INTEGER);\n\nWhich loaves are over 600 g?")
    assert [len(train), *("CREATE TABLE animals" in row.messages[0]["content"] for row in (dev, test))] == [2, 0, 1]
    assert all(judge(Response(row.gold), row.data).value == 1.0 for row in (*train, dev, test))
    assert judge(Response("SELECT name FROM loaves WHERE grams > 800"), train[0].data).value == 0.0
    write(tmp_path / "train_more.jsonl", [heavy("loaves", "moon")])
    with pytest.raises(ConfigError, match=r"train_more.jsonl:1: there is no database moon/moon.sqlite in .*/database"):
        rows_of(f"{tmp_path}/")


def test_databases_within_each_split(tmp_path: Path) -> None:
    """BIRD's folder, of which one half alone is a data set too."""
    for split, table in (("train", "loaves"), ("dev", "animals")):
        folder = tmp_path / split
        database(folder / f"{split}_databases" / "shop" / "shop.sqlite", table)
        questions = [
            {"question": f"How many over {n} g?", "SQL": f"SELECT COUNT(*) FROM {table} WHERE grams > {n}",
             "db_id": "shop", "evidence": "grams are weights"}
            for n in range(300, 340)
        ]  # fmt: skip
        (folder / f"{split}.json").write_text(json.dumps(questions))
        (folder / f"{split}_tables.json").write_text("[]")
        (folder / f"{split}_column_meaning.json").write_text('{"shop|grams": "weight"}')
    both = with_data(load_env("sql"), str(tmp_path))
    train, held_out = data_rows(both, "train"), data_rows(both, "eval")
    assert [len(train), len(held_out)] == [40, 40]
    assert "CREATE TABLE loaves" in train[0].messages[0]["content"]
    assert "g? (grams are weights) One SQLite query" in held_out[0].messages[0]["content"]
    assert "CREATE TABLE animals" in held_out[0].messages[0]["content"]
    for source in ("dev", "train", "dev/dev.json"):
        half = with_data(load_env("sql"), str(tmp_path / source))
        parts = [{row.messages[0]["content"] for row in data_rows(half, split)} for split in ("train", "eval")]
        assert len(parts[0] | parts[1]) == 40
        assert len(parts[0]) > 25


def test_questions_without_their_databases_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "q.jsonl", [{"question": "How many?", "query": "SELECT 1", "db_id": "zoo"}])
    with pytest.raises(ConfigError, match="give the folder that holds the questions and database"):
        rows_of(source)
