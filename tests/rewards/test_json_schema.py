"""JSON answers: strict syntax, all drafts offline, content as well as form."""

from __future__ import annotations

import time

import pytest

from rlstack.api import Response
from rlstack.rewards.json_schema import JsonSyntaxError, SchemaError, parse_json, score, validates

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array"}},
    "required": ["name"],
}
GOLD = {"name": "Ada", "age": 36, "tags": ["x", "y"]}


def value(text: str, **data: object) -> float:
    verdict = score(Response(text), {"schema": PERSON, **data})
    assert verdict.status == "ok", verdict
    return verdict.value


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ada", "age": 36, "tags": ["x", "y"]}',
        '\n {"tags":["x","y"],"age":36.0,"name":"\\u0041da"}\t',
        '<think>{"name": "Eve"}</think>{"age":36,"tags":["x","y"],"name":"Ada"}',
    ],
)
def test_equal_content_scores_one(text: str) -> None:
    assert value(text, expected=GOLD) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"name": "Ada", "age": 36, "tags": ["y", "x"]}',
        '{"name": "Ada", "age": 36, "tags": ["x", "y"], "more": 1}',
        '{"name": "Ada", "age": 36}',
        '{"name": "ada", "age": 36, "tags": ["x", "y"]}',
        'Here you are: {"name": "Ada", "age": 36, "tags": ["x", "y"]}',
        '{"name": "Ada", "age": 36, "tags": ["x", "y"]} Hope this helps!',
        '```json\n{"name": "Ada", "age": 36, "tags": ["x", "y"]}\n```',
        '{"name": "Eve", "name": "Ada", "age": 36, "tags": ["x", "y"]}',
        '<think>{"name": "Ada", "age": 36, "tags": ["x", "y"]}',
        "{'name': 'Ada', 'age': 36, 'tags': ['x', 'y']}",
        '{"n\u0430me": "Ada", "age": 36, "tags": ["x", "y"]}',
        '{"name": "Ada\u200b", "age": 36, "tags": ["x", "y"]}',
        '{"name": "Ada", "age": \uff13\uff16, "tags": ["x", "y"]}',
        '{"name": "Ada", "age": "36", "tags": ["x", "y"]}',
    ],
)
def test_other_content_or_form_scores_zero(text: str) -> None:
    assert value(text, expected=GOLD) == 0.0


def test_booleans_are_not_numbers_and_nulls_are_values() -> None:
    assert score(Response("true"), {"expected": 1}).value == 0.0
    assert score(Response("1.0"), {"expected": 1}).value == 1.0
    assert score(Response("0"), {"expected": False}).value == 0.0
    assert score(Response("null"), {"expected": None}).value == 1.0


@pytest.mark.parametrize(
    ("text", "fence", "wanted"),
    [
        ('{"name": "Ada"}', "allow", 1.0),
        ('{"name": "Ada"}', "require", 0.0),
        ('```json\n{"name": "Ada"}\n```', "allow", 1.0),
        ('```json\n{"name": "Ada"}\n```', "require", 1.0),
        ('```\n{"name": "Ada"}\n```\n', "require", 1.0),
        ('````json\n{"name": "Ada"}\n````', "require", 1.0),
        ('```yaml\n{"name": "Ada"}\n```', "allow", 0.0),
        ('```json\n{"name": "Ada"}', "allow", 0.0),
        ('```json\n{"name": "Ada"}\n``` done', "allow", 0.0),
        ('Sure:\n```json\n{"name": "Ada"}\n```', "allow", 0.0),
        ('```json\n{"name": "Ada"}\n```\n```json\n{"name": "Ada"}\n```', "allow", 0.0),
        ("```json\n```", "allow", 0.0),
        ("``````", "allow", 0.0),
    ],
)
def test_fences(text: str, fence: str, wanted: float) -> None:
    assert value(text, fence=fence) == wanted


def test_what_merely_validates_earns_nothing() -> None:
    loose = {"type": "object", "properties": {"name": {"type": "string"}}}
    for text in ["{}", '{"name": ""}', '{"name": "  ", "more": [null, {}]}']:
        assert score(Response(text), {"schema": loose}).value == 0.0
    echo = '{"type": "object", "properties": {"name": {"type": "string"}}}'
    assert score(Response(echo), {"schema": loose}).value == 0.0
    assert score(Response(f'{{"schema": {echo}}}'), {"schema": loose}).value == 0.0
    assert score(Response('{"name": {"type": "string"}}'), {"schema": {"properties": loose["properties"]}}).value == 0.0
    assert score(Response("[]"), {"schema": {"const": []}}).value == 1.0
    assert score(Response("0"), {"schema": {"type": "integer"}}).value == 1.0


