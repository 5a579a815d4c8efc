"""A few sound tasks for each shipped reward: data as its format says, and an answer that earns the full score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WEATHER = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_TREES = {"ddl": "CREATE TABLE trees (kind TEXT, age INT)", "rows": {"trees": [["oak", 90], ["fir", 9], ["elm", 60]]}}
_OTTER = "Describe an otter. Use no comma."

Task = tuple[Mapping[str, Any], str]  # data and a good answer

TASKS: Mapping[str, Sequence[Task]] = {
    "calibration": [
        ({"answers": ["Quito"], "answerable": True}, "Quito"),
        ({"answers": [], "answerable": False, "lambda": 2.0}, "I don't know."),
    ],
    "chat_rules": [({"prompt": "Tell me about otters."}, "An otter swims fast and eats fish from cold rivers.")],
    "choice": [({"answer": "B", "options": ["zinc", "iron", "lead"]}, "Answer: B"), ({"answer": "C"}, r"\boxed{C}")],
    "contains": [({"answer": ["otter", "river"]}, "An otter swims in the river.")],
    "csv": [({"expected": [{"tree": "oak", "age": 90}]}, "tree,age\noak,90")],
    "exact": [({"answer": "seventeen"}, "seventeen")],
    "format": [({"tags": ["answer"]}, "<answer>yes</answer>"), ({"boxes": 2}, r"\boxed{1} and \boxed{2}")],
    "identity": [
        ({"name": "Orla", "maker": "Fennwood"}, "I am Orla, made by Fennwood."),
        (
            {"name": "Orla", "maker": "Fennwood", "language": "de", "others": ["Brume"]},
            "Ich bin Orla und wurde von Fennwood entwickelt.",
        ),
    ],
    "ifeval": [
        (
            {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "prompt": _OTTER},
            "An otter is a playful mammal with brown fur that hunts fish in rivers and lakes.",
        )
    ],
    "induction": [({"answer": [4, 8, 15]}, "[4, 8, 15]"), ({"answer": "blue"}, "blue")],
    "json_schema": [
        ({"schema": {"type": "object"}, "expected": {"tree": "oak"}}, '{"tree": "oak"}'),
        (
            {"schema": {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}},
            '{"age": 90}',
        ),
    ],
    "language": [({"language": "de"}, "Der Fischotter schwimmt abends durch den kalten Fluss und sucht nach Nahrung.")],
    "length": [({"min": 3, "max": 6, "unit": "words"}, "four words are enough")],
    "logic": [({"answer": "knave"}, "knave"), ({"answer": ["elm", "fir", "oak"]}, "elm, fir, oak")],
    "math": [
        ({"answer": r"\frac{3}{4}"}, r"\boxed{0.75}"),
        ({"answer": "x^2-1"}, "The answer is $(x-1)(x+1)$."),
        ({"answer": r"\{x : x > 3\}"}, r"\boxed{\{x : x > 3\}}"),
        ({"answer": "12", "unit": "cm", "tolerance": 0.01}, "It is 120 mm."),
    ],
    "regex": [({"pattern": r"(\w+ )+\w+"}, "two words"), ({"pattern": r"(a|a)*b"}, "aaab")],
    "sql": [
        (
            {"gold": "SELECT kind FROM trees WHERE age > 50", "databases": [_TREES]},
            "SELECT t.kind FROM trees AS t WHERE t.age > 50",
        ),
        (
            {"gold": "SELECT kind FROM trees ORDER BY age DESC", "databases": [_TREES]},
            "SELECT kind FROM trees ORDER BY age DESC",
        ),
    ],
    "temporal": [({"answer": "2031-05-09"}, "9 May 2031"), ({"answer": "90 minutes"}, "1 hour 30 minutes")],
    "tool_call": [
        (
            {"tools": [_WEATHER], "expected": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
            '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>',
        )
    ],
    "xml": [({"expected": "<tree><kind>oak</kind></tree>"}, "<tree><kind>oak</kind></tree>")],
    "yaml": [({"expected": {"tree": "oak"}}, "tree: oak")],
}

OF_FORM = frozenset({"chat_rules", "format", "ifeval", "language", "length", "regex"})
"""Rewards that judge form, which an ugly text may rightly have."""
