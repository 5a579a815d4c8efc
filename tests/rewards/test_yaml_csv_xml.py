"""YAML, CSV and XML answers: syntax and content, by value; bombs refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.rewards import csv as csv_reward
from rlstack.rewards import xml as xml_reward
from rlstack.rewards import yaml as yaml_reward
from rlstack.rewards._structured.reading import ReadError
from rlstack.types import Score

Judge = Callable[[Response, dict[str, Any]], Score]
RECIPE = {
    "name": "soup",
    "serves": 4,
    "hot": True,
    "parts": [{"item": "leek", "grams": 200.5}, {"item": "yes"}],
    "note": None,
}


def paid(judge: Any, text: str, **data: Any) -> float:
    found = judge.score(Response(text), data)
    assert found.status == "ok", found
    return found.value


@pytest.mark.parametrize(
    "text",
    [
        "name: soup\nserves: 4\nhot: true\nparts:\n  - item: leek\n    grams: 200.5\n  - item: yes\nnote:\n",
        "note: ~\nhot: True\nserves: 4.0\nparts: [{item: leek, grams: 2005e-1}, {item: 'yes'}]\nname: \"soup\"",
        json.dumps(RECIPE),
        "---\nname: soup # hot\nserves: 4\nhot: true\nnote: null\nparts:\n- {item: leek, grams: 200.50}\n- item: yes",
        "\n  name: soup\n  serves: 4\n  hot: true\n  note:\n  parts:\n  - {item: leek, grams: 200.5}\n  - item: yes\n",
    ],
)  # fmt: skip
def test_yaml_equal(text: str) -> None:
    assert paid(yaml_reward, text, expected=RECIPE) == 1.0
    assert paid(yaml_reward, f"```yaml\n{text}\n```", expected=RECIPE) == 0.0
    assert paid(yaml_reward, f"```yaml\n{text}\n```", expected=RECIPE, fence="allow") == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2", {"a": 1}),
        ("a: 1", {"a": "1"}),
        ("a: '1'", {"a": 1}),
        ("a: no", {"a": False}),
        ("a: 1\na: 1", {"a": 1}),
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ("a: &x 1", {"a": 1}),
        ("<<: {a: 1}", {"a": 1}),
        ("a: !!int '1'", {"a": 1}),
        ("a: !!python/object/apply:os.system ['id']", {"a": 1}),
        ("!!python/name:os.system", {"a": 1}),
        ("a: 1\n---\na: 1", {"a": 1}),
        ("a: .nan", {"a": 0}),
        ("a: 1e999", {"a": 0}),
        ("a: [1, 2", {"a": [1, 2]}),
        ("a:\n\tb: 1", {"a": {"b": 1}}),
        ("Here it is:\na: 1", {"a": 1}),
        ("? [1]\n: 2", {"1": 2}),
        ("", {"a": 1}),
        ("a: 2024-01-01x", {"a": "2024-01-01"}),
    ],
)
def test_yaml_different(text: str, expected: Any) -> None:
    assert paid(yaml_reward, text, expected=expected) == 0.0


def test_yaml_scalars_follow_the_core_schema() -> None:
    text = "[yes, off, 010, 0o10, 0x1F, 1_000, 2024-01-01, 12:30:00, ~, TRUE, -.5, +7, 'true', 1e3, .inf]"
    assert yaml_reward.parse_yaml(text) == [
        "yes", "off", 10, 8, 31, "1_000", "2024-01-01", "12:30:00", None, True, -0.5, 7, "true", 1000, ".inf",
    ]  # fmt: skip


def test_yaml_schema_without_expected() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert paid(yaml_reward, "a: 3", schema=schema) == 1.0
    assert paid(yaml_reward, "a: three", schema=schema) == 0.0
    assert paid(yaml_reward, "{}", schema={"type": "object"}) == 0.0
    assert yaml_reward.score(Response("a: 3"), {}).status == "invalid"
    assert yaml_reward.score(Response("a: 3"), {"schema": {"type": "x"}}).status == "invalid"


TOWNS = {
    "header": ["town", "people", "coast"],
    "rows": [["Kiel", 246000, True], ["Bonn, old", 331000.5, False], ["Ulm", None, False]],
}


@pytest.mark.parametrize(
    "text",
    [
        'town,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,FALSE\nUlm,,false',
        '"town","people","coast"\r\nKiel,246000.0,true\r\n"Bonn, old",3.310005e5,false\r\nUlm,,false\r\n',
        'coast,town,people\ntrue,Kiel,246000\nfalse,"Bonn, old",331000.50\nfalse,Ulm,',
    ],
)
def test_csv_equal(text: str) -> None:
    assert paid(csv_reward, text, expected=TOWNS) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "town,people,coast",
        'town,people,coast\n"Bonn, old",331000.5,false\nKiel,246000,true\nUlm,,false',
        'town,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,false',
        'town,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,false\nUlm,,false\nUlm,,false',
        "town,people,coast\nKiel,246000,true\nBonn, old,331000.5,false\nUlm,,false",
        'town,people,coast\nKiel,"246,000",true\n"Bonn, old",331000.5,false\nUlm,,false',
        'town,people,coast\nKiel,246000,yes\n"Bonn, old",331000.5,false\nUlm,,false',
        'town,people,coast\nkiel,246000,true\n"Bonn, old",331000.5,false\nUlm,,false',
        'town,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,false\nUlm,0,false',
        'town,people,coast\nKiel,２46000,true\n"Bonn, old",331000.5,false\nUlm,,false',
        'town;people;coast\nKiel;246000;true\n"Bonn, old";331000.5;false\nUlm;;false',
        'town,people,coast,town\nKiel,246000,true,x\n"Bonn, old",331000.5,false,x\nUlm,,false,x',
        '```csv\ntown,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,false\nUlm,,false\n```',
        'town,people,coast\nKiel,246000,true\n"Bonn, old,331000.5,false\nUlm,,false',
        'Table:\ntown,people,coast\nKiel,246000,true\n"Bonn, old",331000.5,false\nUlm,,false',
    ],
)
def test_csv_different(text: str) -> None:
    assert paid(csv_reward, text, expected=TOWNS) == 0.0


def test_csv_options() -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert paid(csv_reward, "a,b\n2,y\n1,x", expected=rows) == 0.0
    assert paid(csv_reward, "a,b\n2,y\n1.0,x", expected=rows, ordered=False) == 1.0
    assert paid(csv_reward, "a,b\n2,y\n2,y", expected=rows, ordered=False) == 0.0
    assert paid(csv_reward, "b,a\nx,1\ny,2", expected=rows) == 1.0
    assert paid(csv_reward, "b,a\nx,1\ny,2", expected=rows, columns_ordered=True) == 0.0
    assert paid(csv_reward, "a;b\n1;x\n2;y", expected=rows, delimiter=";") == 1.0
    assert paid(csv_reward, "a,b\n01,x", expected="a,b\n01,x\n") == 1.0
    assert paid(csv_reward, "a,b\n1,x", expected="a,b\n01,x\n") == 0.0
    for broken in [{"expected": {"header": ["a"], "rows": [[1, 2]]}}, {"expected": 3}, {"expected": ""}, {}]:
        assert csv_reward.score(Response("a\n1"), broken).status == "invalid"


NOTE = '<note id="7" lang="de"><to>Ann</to><body>Tea at <b>four</b>, please</body></note>'


@pytest.mark.parametrize(
    "text",
    [
        NOTE,
        '\n<?xml version="1.0"?><note lang="de" id="7">\n<to>Ann </to><body>Tea at <b>four</b>, please</body>\n</note>',
        "<note id='7' lang='de'><!-- hi --><to>&#65;nn</to><body>Tea at <b><![CDATA[four]]></b>, please</body></note>",
    ],
)
def test_xml_equal(text: str) -> None:
    assert paid(xml_reward, text, expected=NOTE) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<note/>",
        NOTE.replace("7", "8"),
        NOTE.replace("Ann", "ann"),
        NOTE.replace("four", "five"),
        NOTE.replace(", please", ""),
        NOTE.replace("<to>Ann</to>", ""),
        NOTE.replace("<to>Ann</to>", "<to>Ann</to><to>Ann</to>"),
        NOTE.replace("</note>", ""),
        NOTE + NOTE,
        f"Here: {NOTE}",
        f"```xml\n{NOTE}\n```",
        NOTE.replace("<note ", '<note xmlns="urn:x" '),
        '<!DOCTYPE note [<!ENTITY a "Ann">]>' + NOTE.replace("Ann", "&a;"),
        '<!DOCTYPE note SYSTEM "http://localhost/x.dtd">' + NOTE,
        NOTE.replace("Ann", "&ann;"),
        NOTE.replace("Ann", "Ann\ud800"),
    ],
)
def test_xml_different(text: str) -> None:
    assert paid(xml_reward, text, expected=NOTE) == 0.0


def test_xml_order_and_gold() -> None:
    assert paid(xml_reward, "<a><c/><b/></a>", expected="<a><b/><c/></a>") == 0.0
    assert paid(xml_reward, "<a><c/><b/></a>", expected="<a><b/><c/></a>", ordered=False) == 1.0
    assert paid(xml_reward, "<a><c/><b/><b/></a>", expected="<a><b/><c/></a>", ordered=False) == 0.0
    assert xml_reward.score(Response("<a/>"), {"expected": "<a>"}).status == "invalid"


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{n}: &{n} [*{p}, *{p}, *{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaa">' + "".join(f'<!ENTITY a{i} "{"&a;" * 50}">' for i in range(9)) + "]><x>&a8;</x>"
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        ENTITIES,
        "[" * 40_000,
        "[" * 1_000,
        "{a: " * 10_000,
        "- " * 20_000 + "x",
        "? " * 20_000,
        "\n".join(" " * i + "a:" for i in range(300)),
        "<a>" * 100_000,
        "<a>" * 30_000 + "</a>" * 30_000,
        "<a " + " ".join(f'b{i}="1"' for i in range(20_000)) + "/>",
        "a," * 500_000,
        ("a\n" * 500_000),
        'a\n"' + "x" * 900_000,
        '"' * 1_000_000,
        " " * 1_000_000 + "x",
        "\n" * 1_000_000 + "x",
        "x" * 1_000_000,
        "9" * 40_000,
        "a: " + "9" * 5_000,
        "0x" + "f" * 40_000,
        "\x1b[31mx",
        "\x00",
        "\ud800",
        "a: \ud800",
    ],
)
def test_hostile_answers_are_answered_soon(text: str) -> None:
    for judge, expected in ((yaml_reward, {"a": 1}), (csv_reward, TOWNS), (xml_reward, NOTE)):
        started = time.process_time()
        assert paid(judge, text, expected=expected) == 0.0
        assert time.process_time() - started < 1.5, judge.__name__


def test_readers_name_the_fault() -> None:
    with pytest.raises(ReadError, match="alias"):
        yaml_reward.parse_yaml("a: *b")
    with pytest.raises(ReadError, match="row 1 has 3 cells"):
        csv_reward.parse_csv("a,b\n1,2,3")
    with pytest.raises(ReadError, match="not well-formed"):
        xml_reward.parse_xml("<a>")


def test_an_echoed_schema_is_no_answer() -> None:
    for text in ("type: object", "note: {type: object}"):
        found = yaml_reward.score(Response(text), {"schema": {"type": "object"}})
        assert (found.value, found.detail) == (0.0, "the schema is echoed")
