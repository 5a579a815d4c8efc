"""SQL answers judged per second on one core, and what hostile ones cost.

    python bench/reward_sql.py [seconds]

Prints the rate over ordinary answers (warm databases, variants and guard included), the cost of a first answer to a new
gold, and the slowest of some hostile answers. CPU time, so that other work on the machine does not count.
"""

from __future__ import annotations

import itertools
import sys
import time

from rlstack.api import Response
from rlstack.rewards.sql import score

SCHEMA = """
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT, country TEXT, born INTEGER);
CREATE TABLE book (
  id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author(id), title TEXT, year INTEGER, price REAL
);
"""
AUTHORS = [[n, f"author {n}", ("Chile", "Kenya", "Norway")[n % 3], 1900 + 7 * n] for n in range(1, 13)]
BOOKS = [[n, 1 + n * 5 % 12, f"book {n}", 1950 + n * 3 % 70, 5.0 + n % 9] for n in range(1, 61)]
DATABASE = {"ddl": SCHEMA, "rows": {"author": AUTHORS, "book": BOOKS}}
PAIRS = [
    ("SELECT name FROM author WHERE born > 1950", "SELECT name FROM author WHERE born >= 1951"),
    ("SELECT country, count(*) FROM author GROUP BY country", "SELECT count(id), country FROM author GROUP BY 2"),
    (
        "SELECT a.name, count(*) FROM author a JOIN book b ON a.id = b.author_id GROUP BY a.id "
        "ORDER BY count(*) DESC, a.name",
        "SELECT name, n FROM author JOIN (SELECT author_id, count(*) AS n FROM book GROUP BY author_id) "
        "ON id = author_id ORDER BY n DESC, name",
    ),
    (
        "SELECT max(price) FROM book WHERE year > 1990",
        "SELECT price FROM book WHERE year > 1990 ORDER BY price LIMIT 1",
    ),
    ("SELECT title FROM book ORDER BY year LIMIT 3", "SELECT title FROM book ORDER BY year DESC LIMIT 3"),
    ("SELECT DISTINCT country FROM author", "SELECT country FROM author"),
    ("SELECT count(*) FROM book", "SELECT 60"),
    (
        "SELECT name FROM author WHERE id NOT IN (SELECT author_id FROM book WHERE year > 2000)",
        "SELECT nme FROM author",
    ),
]
HOSTILE = [
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM " + ", ".join(f"book b{n}" for n in range(30)),
    "WITH RECURSIVE r(n) AS (SELECT printf('%900000d', 1) UNION ALL SELECT n || 'x' FROM r) SELECT max(n) FROM r",
    "SELECT printf('%900000000d', 1)",
    "SELECT " + "(" * 19_000,
    " " * 1_000_000,
]


def main(seconds: float) -> None:
    tasks = [(Response(answer), {"gold": gold, "databases": [DATABASE]}) for gold, answer in PAIRS]
    started = time.process_time()
    values = [score(response, data).value for response, data in tasks]
    print(f"first answer to a new gold: {(time.process_time() - started) / len(tasks) * 1e3:.1f} ms; values {values}")
    started, count = time.process_time(), 0
    for response, data in itertools.cycle(tasks):
        score(response, data)
        count += 1
        if time.process_time() - started > seconds:
            break
    print(f"warm: {count / (time.process_time() - started):.0f} answers/s of CPU time, 1 thread")
    for text in HOSTILE:
        started = time.process_time()
        verdict = score(Response(text), tasks[6][1])
        cost = (time.process_time() - started) * 1e3
        print(f"hostile {cost:7.1f} ms  value {verdict.value:.0f}  {verdict.detail[:50]:50}  {text.strip()[:50]}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
