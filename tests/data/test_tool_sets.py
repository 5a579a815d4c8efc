"""Public sets of tool calls in place of the generator of `tools`. Files in their layouts are written here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rlstack.api import Response, Row
from rlstack.data.loaders import with_data
from rlstack.data.prompts import data_rows
from rlstack.envs.tools.flat import as_schema
from rlstack.errors import ConfigError
from rlstack.plugins import load_env, load_reward

judge = load_reward("tool_call").score


def write(file: Path, records: Sequence[Mapping[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def rows_of(source: Path) -> list[Row]:
    env = with_data(load_env("tools"), str(source))
    return sorted((*data_rows(env, "train"), *data_rows(env, "eval")), key=lambda row: row.messages[-1]["content"])


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def pays(text: str, row: Row) -> bool:
    return judge(Response(text), row.data).value == 1.0


# ---- xLAM ----------------------------------------------------------------------------------------------

FERRY = {
    "name": "ferry",
    "description": "Departures of a ferry",
    "parameters": {
        "port": {"type": "str", "description": "from where"},
        "days": {"type": "List[int], optional", "description": "of the month"},
        "cabins": {"type": "int", "description": "how many", "default": 0},
    },
}


def asked(n: int, calls: Sequence[Mapping[str, Any]], tools: Sequence[Any] = (FERRY,)) -> dict[str, Any]:
    return {"id": n, "query": f"Query {n:02}", "tools": json.dumps(tools), "answers": json.dumps(calls)}


def test_calls_as_texts(tmp_path: Path) -> None:
    one = {"name": "ferry", "arguments": {"port": "Turku", "days": [3, 4]}}
    records = [asked(n, [one]) for n in range(30)]
    records += [asked(30, [one, {"name": "ferry", "arguments": {"port": "Ystad"}}]), asked(31, [])]
    write(tmp_path / "xlam.json", records)
    rows = rows_of(tmp_path)
    assert len(rows) == 32
    first, two, none = rows[0], rows[30], rows[31]
    assert [message["role"] for message in first.messages] == ["system", "user"]
    assert '"required": ["port"]' in first.messages[0]["content"]
    assert all(pays(row.gold, row) for row in rows)
    assert pays(call("ferry", port="Turku", days=[3, 4]), first)
    for wrong in (call("ferry", port="Turku"), call("ferry", port="Turku", days=[3]), "No tool fits."):
        assert not pays(wrong, first)
    assert pays(call("ferry", port="Ystad") + call("ferry", port="Turku", days=[3, 4]), two)
    assert none.gold == "No tool fits."
    assert not pays(call("ferry", port="Turku"), none)


def test_rows_whose_own_calls_do_not_fit_are_left_out(tmp_path: Path) -> None:
    good = {"name": "ferry", "arguments": {"port": "Turku"}}
    records = [asked(n, [good]) for n in range(30)]
    records.append(asked(30, [{"name": "train", "arguments": {"port": "Turku"}}]))  # no such tool
    records.append(asked(31, [good], [FERRY, FERRY]))  # two tools of one name
    records.append(asked(32, [good], [{"name": "ferry", "parameters": "port"}]))
    write(tmp_path / "xlam.jsonl", records)
    assert [row.messages[-1]["content"] for row in rows_of(tmp_path)] == [f"Query {n:02}" for n in range(30)]


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ("str", {"type": "string"}),
        ("float, optional", {"type": "number"}),
        ("List[str]", {"type": "array", "items": {"type": "string"}}),
        ("Optional[List[List[float]]]", {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}),
        ("Tuple[int, str]", {"type": "array"}),
        ("Dict[str, int]", {"type": "object"}),
        ("Union[int, str]", {}),
        ("Callable[[float], float]", {}),
    ],
)
def test_types_of_flat_parameters(written: str, schema: dict[str, Any]) -> None:
    assert as_schema({"x": {"type": written, "description": "d"}})["properties"]["x"] == {"description": "d", **schema}


def test_flat_parameters_that_must_be_given() -> None:
    flat = {"a": {"type": "str"}, "b": {"type": "int", "default": 1}, "c": {"type": "Optional[int]"}, "d": "bool"}
    assert as_schema(flat)["required"] == ["a", "d"]
    schema = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    assert as_schema(schema) == schema
    assert as_schema({}) == {"type": "object", "properties": {}, "required": []}


# ---- the Berkeley leaderboard --------------------------------------------------------------------------

TILES = {
    "name": "floor.tiles",
    "description": "Tiles for a room",
    "parameters": {
        "type": "dict",
        "properties": {
            "room": {
                "type": "dict",
                "properties": {"width": {"type": "float"}, "length": {"type": "float"}, "name": {"type": "string"}},
            },
            "colours": {"type": "array", "items": {"type": "string"}},
            "spare": {"type": "integer"},
        },
        "required": ["room", "colours"],
    },
}
TRUTH = {
    "floor.tiles": {
        "room": [{"width": [4.0], "length": [5.5], "name": ["", "hall"]}],
        "colours": [["grey", "white"], ["white", "grey"]],
        "spare": ["", 10],
    }
}


def task(kind: str, n: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}_{n}",
        "question": [[{"role": "user", "content": f"{kind} {n:02}"}]],
        "function": [TILES],
        **more,
    }


def leaderboard(folder: Path) -> Path:
    write(folder / "BFCL_v9_simple.json", [task("simple", n) for n in range(20)])
    write(folder / "BFCL_v9_irrelevance.json", [task("irrelevance", n) for n in range(20)])
    answers = [{"id": f"simple_{n}", "ground_truth": [TRUTH]} for n in range(20)]
    write(folder / "possible_answer" / "BFCL_v9_simple.json", answers)
    return folder


def test_acceptable_values_from_the_file_beside(tmp_path: Path) -> None:
    rows = rows_of(leaderboard(tmp_path))
    assert len(rows) == 40
    none, simple = rows[0], rows[20]
    assert simple.messages[-1]["content"] == "simple 00"
    assert '"type": "object"' in simple.messages[0]["content"]
    assert '"dict"' not in simple.messages[0]["content"]
    room = {"width": 4.0, "length": 5.5}
    assert json.loads(simple.gold.removeprefix("<tool_call>").removesuffix("</tool_call>")) == {
        "name": "floor.tiles",
        "arguments": {"room": room, "colours": ["grey", "white"]},
    }
    assert all(pays(row.gold, row) for row in rows)
    assert pays(call("floor.tiles", room={**room, "name": "hall"}, colours=["white", "grey"], spare=10), simple)
    for wrong in (
        call("floor.tiles", room=room, colours=["grey"]),
        call("floor.tiles", room=room, colours=["grey", "white"], spare=11),
        call("floor.tiles", room={"width": 4.0}, colours=["grey", "white"]),
        "No tool fits.",
    ):
        assert not pays(wrong, simple)
    assert none.gold == "No tool fits."
    assert not pays(simple.gold, none)
    assert len(rows_of(tmp_path / "BFCL_v9_simple.json")) == 20, "one file, with its answers beside"


def test_what_is_no_task_of_one_turn_is_left_out(tmp_path: Path) -> None:
    folder = leaderboard(tmp_path)
    turn = [{"role": "user", "content": "Hello"}]
    more = {
        "BFCL_v9_multi_turn.json": [{"id": "multi_0", "question": [turn, turn], "involved_classes": ["Shop"]}],
        "BFCL_v9_relevance.json": [task("relevance", 0)],
        "BFCL_v9_exec.json": [task("exec", 0, ground_truth=["floor.tiles(spare=1)"])],
        "BFCL_v9_two_turns.json": [{**task("two", 0, ground_truth=[TRUTH]), "question": [turn, turn]}],
        "BFCL_v9_ids.json": [{"simple": ["simple_0", "simple_1"]}],
        "func_doc/shop.json": [{"name": "buy", "description": "d", "parameters": {"type": "dict", "properties": {}}}],
    }
    for name, records in more.items():
        write(folder / name, records)
    assert len(rows_of(folder)) == 40


def test_a_system_turn_is_kept_beside_the_offer(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tiles?"}]
    records = [
        {**task("live", n, ground_truth=[TRUTH]), "question": [[turns[0], {**turns[1], "content": f"{n}"}]]}
        for n in range(30)
    ]
    write(tmp_path / "live.jsonl", records)
    row = rows_of(tmp_path)[0]
    assert [message["role"] for message in row.messages] == ["system", "user"]
    assert row.messages[0]["content"].startswith("Be brief.\n\nYou can call the tools below")


# ---- your own ------------------------------------------------------------------------------------------


def test_own_rows_with_lists_as_texts(tmp_path: Path) -> None:
    tools = [{"name": "rain", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}]
    wanted = [{"name": "rain", "arguments": {"x": "Oslo"}}]
    records = [
        {"question": f"Rain in Oslo {n}?", "tools": json.dumps(tools), "expected": json.dumps(wanted)}
        for n in range(30)
    ]
    write(tmp_path / "own.jsonl", records)
    rows = rows_of(tmp_path)
    assert all(row.data["expected"] == wanted and pays(row.gold, row) for row in rows)
    write(tmp_path / "own.jsonl", [{"question": "Rain?", "tools": tools}])
    with pytest.raises(ConfigError, match="no key 'expected'"):
        rows_of(tmp_path / "own.jsonl")
