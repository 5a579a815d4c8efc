"""Public Text2SQL sets in the layout of Spider and BIRD: questions in JSON beside a folder of SQLite databases.

Spider `{"question", "query", "db_id"}`, BIRD `{"question", "SQL", "db_id", "evidence"}`; `database` (the file) and
`schema` (its CREATE TABLE statements) are added by the reader of the folder.
"""

from __future__ import annotations

from rlstack.api import Row
from rlstack.envs.loaded import Record, first, question

ASK = "One SQLite query, nothing else."


def row(record: Record) -> Row:
    """The question under the database's schema, judged by execution on it and on variants of it."""
    gold = str(first(record, "query", "SQL", "sql")).strip().rstrip(";")
    if "database" not in record:
        raise ValueError("no database (named as db_id): give the folder that holds the questions and database/<db_id>/")
    hint = str(record.get("evidence") or "").strip()
    asked = f"{record['schema']}\n\n{question(record)}{f' ({hint})' if hint else ''} {ASK}"
    return Row.ask(asked, {"gold": gold, "databases": [record["database"]], "dialect": "sqlite"}, gold)
