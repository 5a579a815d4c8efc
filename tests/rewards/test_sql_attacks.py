"""Hostile SQL: refused or cut short by static limits, nothing left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.rewards.sql import score

DATA = {
    "gold": "SELECT count(*) FROM t",
    "databases": ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z');"],
}
ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)"

REFUSED = [
    "ATTACH 'evil.db' AS e",
    "SELECT * FROM t; ATTACH 'evil.db' AS e",
    "VACUUM INTO 'evil.db'",
    "PRAGMA table_info(t)",
    "PRAGMA writable_schema = 1",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM pragma_database_list",
    "SELECT count(*) FROM pragma_function_list",
    "SELECT load_extension('evil.so')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT sqlite_compileoption_get(1)",
    "SELECT sql FROM sqlite_master",
    "SELECT count(*) FROM sqlite_schema",
    "SELECT count(*) FROM sqlite_temp_master",
    "SELECT 3 FROM main.sqlite_master",
    "WITH sqlite_master AS (SELECT 1) SELECT count(*) FROM main.sqlite_master",
    "SELECT * FROM dbstat",
    "SELECT * FROM sqlite_stmt",
    "SELECT random()",
    "SELECT randomblob(10)",
    "SELECT last_insert_rowid()",
    "INSERT INTO t VALUES (9, 'w')",
    "INSERT INTO t VALUES (9, 'w') RETURNING (SELECT count(*) FROM t)",
    "WITH x AS (SELECT 1) DELETE FROM t",
    "DROP TABLE t",
    "CREATE TEMP TABLE u AS SELECT * FROM t",
    "EXPLAIN SELECT count(*) FROM t",
    "REINDEX",
    "BEGIN",
    "SELECT count(*) FROM t WHERE ?",
    "SELECT count(*) FROM t INTO OUTFILE 'evil'",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('evil', 'x')",
    "SELECT edit('x')",
    "\x00SELECT count(*) FROM t",
    "SELECT count(*) FROM t\x00; DROP TABLE t",
    "SELECT '\ud800', count(*) FROM t",
]

EXPENSIVE = [
    f"{ENDLESS} SELECT n FROM r",
    f"{ENDLESS} SELECT count(*) FROM r",
    f"{ENDLESS} SELECT max(n) FROM r ORDER BY 1",
    f"{ENDLESS} SELECT group_concat(n) FROM r",
    f"{ENDLESS} SELECT count(DISTINCT n) FROM r",
    f"{ENDLESS} SELECT DISTINCT n % 7 FROM r",
    "WITH RECURSIVE r(n) AS (SELECT printf('%900000d', 1) UNION ALL SELECT n || 'x' FROM r) SELECT max(n) FROM r",
    "SELECT count(*) FROM " + ", ".join(f"t AS t{i}" for i in range(40)),
    "SELECT count(*) FROM " + ", ".join(f"(SELECT * FROM t ORDER BY b) AS t{i}" for i in range(20)),
    "SELECT length(zeroblob(900000000))",
    "SELECT zeroblob(900000000) FROM t",
    "SELECT printf('%900000000d', 1)",
    "SELECT printf('%.900000000f', 1.0)",
    "SELECT printf('%*d', 900000000, 1)",
    "SELECT hex(hex(hex(hex(printf('%900000d', 1)))))",
    "SELECT replace(printf('%900000d', 1), ' ', printf('%900000d', 1))",
    f"SELECT count(*) FROM t WHERE b LIKE '{'%a' * 90}%b'",
    f"SELECT printf('%900000d', 1) LIKE '{'%_' * 90}x'",
    f"SELECT printf('%900000d', 1) GLOB '{'*[ -!]' * 30}x'",
    f"SELECT {'(' * 5_000}1{')' * 5_000}",
    f"SELECT {'(' * 30}1{')' * 30}",
    "(" * 10_000,
    "SELECT " + "(" * 10_000,
    "SELECT " + "NOT " * 4_000 + "1",
    "SELECT " + "-" * 15_000 + "1",
    "SELECT " + "~" * 15_000 + "1",
    "SELECT " + "CASE WHEN 1 THEN " * 1_000 + "1",
    "SELECT " + " + ".join(["1"] * 4_000),
    "SELECT " + " || ".join(["'x'"] * 2_000),
    "SELECT " + ", ".join(["*"] * 5_000) + " FROM t",
    "SELECT " + ", ".join(["count(*)"] * 2_000) + " FROM t",
    " UNION ALL ".join(["SELECT 1"] * 1_000),
    "VALUES " + ", ".join(["(1)"] * 4_000),
    "WITH " + ", ".join(f"c{i} AS (SELECT a FROM t)" for i in range(500)) + " SELECT count(*) + 1 FROM c0",
    "WITH c0 AS (SELECT 1 x), " + ", ".join(f"c{i} AS (SELECT a.x FROM c{i - 1} a, c{i - 1} b)" for i in range(1, 40))
    + " SELECT count(*) FROM c39",
    "SELECT count(*) FROM t WHERE a IN (" + ", ".join(map(str, range(4_000))) + ",",
    "SELECT " + " " * 1_000_000 + "1",
    " " * 1_000_000,
    "\n" * 1_000_000 + "SELECT 1",
    "SELECT '" + "x" * 1_000_000 + "'",
    "SELECT 1 /*" + "*" * 1_000_000,
    "/*" * 10_000 + "SELECT 1",
    "--\n" * 6_000 + "SELECT 1",
    "```sql\n" * 20_000,
    "```sql\nSELECT 1\n```\n" * 20_000,
    "SELECT 9" + "9" * 15_000,
    "SELECT " + '"' * 15_001,
    "SELECT json('" + "[" * 15_000 + "')",
    "SELECT json_valid(replace(printf('%.400000c', '['), 'x', 'y')) FROM t",
    "\x1b[2J\x1b[31mSELECT 3",
]  # fmt: skip


@pytest.mark.parametrize("answer", REFUSED)
def test_whatever_is_not_reading_is_refused(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verdict = score(Response(answer), DATA)
    assert (verdict.status, verdict.value) == ("ok", 0.0)
    assert os.listdir(tmp_path) == []
    assert score(Response(str(DATA["gold"])), DATA).value == 1.0


@pytest.mark.parametrize("answer", EXPENSIVE, ids=range(len(EXPENSIVE)))
def test_expensive_text_is_cut_short(answer: str) -> None:
    score(Response(str(DATA["gold"])), DATA)
    started = time.process_time()
    verdict = score(Response(answer), DATA)
    assert time.process_time() - started < 1.5
    assert (verdict.status, verdict.value) == ("ok", 0.0)
    assert score(Response(str(DATA["gold"])), DATA).value == 1.0
