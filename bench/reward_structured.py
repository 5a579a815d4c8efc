"""Structured answers and tool calls judged per second on one core.

    python bench/reward_structured.py [seconds]

CPU time, so that other work on the machine does not count. The cold figure compiles a new schema for each answer.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from rlstack.api import Response, Score
from rlstack.rewards import csv, json_schema, tool_call, xml, yaml

Judge = Callable[[Response, Mapping[str, Any]], Score]
ORDER = {
    "id": 81231,
    "customer": {"name": "Ada Byron", "email": "ada@example.org"},
    "lines": [{"sku": f"X-{n}", "count": n, "price": 2.5 * n} for n in range(1, 6)],
    "paid": True,
}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "customer": {"type": "object", "required": ["name"], "properties": {"email": {"type": "string"}}},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["sku", "count", "price"],
                "properties": {"sku": {"type": "string", "pattern": "^X-[0-9]+$"}, "count": {"type": "integer"}},
                "additionalProperties": True,
            },
        },
        "paid": {"type": "boolean"},
    },
    "required": ["id", "customer", "lines"],
    "additionalProperties": False,
}
TOOL = {
    "name": "book_flight",
    "parameters": {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]},
}
CALL = '<tool_call>{"name": "book_flight", "arguments": {"to": "Oslo"}}</tool_call>'
WANTED = [{"name": "book_flight", "arguments": {"to": ["Oslo", "Oslo, Norway"]}}]
ROWS = [{"town": f"town {n}", "people": 1000 * n} for n in range(20)]
SHEET = "town,people\n" + "\n".join(f"{row['town']},{row['people']}" for row in ROWS)
NOTE = "<note><to>Ann</to>" + "".join(f'<line n="{n}">text</line>' for n in range(10)) + "</note>"


def main(seconds: float) -> None:
    text = json.dumps(ORDER)
    rows: list[tuple[str, Judge, Response, Mapping[str, Any]]] = [
        ("json_schema", json_schema.score, Response(text), {"schema": SCHEMA, "expected": ORDER}),
        ("json_schema, wrong", json_schema.score, Response(text.replace("81231", "0")), {"schema": SCHEMA}),
        ("tool_call", tool_call.score, Response(CALL), {"tools": [TOOL], "expected": WANTED}),
        ("yaml", yaml.score, Response(text), {"expected": ORDER, "schema": SCHEMA}),
        ("csv", csv.score, Response(SHEET), {"expected": ROWS}),
        ("xml", xml.score, Response(NOTE), {"expected": NOTE}),
    ]  # fmt: skip
    for name, judge, response, data in rows:
        print(
            f"{name:20} {_rate(judge, response, data, seconds):8.0f} answers/s  value {judge(response, data).value:.0f}"
        )
    started = time.process_time()
    for n in range(300):
        json_schema.score(rows[0][2], {"schema": {**SCHEMA, "title": str(n)}, "expected": ORDER})
    print(f"json_schema, cold    {300 / (time.process_time() - started):8.0f} answers/s")


def _rate(judge: Judge, response: Response, data: Mapping[str, Any], seconds: float) -> float:
    judge(response, data)
    started = time.process_time()
    for count in itertools.count(1):
        judge(response, data)
        if count % 20 == 0 and time.process_time() - started > seconds:
            return count / (time.process_time() - started)
    raise AssertionError("an endless count ended")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
