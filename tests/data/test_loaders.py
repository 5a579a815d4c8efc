"""Data sets in place of generators: every known layout, the splits, and what is refused. Files are written here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rlstack.api import Env, Response, Row
from rlstack.config.rl import EnvShare
from rlstack.data.loaders import with_data
from rlstack.data.prompts import data_rows, draw, eval_prompts, load_sources
from rlstack.data.stream import Position, Supply, step_prompts
from rlstack.data.tables import read, split_named
from rlstack.errors import ConfigError
from rlstack.plugins import load_env, load_reward

Records = Sequence[Mapping[str, Any]]


def write(file: Path, records: Records) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(file)


def rows_of(name: str, source: str) -> list[Row]:
    env = with_data(load_env(name), source)
    return [*data_rows(env, "train"), *data_rows(env, "eval")]


def folder_of(tmp_path: Path, records: Records) -> str:
    """A folder whose last record is held out."""
    write(tmp_path / "set" / "train.jsonl", records[:-1])
    write(tmp_path / "set" / "test.jsonl", records[-1:])
    return str(tmp_path / "set")


def gold_pays(name: str, row: Row) -> bool:
    env = load_env(name)
    return all(load_reward(reward).score(Response(row.gold), row.data).value >= 0.99 for reward in env.rewards)


# ---- layouts -------------------------------------------------------------------------------------------

QUESTIONS = [f"A crate holds {n} tins. How many tins do {n + 2} crates hold?" for n in range(3, 43)]


def test_grade_school_answers_after_hashes(tmp_path: Path) -> None:
    records = [
        {"question": q, "answer": f"Each holds {n}.\n<<{n}*{n + 2}={n * (n + 2)}>>\n#### {n * (n + 2) + 1000:,}"}
        for n, q in enumerate(QUESTIONS, 3)
    ]
    rows = rows_of("math", folder_of(tmp_path, records))
    assert rows[0].data == {"answer": "1015"}
    assert rows[0].gold == r"\boxed{1015}"
    assert rows[0].messages[0]["content"] == f"{QUESTIONS[0]} Answer in \\boxed{{}}."
    assert all(gold_pays("math", row) for row in rows)


def test_solutions_with_a_box(tmp_path: Path) -> None:
    records = [
        {"problem": "Add one half and one third.", "level": "Level 2", "solution": r"Sum: $\boxed{\frac{5}{6}}$."},
        {"problem": "Prove it.", "solution": "Obvious."},
        {"problem": "Two boxes?", "solution": r"First \boxed{3}, then \boxed{\text{east}}."},
        {"problem": "Which $x$?", "solution": r"\boxed{x=4}"},
    ]
    rows = rows_of("math", folder_of(tmp_path, records))
    assert [row.data["answer"] for row in rows] == [r"\frac{5}{6}", r"\text{east}", "x=4"]
    assert all(gold_pays("math", row) for row in rows)


def test_one_problem_per_file_in_folders_named_like_splits(tmp_path: Path) -> None:
    for split, n in (("train", 6), ("test", 2)):
        for i in range(n):
            file = tmp_path / "MATH" / split / "algebra" / f"{i}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"problem": f"{split} {i}", "solution": rf"\boxed{{{i}}}"}))
    env = with_data(load_env("math"), str(tmp_path / "MATH"))
    assert len(data_rows(env, "train")) == 6
    assert {row.messages[0]["content"][:4] for row in data_rows(env, "eval")} == {"test"}


def test_questions_and_answers_on_alternating_lines(tmp_path: Path) -> None:
    pairs = {"Solve 2*x = 8 for x.": "4", "Expand (y - 1)*(y + 1).": "y**2 - 1", "Is 9 prime?": "False"}
    text = "".join(f"{q}\n{a}\n" for q, a in pairs.items())
    for folder in ("train-easy", "interpolate"):
        (tmp_path / folder).mkdir()
    (tmp_path / "train-easy" / "algebra__linear_1d.txt").write_text(text)
    (tmp_path / "interpolate" / "algebra__linear_1d.txt").write_text("What is 3 - 8?\n-5\n")
    rows = rows_of("math", str(tmp_path))
    assert [row.data["answer"] for row in rows] == ["4", "y**2 - 1", "False", "-5"]
    assert all(gold_pays("math", row) for row in rows)
    (tmp_path / "train-easy" / "odd.txt").write_text("a question only\n")
    with pytest.raises(ConfigError, match=r"odd.txt: .* take turns, but there are 1 lines"):
        rows_of("math", f"{tmp_path}/")


CHOICES = {
    "arc": {"question": "Which is a gas?", "choices": {"text": ["tin", "neon"], "label": ["1", "2"]}, "answerKey": "2"},
    "arc files": {
        "question": {
            "stem": "Which is a gas?",
            "choices": [{"text": "tin", "label": "A"}, {"text": "neon", "label": "B"}],
        },
        "answerKey": "B",
    },
    "index": {"question": "Which is a gas?", "choices": ["tin", "neon", "zinc"], "answer": 1},
    "letter": {"question": "Which is a gas?", "options": ["tin", "neon"], "answer": "(b)"},
    "text": {"question": "Which is a gas?", "options": ["tin", "neon"], "answer": "neon"},
    "openbookqa": {
        "question_stem": "Which is a gas?",
        "choices": {"text": ["tin", "neon"], "label": ["A", "B"]}, "answerKey": "B",
    },
    "distractors": {
        "question": "Which is a gas?", "correct_answer": "neon", "support": "",
        "distractor1": "tin", "distractor2": "zinc", "distractor3": "lead",
    },
    "long keys": {
        "Question": "Which is a gas?", "Correct Answer": "neon\n",
        "Incorrect Answer 1": "tin", "Incorrect Answer 2": "zinc", "Incorrect Answer 3": "lead",
    },
}  # fmt: skip


@pytest.mark.parametrize("layout", CHOICES)
def test_multiple_choice(tmp_path: Path, layout: str) -> None:
    held_out = {"question": "Which is a tree?", "options": ["oak", "iron"], "answer": "A"}
    row = rows_of("science", folder_of(tmp_path, [CHOICES[layout], held_out]))[0]
    right = "ABCD".index(row.data["answer"])
    assert row.data["options"][right] == "neon"
    assert f"({row.data['answer']}) neon" in row.messages[0]["content"]
    assert row.messages[0]["content"].startswith("Which is a gas?\n(A) ")
    assert gold_pays("science", row)


def test_choices_that_end_a_text_or_solve_a_task(tmp_path: Path) -> None:
    ending = {"ctx": "She lights the stove and", "endings": ["sleeps.", "cooks.", "sings.", "swims."], "label": "1"}
    task = {"goal": "Dry a wet shoe.", "sol1": "Fill it with paper.", "sol2": "Fill it with water.", "label": 0}
    withheld = [{**ending, "ctx": "He", "label": ""}, {**task, "goal": "Wet it.", "label": -1}]
    held_out = {"question": "Which is below 0?", "options": ["-1", "1"], "answer": "-1"}
    rows = rows_of("science", folder_of(tmp_path, [ending, task, *withheld, held_out]))
    assert [row.data["answer"] for row in rows] == ["B", "A", "A"]
    assert rows[0].messages[0]["content"].startswith("She lights the stove and …\nHow does it go on?\n(A) sleeps.\n(B)")
    assert rows[1].messages[0]["content"].startswith("Dry a wet shoe.\n(A) Fill it with paper.\n")
    assert all(gold_pays("science", row) for row in rows)


def test_options_without_an_order_are_shuffled_by_their_question(tmp_path: Path) -> None:
    base = CHOICES["distractors"]
    records = [{**base, "question": f"Which is gas number {n}?"} for n in range(40)]
    found = [row.data["answer"] for row in rows_of("science", folder_of(tmp_path, records))]
    assert set(found) == set("ABCD")


CONSTRAINTS = [
    {
        "key": 1,
        "prompt": "Write about otters without commas.",
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{"num_words": None}, {"num_words": 5, "relation": "at least", "keywords": None}],
    },
    {
        "messages": [{"role": "user", "content": "Write about geese in lower case."}],
        "ground_truth": json.dumps([{"instruction_id": ["change_case:english_lowercase"], "kwargs": [None]}]),
    },
]


def test_constrained_prompts(tmp_path: Path) -> None:
    first, second = rows_of("instruction", folder_of(tmp_path, CONSTRAINTS))
    assert first.data["kwargs"] == [{}, {"num_words": 5, "relation": "at least"}]
    assert first.gold == second.gold == ""
    judge = load_reward("ifeval").score
    assert judge(Response("Otters are playful animals that swim in rivers and eat fish."), first.data).value == 1.0
    assert judge(Response("Otters swim, eat and play in rivers all day."), first.data).value == 0.0
    assert judge(Response("geese fly south over lakes and fields when it gets cold."), second.data).value == 1.0


ANSWERS = {
    "aliases": ({"question": "Who?", "answer": {"value": "Ada", "aliases": ["A. Byron", "Ada"]}}, ["Ada", "A. Byron"]),
    "context": ({"question": "Who?", "context": "Ada came.", "answers": {"text": ["Ada"], "start": [0]}}, ["Ada"]),
    "none": ({"question": "Who?", "context": "Nobody came.", "answers": {"text": [], "answer_start": []}}, []),
    "text": ({"question": "Who?", "answer": "Ada"}, ["Ada"]),
    "long keys": (
        {"Data": [{"Question": "Who?", "Answer": {"Value": "Ada", "Aliases": ["Lady A."]}}, {"Question": "Where?"}]},
        ["Ada", "Lady A."],
    ),
    "list as text": ({"question": "Who?", "possible_answers": '["Ada", "A. Byron"]'}, ["Ada", "A. Byron"]),
    "unknown": ({"question": "Who?", "answers": ["Ada"], "answerable": False}, ["Ada"]),
}  # fmt: skip


@pytest.mark.parametrize("layout", ANSWERS)
def test_questions_with_and_without_an_answer(tmp_path: Path, layout: str) -> None:
    record, answers = ANSWERS[layout]
    row = rows_of("calibration", folder_of(tmp_path, [record, {"question": "Where?", "answer": "Oslo"}]))[0]
    assert row.data["answers"] == answers
    assert row.data["answerable"] == record.get("answerable", bool(answers))
    assert gold_pays("calibration", row)
    if not row.data["answerable"]:
        assert load_reward("calibration").score(Response("Ada"), row.data).value == -1.0


def test_reading_comprehension_in_one_file(tmp_path: Path) -> None:
    questions = [
        {"id": "1", "question": "Who came?", "answers": [{"text": "Ada", "answer_start": 0}], "is_impossible": False},
        {
            "id": "2",
            "question": "Who left?",
            "answers": [],
            "plausible_answers": [{"text": "Ada"}],
            "is_impossible": True,
        },
    ]
    file = {"version": "2", "data": [{"title": "x", "paragraphs": [{"context": "Ada came.", "qas": questions}]}]}
    (tmp_path / "train-v2.json").write_text(json.dumps(file))
    (tmp_path / "dev-v2.json").write_text(json.dumps(file).replace("Ada", "Eva"))
    first, second, *_ = rows_of("calibration", str(tmp_path))
    assert first.messages[0]["content"].startswith("Ada came.\n\nWho came? ")
    assert [(row.data["answers"], row.data["answerable"]) for row in (first, second)] == [(["Ada"], True), ([], False)]


def test_withheld_answers_are_left_out(tmp_path: Path) -> None:
    withheld = {"question": "Where?", "answer": {"value": "<unk>", "aliases": []}}
    told = [{"question": f"Who is {n}?", "answer": {"value": "Ada", "aliases": []}} for n in range(40)]
    assert len(rows_of("calibration", folder_of(tmp_path, [*told, withheld]))) == 40, "one split is left: cut by texts"
    with pytest.raises(ConfigError, match=r"no row for train.*; without a final answer, and so left out: 1 records"):
        rows_of("calibration", write(tmp_path / "withheld.jsonl", [withheld]))


def test_kinds_of_a_loaded_set_take_turns(tmp_path: Path) -> None:
    records = [{"question": f"Who is number {n}?", "answers": ["Ada"] if n % 2 else []} for n in range(40)]
    env = with_data(load_env("calibration"), folder_of(tmp_path, [*records, {"question": "Where?", "answer": "Oslo"}]))
    drawn = [draw(env, "train", i, 0, 1)[1].data["answerable"] for i in range(40)]
    assert all(sum(drawn[i : i + 2]) == 1 for i in range(0, 40, 2))


def test_an_identity_of_your_own(tmp_path: Path) -> None:
    (tmp_path / "me.json").write_text(json.dumps({"name": "Orla", "maker": "Fennwood", "others": ["Rill"]}))
    env = with_data(load_env("identity"), str(tmp_path / "me.json"))
    assert len(data_rows(env, "train")) > 1000
    for row in data_rows(env, "eval")[:50]:
        assert "Orla" in row.gold or "Fennwood" in row.gold
        assert "Rill" in row.data["others"]
        assert gold_pays("identity", row)


OTHERS = {
    "chat": {
        "messages": [{"role": "user", "content": "How do I store apples?"}, {"role": "assistant", "content": "Dry."}]
    },
    "logic": {"question": "Ann is taller than Bob. Who is taller? Name only.", "answer": "Ann"},
    "temporal": {"question": "What day comes after Monday?", "answer": "Tuesday"},
    "icl": {"question": "2 -> 4\n3 -> 6\n5 ->", "answer": "10"},
    "structured": {
        "prompt": "Ann is 5. JSON only.",
        "schema": {"type": "object"},
        "expected": {"name": "Ann", "age": 5},
    },
    "tools": {
        "question": "Rain in Oslo?",
        "tools": [{"name": "rain", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}],
        "expected": [{"name": "rain", "arguments": {"x": "Oslo"}}],
    },
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_envs(tmp_path: Path, name: str) -> None:
    again = json.loads(json.dumps(OTHERS[name]).replace("Oslo", "Rome").replace("Ann", "Eva").replace("apples", "figs"))
    again = {**again, "prompt": "Eva is 5."} if name == "structured" else again
    again = {**again, "question": f"Well: {again['question']}"} if "question" in again else again
    row = rows_of(name, folder_of(tmp_path, [OTHERS[name], again]))[0]
    assert row.messages[-1]["role"] == "user"
    if row.gold:
        assert gold_pays(name, row)
    else:
        assert name == "chat"
        good = "Keep apples in a cool, dark cellar, and sort out the soft ones weekly."
        assert load_reward("chat_rules").score(Response(good), row.data).value == 1.0


def test_our_own_rows_fit_every_env(tmp_path: Path) -> None:
    own = [
        {"messages": [{"role": "user", "content": f"Say {n}."}], "data": {"answer": str(n)}, "gold": str(n)}
        for n in range(60)
    ]
    rows = rows_of("icl", write(tmp_path / "own.jsonl", own))
    assert len(rows) == 60
    assert all(gold_pays("icl", row) for row in rows)
    bare = Env(name="bare", rewards={"exact": 1.0}, generate=lambda rng, level: rows[0])
    assert len(data_rows(with_data(bare, str(tmp_path / "own.jsonl")), "train")) > 40
    with pytest.raises(ConfigError, match=r"this env reads rows .* only"):
        data_rows(with_data(bare, write(tmp_path / "other.jsonl", [{"question": "?"}])), "train")


# ---- splits, formats, errors ---------------------------------------------------------------------------


def test_a_file_that_names_no_split_is_cut_by_its_texts(tmp_path: Path) -> None:
    records = [{"question": f"What is {n} + {n}?", "answer": 2 * n} for n in range(200)]
    first = with_data(load_env("math"), write(tmp_path / "a.jsonl", records))
    second = with_data(load_env("math"), write(tmp_path / "b.jsonl", records[::-1]))
    train, held_out = ({row.messages[0]["content"] for row in data_rows(first, s)} for s in ("train", "eval"))
    assert not train & held_out
    assert len(train | held_out) == 200
    assert 10 <= len(held_out) <= 45
    assert held_out == {row.messages[0]["content"] for row in data_rows(second, "eval")}


@pytest.mark.parametrize("name", ["test", "train", "other"])
def test_a_folder_of_one_split_is_cut_by_its_texts(tmp_path: Path, name: str) -> None:
    records = [{"question": f"What is {n} + {n}?", "answer": 2 * n} for n in range(100)]
    write(tmp_path / f"{name}.jsonl", records)
    env = with_data(load_env("math"), str(tmp_path))
    train, held_out = data_rows(env, "train"), data_rows(env, "eval")
    assert len(train) + len(held_out) == 100
    assert 5 <= len(held_out) <= 25


def test_lines_under_the_name_of_one_value(tmp_path: Path) -> None:
    records = [{"question": f"What is {n} + {n}?", "answer": 2 * n} for n in range(100)]
    write(tmp_path / "sums.json", records)
    assert len(rows_of("math", str(tmp_path / "sums.json"))) == 100
    with pytest.raises(ConfigError, match=r"broken.json:2 is not JSON"):
        rows_of("math", bad(tmp_path, "broken.json", '{"question": "x", "answer": "1"}\n{'))


def test_rows_of_another_sources_training_split_are_cut_anew(tmp_path: Path) -> None:
    """What `rlstack env label` writes, or a gold file: the usual hash has put all of these texts into train."""
    drawn = [draw(load_env("math"), "train", index, 1, 0)[1] for index in range(80)]
    own = [{"messages": list(row.messages), "data": dict(row.data), "gold": row.gold} for row in drawn]
    env = with_data(load_env("math"), write(tmp_path / "own.jsonl", own))
    train, held_out = (
        {str(row.messages) for row in rows} for rows in (data_rows(env, "train"), data_rows(env, "eval"))
    )
    assert not train & held_out
    assert 1 <= len(held_out) <= 25
    assert len(train | held_out) == len({str(row.messages) for row in drawn})


def test_held_out_texts_leave_train(tmp_path: Path) -> None:
    record = {"question": "What is 2 + 2?", "answer": 4}
    write(tmp_path / "train.jsonl", [record, {"question": "What is 3 + 3?", "answer": 6}, record])
    write(tmp_path / "test.jsonl", [record])
    env = with_data(load_env("math"), str(tmp_path))
    assert [row.data["answer"] for row in data_rows(env, "train")] == ["6"]


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.jsonl", "train"), ("train-00000-of-00001.parquet", "train"), ("main/test-00000.parquet", "eval"),
        ("dev.json", "eval"), ("validation.jsonl", "eval"), ("interpolate/algebra__x.txt", "eval"),
        ("train-hard/numbers__test_x.txt", "eval"), ("latest.jsonl", None), ("contest.jsonl", None),
        ("trainer.jsonl", None),
        ("MATH/train/algebra/1.json", "train"), ("device.jsonl", None), ("train_spider.json", "train"),
    ],
)  # fmt: skip
def test_splits_in_paths(path: str, split: str | None) -> None:
    assert split_named(path) == split


def test_parquet_equals_jsonl(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    records = [{"question": f"Is {n} even?", "choices": ["yes", "no"], "answer": n % 2} for n in range(30)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), str(tmp_path / "q.parquet"))
    as_lines = rows_of("science", write(tmp_path / "q.jsonl", records))
    assert rows_of("science", str(tmp_path / "q.parquet")) == as_lines


def test_a_step_and_an_evaluation_of_a_data_set(tmp_path: Path) -> None:
    source = folder_of(tmp_path, [{"question": q, "answer": n} for n, q in enumerate(QUESTIONS)])
    (found,) = load_sources({"math": EnvShare(data=source)})
    assert found.env.rewards == {"math": 1.0}
    prompts = step_prompts(Supply([found], {found.env.name: 8}, 0), Position(next={found.env.name: 24}))[0]
    assert len({p.id for p in prompts}) == 8
    assert [p.data["answer"] for p in eval_prompts(found.env, 5)] == ["39"]
    with pytest.raises(ConfigError, match="levels 0 to 0"):
        load_sources({"math": EnvShare(data=source, level=1)})


def bad(tmp_path: Path, name: str, content: str) -> str:
    (tmp_path / name).write_text(content)
    return str(tmp_path / name)


REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    "a missing file": (lambda p: str(p / "no.jsonl"), "there is no file or folder .*no.jsonl"),
    "a missing relative file": (lambda p: "data/gsm8k.jsonl", "there is no file or folder"),
    "an empty folder": (lambda p: str(p), "no file ends in"),
    "another format": (lambda p: bad(p, "a.csv", "x"), "allowed are files that end in .jsonl"),
    "broken JSON": (lambda p: bad(p, "a.jsonl", '{"question": "x", "answer": "1"}\n{'), "a.jsonl:2 is not JSON"),
    "no object": (lambda p: bad(p, "a.jsonl", "[1]\n"), "a record is an object, found a list"),
    "other keys": (lambda p: bad(p, "a.jsonl", '{"text": "x", "answer": "1"}\n'), "a.jsonl:1 does not fit env 'math'"),
    "no answer": (
        lambda p: bad(p, "a.jsonl", '{"question": "x"}\n'),
        "no key 'answer or solution' .its keys: question",
    ),
    "nothing": (lambda p: bad(p, "a.jsonl", "\n"), "has no row for train"),
    "no parquet": (lambda p: bad(p, "a.parquet", "x"), "cannot read .*a.parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        data_rows(with_data(load_env("math"), make(tmp_path)), "train")


def test_a_hub_data_set_without_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"nobody/nothing:main: the hub data set cannot be loaded .*give the path"):
        list(read("nobody/nothing:main"))


def test_a_hub_data_set_keeps_its_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked = []

    def fake(name: str, config: str | None) -> dict[str, list[dict[str, Any]]]:
        asked.append((name, config))
        return {"train": [{"n": 1}], "validation": [{"n": 2}]} if config else {"train": [{"n": 1}]}

    monkeypatch.setattr(datasets, "load_dataset", fake)
    assert [(p.record["n"], p.split) for p in read("someone/things:main")] == [(1, "train"), (2, "eval")]
    assert [(p.record["n"], p.split) for p in read("someone/things")] == [(1, "train")]
    assert asked == [("someone/things", "main"), ("someone/things", None)]
