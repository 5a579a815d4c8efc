"""SQL answers judged by execution: equal results earn, look-alikes and attacks do not."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.rewards.sql import score
from rlstack.types import Score

SHOP = """
CREATE TABLE shop (id INTEGER PRIMARY KEY, town TEXT, opened INTEGER);
CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shop(id), item TEXT, price REAL, day TEXT);
INSERT INTO shop VALUES (1, 'Ulm', 1990), (2, 'Bonn', 2001), (3, 'Ulm', 2010), (4, 'Kiel', 1990);
INSERT INTO sale VALUES
  (1, 1, 'pear', 1.5, '2024-01-05'), (2, 1, 'plum', 0.5, '2024-02-05'), (3, 2, 'pear', 2.0, '2024-02-07'),
  (4, 3, 'fig', 4.0, '2024-03-01'), (5, 3, 'pear', 1.5, '2024-03-01'), (6, 2, 'plum', NULL, '2024-05-09');
"""


def verdict(answer: str, gold: str, *databases: object, **data: object) -> Score:
    return score(Response(answer), {"gold": gold, "databases": list(databases) or [SHOP], **data})


def value(answer: str, gold: str, *databases: object, **data: object) -> float:
    judged = verdict(answer, gold, *databases, **data)
    assert judged.status == "ok", judged
    return judged.value


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("SELECT town, opened FROM shop", "select opened, town from shop order by id desc"),
        ("SELECT count(*) FROM shop WHERE opened > 2000", "SELECT sum(opened > 2000) FROM shop"),
        ("SELECT DISTINCT town FROM shop", "SELECT town FROM shop GROUP BY town"),
        ("SELECT town FROM shop WHERE id IN (SELECT shop_id FROM sale)",
         "SELECT town FROM shop AS s WHERE EXISTS (SELECT 1 FROM sale WHERE shop_id = s.id)"),
        ("SELECT s.town, avg(price) FROM shop s JOIN sale ON s.id = shop_id GROUP BY s.id",
         "WITH a AS (SELECT shop_id, sum(price) * 1.0 / count(price) AS m FROM sale GROUP BY 1) "
         "SELECT m, town FROM a JOIN shop ON shop.id = a.shop_id"),
        ("SELECT item FROM sale ORDER BY price", "SELECT item FROM sale ORDER BY price, day DESC"),
        ("SELECT item, price FROM sale ORDER BY price DESC LIMIT 2",
         "SELECT item, price FROM sale ORDER BY 2 DESC, 1 LIMIT 2"),
        ("SELECT town FROM shop ORDER BY opened LIMIT 1", "SELECT town FROM shop ORDER BY opened, id DESC LIMIT 1"),
        ("SELECT count(*) FROM sale WHERE id < 4", "SELECT count(DISTINCT id) FROM sale WHERE id < 4"),
        ("SELECT max(opened) FROM shop", "SELECT opened FROM shop ORDER BY opened DESC LIMIT 1;"),
        ("SELECT town FROM shop EXCEPT SELECT 'Ulm'", "SELECT DISTINCT town FROM shop WHERE town <> 'Ulm'"),
        ("SELECT item FROM sale WHERE price IS NULL", "SELECT item FROM sale WHERE price IS NULL -- none known"),
        ("SELECT count(*) FROM sale", "SELECT (SELECT count(*) FROM sale)"),
        ("SELECT avg(price) / 3 FROM sale", "SELECT sum(price) / (3 * count(price)) FROM sale"),
        ("SELECT town, count(*) FROM shop GROUP BY town ORDER BY count(*) DESC, town",
         "SELECT town, n FROM (SELECT town, count(*) AS n FROM shop GROUP BY town) ORDER BY n DESC, town"),
    ],
)  # fmt: skip
def test_equal_queries_score_one(gold: str, answer: str) -> None:
    assert value(gold, gold) == 1.0
    assert value(answer, gold) == 1.0


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("SELECT town FROM shop", "SELECT DISTINCT town FROM shop"),
        ("SELECT day FROM sale WHERE id < 4", "SELECT DISTINCT day FROM sale WHERE id < 4"),
        ("SELECT DISTINCT day FROM sale WHERE id < 4", "SELECT day FROM sale WHERE id < 4"),
        ("SELECT count(*) FROM sale WHERE id < 4", "SELECT count(DISTINCT day) FROM sale WHERE id < 4"),
        ("SELECT DISTINCT town FROM shop", "SELECT town FROM shop"),
        ("SELECT town FROM shop ORDER BY town", "SELECT town FROM shop ORDER BY town DESC"),
        ("SELECT town FROM shop ORDER BY id", "SELECT town FROM shop"),
        ("SELECT town FROM shop ORDER BY id", "SELECT town FROM shop WHERE id IN (SELECT id FROM shop ORDER BY id)"),
        ("SELECT town FROM shop", "SELECT town FROM shop LIMIT 3"),
        ("SELECT town FROM shop", "SELECT town, id FROM shop"),
        ("SELECT town FROM shop", "SELECT town FROM shop WHERE 0"),
        ("SELECT town FROM shop WHERE opened > 2000", "SELECT town FROM shop WHERE opened >= 2000"),
        ("SELECT town FROM shop WHERE town LIKE 'U%'", "SELECT town FROM shop WHERE town LIKE '%U%'"),
        ("SELECT count(*) FROM sale", "SELECT count(price) FROM sale"),
        ("SELECT count(*) FROM shop", "SELECT 4"),
        ("SELECT count(*) FROM shop", "SELECT 4 FROM shop LIMIT 1"),
        ("SELECT count(*) FROM shop", "SELECT max(id) FROM shop"),
        ("SELECT count(*) FROM shop", "SELECT count(*) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4)"),
        ("SELECT count(*) FROM shop", "WITH shop AS (VALUES (1), (2), (3), (4)) SELECT count(*) FROM shop"),
        ("SELECT town FROM shop ORDER BY opened DESC LIMIT 1", "SELECT town FROM shop WHERE id = 3"),
        ("SELECT town FROM shop ORDER BY opened DESC LIMIT 1", "SELECT 'Ulm'"),
        ("SELECT item FROM sale WHERE price > 3", "SELECT 'fig' FROM sale LIMIT 1"),
        ("SELECT item FROM sale WHERE price > 3", "SELECT max('fig') FROM sale"),
        ("SELECT item FROM sale WHERE price > 3", "SELECT item FROM sale WHERE id = 4"),
        ("SELECT sum(price) FROM sale", "SELECT sum(price) + 0.01 FROM sale"),
        ("SELECT id FROM sale", "SELECT CAST(id AS TEXT) FROM sale"),
        ("SELECT item FROM sale", "SELECT upper(item) FROM sale"),
        ("SELECT min(opened), max(opened) FROM shop", "SELECT min(opened), min(opened) FROM shop"),
        ("SELECT s.town FROM shop s JOIN sale ON s.id = shop_id",
         "SELECT s.town FROM shop s LEFT JOIN sale ON s.id = shop_id"),
    ],
)  # fmt: skip
def test_different_queries_score_zero(gold: str, answer: str) -> None:
    assert value(answer, gold) == 0.0


def test_one_assignment_of_columns_for_all_databases() -> None:
    ddl = "CREATE TABLE t (a INT, b INT);"
    first, second = {"ddl": ddl, "rows": {"t": [[1, 2], [2, 1]]}}, {"ddl": ddl, "rows": {"t": [[3, 4], [3, 5]]}}
    assert value("SELECT b, a FROM t", "SELECT a, b FROM t", first, second) == 1.0
    assert value("SELECT min(a, b), max(a, b) FROM t", "SELECT a, b FROM t", first, second) == 0.0


def test_ties_are_free_and_only_ties() -> None:
    rows = {"ddl": "CREATE TABLE t (k INT, v TEXT)", "rows": {"t": [[1, "a"], [1, "b"], [2, "c"], [2, "d"], [3, "e"]]}}
    gold = "SELECT v FROM t ORDER BY k"
    assert value("SELECT v FROM t ORDER BY k, v DESC", gold, rows) == 1.0
    assert value("SELECT v FROM t ORDER BY v", gold, rows) == 0.0
    assert value("SELECT v FROM t ORDER BY k DESC", gold, rows) == 0.0
    gold = "SELECT DISTINCT x.v, x.k FROM t AS x ORDER BY x.k"
    assert value("SELECT k, v FROM t GROUP BY k, v ORDER BY k, v DESC", gold, rows) == 1.0
    gold = "SELECT v, k + 1 FROM t UNION SELECT v, k FROM t ORDER BY 2 DESC"
    assert value("SELECT v, k FROM t UNION SELECT v, k + 1 FROM t ORDER BY 2 DESC, 1 DESC", gold, rows) == 1.0
    assert value("SELECT v, k FROM t UNION SELECT v, k + 1 FROM t ORDER BY 1", gold, rows) == 0.0
    limited = "SELECT v FROM t ORDER BY k LIMIT 2 OFFSET 1"
    assert value("SELECT v FROM t ORDER BY k, v DESC LIMIT 2 OFFSET 1", limited, rows, variants=0) == 1.0
    assert value("SELECT v FROM t WHERE v IN ('b', 'e') ORDER BY k", limited, rows, variants=0) == 0.0
    assert value("SELECT v FROM t WHERE v IN ('a', 'd') ORDER BY k", limited, rows, variants=0) == 1.0


def test_integers_are_exact_and_fractions_have_a_tolerance() -> None:
    rows = {"ddl": "CREATE TABLE t (n INT)", "rows": {"t": [[10_000_001], [30_000_003]]}}
    assert value("SELECT n + 1 FROM t", "SELECT n FROM t", rows) == 0.0
    assert value("SELECT n * 1.0 FROM t", "SELECT n FROM t", rows) == 1.0
    assert value("SELECT n / 3.0 FROM t", "SELECT n * (1.0 / 3) FROM t", rows) == 1.0
    assert value("SELECT n / 3.00001 FROM t", "SELECT n / 3.0 FROM t", rows) == 0.0


def test_many_alike_columns_are_matched_in_bounded_time() -> None:
    names = [f"c{i}" for i in range(40)]
    rows = {"ddl": f"CREATE TABLE t ({', '.join(names)})", "rows": {"t": [[r % 2] * 40 for r in range(50)]}}
    wide = {"ddl": rows["ddl"], "rows": {"t": [[(r * 7 + c * r) % 3 for c in range(40)] for r in range(30)]}}
    started = time.process_time()
    assert value(f"SELECT {', '.join(reversed(names))} FROM t", "SELECT * FROM t", rows, wide) == 1.0
    assert value(f"SELECT {', '.join(names[1:])}, c0 + 1 FROM t", "SELECT * FROM t", rows, wide) == 0.0
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("```sql\nSELECT town FROM shop\n```", 1.0),
        ("The towns:\n```sqlite\nSELECT town FROM shop;\n```\nThat is all.", 1.0),
        ("```\nSELECT town FROM shop\n```", 1.0),
        ("<think>SELECT 1</think>SELECT town FROM shop", 1.0),
        ("  SELECT town FROM shop ;\n", 1.0),
        ("<think>SELECT town FROM shop", 0.0),
        ("The query is SELECT town FROM shop", 0.0),
        ("SELECT town FROM shop\n\nThis lists the towns.", 0.0),
        ("```python\nSELECT town FROM shop\n```", 0.0),
        ("```sql\nSELECT town FROM shop\n```\n```sql\nSELECT id FROM shop\n```", 0.0),
        ("```sql\nSELECT town FROM shop", 0.0),
        ("SELECT town FROM shop; SELECT town FROM shop", 0.0),
        ("SELECT town FROM shop; DROP TABLE shop", 0.0),
        ("", 0.0),
        ("```sql\n```", 0.0),
    ],
)
def test_where_the_query_is(answer: str, wanted: float) -> None:
    assert value(answer, "SELECT town FROM shop") == wanted


def test_components() -> None:
    gold = "SELECT town, item FROM shop JOIN sale ON shop.id = shop_id"
    assert verdict("SELEC town", gold).components == {"parses": 0, "runs": 0, "tables": 0, "result": 0}
    assert verdict("SELECT twon FROM shop", gold).components == {"parses": 1, "runs": 0, "tables": 0, "result": 0}
    assert verdict("SELECT town FROM shop", gold).components == {"parses": 1, "runs": 1, "tables": 0.5, "result": 0}
    assert verdict(gold, gold).components == {"parses": 1, "runs": 1, "tables": 1, "result": 1}


@pytest.mark.parametrize(
    "data",
    [
        {"gold": "SELECT nothing FROM shop", "databases": [SHOP]},
        {"gold": "SELEC town FROM shop", "databases": [SHOP]},
        {"gold": "SELECT town FROM shop WHERE 1 = 0", "databases": [SHOP]},
        {"gold": "DELETE FROM shop", "databases": [SHOP]},
        {"gold": "SELECT town FROM shop", "databases": []},
        {"gold": "SELECT town FROM shop", "databases": ["CREATE TABLE shop (town TEXT"]},
        {"gold": "SELECT town FROM shop", "databases": ["/nowhere/shop.sqlite"]},
        {"gold": "SELECT town FROM shop", "databases": ["ATTACH '/tmp/never.db' AS x; CREATE TABLE shop (town)"]},
        {"gold": "SELECT town FROM shop", "databases": [{"ddl": "CREATE TABLE shop (town)", "rows": {"mall": [[1]]}}]},
        {"gold": "SELECT town FROM shop", "databases": [SHOP], "dialect": "oracle"},
        {"gold": "SELECT count(*) FROM shop a, shop b, shop c, shop d, shop e, shop f, shop g, shop h, shop i, "
         "shop j, shop k, shop l, shop m, shop n, shop o", "databases": [SHOP]},
    ],
)  # fmt: skip
def test_what_cannot_judge_is_invalid(data: dict[str, object]) -> None:
    assert score(Response("SELECT town FROM shop"), data).status == "invalid"


def test_a_file_is_read_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a shop?#%.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(SHOP)
    connection.close()
    before = (path.read_bytes(), os.listdir(tmp_path))
    assert value("SELECT town FROM shop", "SELECT town FROM shop", str(path)) == 1.0
    assert value("SELECT 4", "SELECT count(*) FROM shop", str(path)) == 0.0
    for attack in ("DELETE FROM shop", f"VACUUM INTO '{tmp_path}/copy'", f"ATTACH '{tmp_path}/more' AS more"):
        assert value(attack, "SELECT town FROM shop", str(path)) == 0.0
    assert (path.read_bytes(), os.listdir(tmp_path)) == before


def test_a_large_table_is_sampled(tmp_path: Path) -> None:
    path = tmp_path / "large.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE part (id INTEGER PRIMARY KEY, kind INTEGER REFERENCES kind(id), size REAL);")
    connection.executescript("CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT);")
    connection.executemany("INSERT INTO kind VALUES (?, ?)", [(n, f"kind {n}") for n in range(1, 41)])
    connection.executemany("INSERT INTO part VALUES (?, ?, ?)", [(n, n % 40 + 1, n / 8) for n in range(1, 20_001)])
    connection.commit()
    connection.close()
    gold = "SELECT name, count(*) FROM part JOIN kind ON kind.id = kind GROUP BY kind"
    assert (
        value("SELECT count(size), k.name FROM kind k JOIN part p ON p.kind = k.id GROUP BY k.id", gold, str(path))
        == 1.0
    )
    assert value("SELECT name, 500 FROM kind", gold, str(path)) == 0.0
    assert value("SELECT max(id) FROM part", "SELECT count(*) FROM part", str(path)) == 0.0


def test_a_schema_without_rows_is_filled() -> None:
    ddl = SHOP.partition("INSERT")[0]
    gold = "SELECT town FROM shop JOIN sale ON shop.id = shop_id WHERE price > 20 AND item LIKE '%fig%'"
    assert value(gold, gold, ddl) == 1.0
    assert value(gold.replace(">", ">="), gold, ddl) == 0.0
    assert value(gold.replace("%fig", "fig"), gold, ddl) == 0.0
    assert value("SELECT town FROM shop", gold, ddl) == 0.0


def test_verdicts_do_not_depend_on_what_was_judged_before() -> None:
    gold, answers = "SELECT town FROM shop ORDER BY opened LIMIT 2", ["SELECT town FROM shop", "SELECT 1 FROM shop"]
    first = [verdict(answer, gold) for answer in [gold, *answers]]
    assert [verdict(answer, gold) for answer in [gold, *answers]] == first
    assert verdict("SELECT random()", gold).value == 0.0
    assert verdict(gold, gold).value == 1.0


def test_text_that_is_no_utf8_is_judged_like_any_other(tmp_path: Path) -> None:
    script = "CREATE TABLE t (n TEXT, k INT); INSERT INTO t VALUES (CAST(x'4a6f73e9' AS TEXT), 1), ('Ida', 2);"
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.commit()
    connection.close()
    for database in (script, str(path)):
        assert value("SELECT x.n FROM t x WHERE x.k < 2", "SELECT n FROM t WHERE k <= 1", database) == 1.0
        assert value("SELECT n FROM t WHERE k = 2", "SELECT n FROM t WHERE k = 1", database) == 0.0
