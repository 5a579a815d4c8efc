"""A sound environment keeps every rule on prompts; each way to break one is found and named."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from rlstack.authoring import prompts_contract as contract
from rlstack.authoring.report import Finding
from rlstack.authoring.subject import open_subject
from rlstack.data.prompts import draw
from rlstack.errors import PluginError

N = 4


def finding(rule: str, name: str) -> Finding:
    subject = open_subject(name)
    makers = {
        "data": lambda: contract.well_formed(subject, N),
        "stable": lambda: contract.deterministic(subject, N),
        "splits": lambda: contract.splits(subject),
        "levels": lambda: contract.levels_differ(subject, N),
        "size": lambda: contract.sizes(subject, N),
    }
    return makers[rule]()


@pytest.mark.parametrize("rule", ["data", "stable", "splits", "levels", "size"])
def test_a_sound_env(write, rule):
    assert finding(rule, write()).mark == "ok"


@pytest.mark.parametrize(
    "body",
    [
        """
        def generate(rng, level):
            return Row.ask(f"Repeat {random.random()}", {"answer": "1"}, "1")
        """,
        """
        COUNT = [0]
        def generate(rng, level):
            COUNT[0] += 1
            return Row.ask(f"Repeat {rng.random()}", {"answer": str(COUNT[0])}, "1")
        """,
        """
        def generate(rng, level):
            word = list({"red", "green", "blue", "black", "white", "grey", "pink"})[rng.randrange(7)]
            return Row.ask(f"Repeat {word} {rng.random()}", {"answer": word}, word)
        """,
        """
        def draft(row, rng):
            return str(random.random())
        generate_ = generate
        """,
    ],
    ids=["global chance", "a counter", "the order of a set", "drafts by global chance"],
)
def test_what_differs_between_processes(write, body):
    made = "ENV = make(draft=draft)" if "def draft" in body else "ENV = make(generate=generate)"
    found = finding("stable", write(textwrap.dedent(body) + made))
    assert found.mark == "failed"
    assert "prompts differ in another process" in found.said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('Row.ask(f"{rng.random()}", {"answer": (1, 2)}, "1")', "does not survive JSON"),
        ('Row.ask(f"{rng.random()}", {"answer": float("nan")}, "1")', "does not survive JSON"),
        ('Row.ask(f"{rng.random()}", {1: "a"}, "1")', "does not survive JSON"),
        ('Row.ask(f"{rng.random()}", {"answer": {1, 2}}, "1")', "does not survive JSON"),
    ],
)
def test_data_that_is_not_plain(write, row, said):
    found = finding("data", write(f"def generate(rng, level):\n    return {row}\nENV = make(generate=generate)"))
    assert (found.mark, said in found.said) == ("failed", True), found


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('Row.ask(f"{rng.random()}", {"answer": 1}, 1)', "gold is a int, not a text"),
        ('Row.ask(f"{rng.random()}", {"answer": 1}, None)', "gold is missing, not a text"),
        ('Row(({"role": "assistant", "content": f"{rng.random()}"},), {}, "1")', "the last message must be the user's"),
        ('Row(({"role": "user"},), {}, "1")', "a message without text"),
    ],
)
def test_what_is_no_row_is_an_error_at_the_authors_line(write, row, said):
    name = write(f"def generate(rng, level):\n    return {row}\nENV = make(generate=generate)")
    with pytest.raises(PluginError, match=f"{said}.*\n  at .*/envs/sizes/env.py:1[34]"):
        draw(open_subject(name).env, "train", 0, 0, 0)


def test_what_an_author_raises_is_told_with_the_authors_own_line(write):
    name = write("""
        import statistics
        def generate(rng, level):
            return statistics.mean([])
        ENV = make(generate=generate)
    """)
    line = Path("envs/sizes/env.py").read_text().split("statistics.mean")[0].count("\n") + 1
    told = f"generate at level 1 failed\n  statistics.StatisticsError: .*\n  at .*envs/sizes/env.py:{line}$"
    with pytest.raises(PluginError, match=told):
        draw(open_subject(name).env, "train", 0, 1, 0)


def test_an_env_of_lambdas_cannot_be_pickled(write):
    body = 'ENV = make(generate=lambda rng, level: Row.ask(f"{rng.random()}", {"answer": "1"}, "1"))'
    found = finding("data", write(body))
    assert found.mark == "failed"
    assert "cannot be pickled" in found.said
    assert "def" in found.mend


def test_a_generator_of_few_texts(write):
    body = """
    def generate(rng, level):
        return Row.ask(f"Repeat {rng.randrange(400)}", {"answer": "1"}, "1")
    ENV = make(generate=generate)
    """
    assert finding("splits", write(body.replace("400", "4000"))).mark == "ok"
    found = finding("splits", write(body.replace("400", "60")))
    assert found.mark == "failed"
    assert "level 0" in found.said


def test_a_data_set_whose_splits_overlap(write):
    body = """
    def rows(split):
        own = 0 if split == "train" else {overlap}
        return [Row.ask(f"Repeat {{i}}", {{"answer": str(i)}}, str(i)) for i in range(own, own + 20)]
    ENV = make(generate=None, rows=rows, levels=1)
    """
    assert finding("splits", write(body.format(overlap=100))).mark == "ok"
    found = finding("splits", write(body.format(overlap=15)))
    assert found.mark == "failed"
    assert "5 texts are in rows('train') and in rows('eval')" in found.said


def test_a_level_that_is_another_one_again(write):
    body = """
    def generate(rng, level):
        return Row.ask(f"Repeat {rng.randrange(10**6)}", {"answer": "1"}, "1")
    ENV = make(generate=generate)
    """
    found = finding("levels", write(body))
    assert found.mark == "failed"
    assert "100% of the tasks of level 1 are those of level 0" in found.said


def test_a_long_level_0_is_worth_a_note_only(write):
    body = """
    def generate(rng, level):
        return Row.ask(f"Repeat {rng.random()} " * 10, {"answer": "1"}, "1" * 99)
    ENV = make(generate=generate)
    """
    found = finding("size", write(body))
    assert found.mark == "note"
    assert "gold up to 99" in found.said


@pytest.mark.parametrize(("right", "mark"), [(0.05, "note"), (0.4, "ok"), (0.95, "note")])
def test_drafts_are_weighed(write, right, mark):
    body = f"""
    def draft(row, rng):
        return row.gold if rng.random() < {right} else "no idea"
    ENV = make(draft=draft)
    """
    subject = open_subject(write(body))
    found = contract.drafts(subject, 16, lambda rows: [float(text == row.gold) for _, row, text in rows])
    assert found.mark == mark, found
