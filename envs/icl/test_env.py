"""The examples settle the answer, and copying an example does not pay."""

from __future__ import annotations

import ast
import random

import pytest

from rlstack.api import Response
from rlstack.envs.icl import env, labels, lists, strings
from rlstack.plugins import load_reward

judge = load_reward("induction").score


def tasks(maker, n: int = 30):
    return [maker(random.Random(f"{maker.__name__}{i}")) for i in range(n)]


def test_labels_by_hand():
    for examples, query, answer in tasks(labels.two_words):
        assert dict(examples)[query] == answer
        assert len(set(dict(examples).values())) == 2
    for examples, query, answer in tasks(labels.parity_of_length):
        assert query not in dict(examples)
        assert {made for word, made in examples if len(word) % 2 == len(query) % 2} == {answer}


def test_strings_have_one_explanation_of_the_query():
    for examples, query, answer in tasks(strings.one_rule):
        found = {rule(query) for rule in strings.RULES.values() if all(rule(a) == b for a, b in examples)}
        assert found == {answer}


def test_lists_have_one_explanation_of_the_query():
    for examples, query, answer in tasks(lists.one_function):
        pairs = [(ast.literal_eval(a), ast.literal_eval(b)) for a, b in examples]
        found = {str(f(ast.literal_eval(query))) for f in lists.FUNCTIONS if all(f(a) == b for a, b in pairs)}
        assert found == {answer}


def test_two_functions_need_both():
    for examples, _, _ in tasks(lists.two_functions, 10):
        pairs = [(ast.literal_eval(a), ast.literal_eval(b)) for a, b in examples]
        assert not any(all(f(a) == b for a, b in pairs) for f in lists.FUNCTIONS)


def test_functions_leave_their_argument_alone():
    for function in lists.FUNCTIONS:
        for values in ([], [3], [4, 0, 9, 9, 2]):
            given = list(values)
            function(values)
            assert values == given


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_only_the_answer_pays(level):
    for i in range(30):
        row = env.generate(random.Random(i), level)
        answer = row.data["answer"]
        made = [line.split(" -> ")[1] for line in row.messages[0]["content"].split("\n")[:-1]]
        assert judge(Response(answer), row.data).value == 1.0
        for other in {*made, "[]", "nothing"} - {answer}:
            assert judge(Response(other), row.data).value == 0.0
            assert judge(Response(f"{answer} or {other}"), row.data).value == 0.0