def test_components_tell_syntax_from_schema_from_content() -> None:
    parts = score(Response('{"age": "old"}'), {"schema": PERSON, "expected": GOLD}).components
    assert parts == {"syntax": 1.0, "schema": 0.0, "content": 0.0}
    parts = score(Response('{"name": "Eve"}'), {"schema": PERSON, "expected": GOLD}).components
    assert parts == {"syntax": 1.0, "schema": 1.0, "content": 0.0}
    parts = score(Response('{"name": "Eve"'), {"schema": PERSON, "expected": GOLD}).components
    assert parts == {"syntax": 0.0, "schema": 0.0, "content": 0.0}


@pytest.mark.parametrize(
    "data",
    [
        {"schema": {"type": "objekt"}},
        {"schema": {"minimum": "3"}},
        {"schema": {"$ref": "https://example.com/nowhere.json"}},
        {"schema": {"$ref": "#/$defs/missing"}},
        {"schema": 7},
        {"schema": {"type": "string"}, "expected": 3},
        {"schema": {"type": "string"}, "fence": "perhaps"},
    ],
)
def test_broken_data_is_invalid(data: dict[str, object]) -> None:
    assert score(Response("3"), data).status == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "1e5",
        "1E+2",
        "0.5e-3",
        '"\\u00e9\\/\\b"',
        '"\u2028"',
        "[[],{}]",
        '{"":0}',
        "\r\n\ttrue ",
        "1" * 400,
        '"\\ud83d\\ude00"',
        '{"a":1,"a":2}',
        '"\x7f"',
        "[" * 250 + "]" * 250,
    ],
)
def test_the_grammar_is_accepted(text: str) -> None:
    assert parse_json(text) == parse_json(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "NaN",
        "-Infinity",
        "01",
        "-01",
        "+1",
        ".5",
        "5.",
        "1e",
        "0x10",
        "1_000",
        "--1",
        "٣",
        "[1,]",
        "[,1]",
        '{"a":1,}',
        "{a:1}",
        "{'a':1}",
        '{"a"}',
        '{"a":1 "b":2}',
        "[1 2]",
        "[1",
        "]",
        '"a',
        '"\t"',
        '"\\x41"',
        '"\\u12"',
        "// c\n1",
        "/**/1",
        "True",
        "nul",
        "truefalse",
        "1 2",
        "\ufeff1",
        "\u00a01",
        "\x0c1",
        '"\ud800"',
        '"\\udc00"',
        '"\\ud800\\u0041"',
        "1e400",
        "-1e999",
        "[" * 300 + "]" * 300,
        "[" * 100_000,
        '{"a":' * 100_000,
        "9" * 5000,
        "1\x00",
    ],
)
def test_outside_the_grammar_is_refused(text: str) -> None:
    started = time.process_time()
    with pytest.raises(JsonSyntaxError):
        parse_json(text)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    "raw", [b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xe2\x82"', "1".encode("utf-16"), b"\xef\xbb\xbf1"]
)
def test_bytes_must_be_utf8(raw: bytes) -> None:
    with pytest.raises(JsonSyntaxError):
        parse_json(raw)


def test_repeated_keys_on_request() -> None:
    assert parse_json('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(JsonSyntaxError, match="duplicate key 'a'"):
        parse_json('[{"a": 1, "a": 2}]', unique_keys=True)


def test_the_draft_decides() -> None:
    tuple_items = {"items": [{"type": "integer"}, {"type": "string"}]}
    assert not validates(tuple_items, ["x", 1], "draft7")
    with pytest.raises(SchemaError):
        validates(tuple_items, ["x", 1], "draft2020-12")
    assert not validates({"$schema": "http://json-schema.org/draft-07/schema#", **tuple_items}, ["x", 1])
    assert not validates({"prefixItems": [{"type": "integer"}]}, ["x"])
    assert validates({"prefixItems": [{"type": "integer"}]}, ["x"], "draft7")
    assert not validates({"minimum": 3, "exclusiveMinimum": True}, 3, "draft4")
    with pytest.raises(SchemaError, match="draft9"):
        validates({}, 1, "draft9")


@pytest.mark.parametrize(
    ("schema", "instance", "wanted"),
    [
        ({"properties": {"a": {"required": True}}}, {}, False),
        ({"properties": {"a": {"required": True}}}, {"a": None}, True),
        ({"type": ["integer", {"properties": {"a": {"type": "string"}}, "type": "object"}]}, {"a": 1}, False),
        ({"type": ["integer", {"properties": {"a": {"type": "string"}}, "type": "object"}]}, 4, True),
        ({"type": "any"}, None, True),
        ({"disallow": ["string", "null"]}, "x", False),
        ({"disallow": ["string", "null"]}, 1, True),
        ({"extends": [{"minimum": 2}, {"maximum": 4}]}, 5, False),
        ({"extends": {"minimum": 2}, "type": "integer"}, 3, True),
        ({"divisibleBy": 0.25}, 0.75, True),
        ({"divisibleBy": 0.25}, 0.8, False),
        ({"dependencies": {"a": "b"}}, {"a": 1}, False),
        ({"dependencies": {"a": {"properties": {"b": {"required": True}}}}}, {"a": 1, "b": 2}, True),
        ({"items": [], "additionalItems": {"type": "integer"}}, [1, "x"], False),
        ({"$ref": "http://json-schema.org/draft-03/schema#"}, {"minimum": "x"}, False),
        ({"$ref": "http://json-schema.org/draft-03/schema#"}, {"minimum": 3}, True),
    ],
)
def test_draft_3_is_translated(schema: dict[str, object], instance: object, wanted: bool) -> None:
    assert validates(schema, instance, "draft3") is wanted
    assert validates({"$schema": "http://json-schema.org/draft-03/schema#", **schema}, instance) is wanted


@pytest.mark.parametrize(
    "uri",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_meta_schemas_resolve_offline(uri: str) -> None:
    assert validates({"$schema": uri, "allOf": [{"$ref": uri}]}, {"type": "string"})
    assert not validates({"$schema": uri, "allOf": [{"$ref": uri}]}, {"type": "strin"})


def test_remote_schemas_come_from_the_caller_only() -> None:
    remotes = {"http://localhost:1/a.json": {"type": "string"}}
    assert validates({"$ref": "http://localhost:1/a.json"}, "x", remotes=remotes)
    assert not validates({"$ref": "http://localhost:1/a.json"}, 3, remotes=remotes)
    with pytest.raises(SchemaError):
        validates({"$ref": "http://localhost:1/b.json"}, 3, remotes=remotes)


def test_formats_follow_the_draft_or_the_data() -> None:
    assert validates({"format": "date"}, "yesterday")
    assert not validates({"format": "date"}, "yesterday", formats=True)
    data = {"schema": {"type": "string", "format": "date"}}
    assert score(Response('"31st of May"'), data).value == 1.0
    assert score(Response('"31st of May"'), {**data, "formats": True}).value == 0.0
    assert score(Response('"2024-05-31"'), {**data, "formats": True}).value == 1.0


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string", "pattern": "^(a+)+$"}, '"' + "a" * 5000 + '!"'),
        ({"type": "string", "pattern": r"^(\w+\s?)*(?!x)\1$"}, '"' + "a" * 5000 + '!"'),
        ({"uniqueItems": True}, "[" + ",".join(f'{{"a":{i}}}' for i in range(3000)) + "]"),
        (True, " " * 1_000_000 + "x"),
        (True, "[" * 100_000),
        (True, '{"a":' * 100_000 + "1" + "}" * 100_000),
        (True, "```" * 100_000),
        (True, "```json\n" * 50_000),
        (True, '"' + "\\" * 1_000_001 + '"'),
        (True, "\x1b[31m{}\x1b[0m"),
        (True, "9" * 1_000_000),
        (True, '"\ud800"'),
    ],
)
def test_hostile_answers_are_answered_soon(schema: object, text: str) -> None:
    started = time.process_time()
    verdict = score(Response(text), {"schema": schema, "expected": "never"} if schema is True else {"schema": schema})
    assert verdict.status == "ok"
    assert verdict.value == (1.0 if "uniqueItems" in str(schema) else 0.0)
    assert time.process_time() - started < 0.25
