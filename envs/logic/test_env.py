"""Puzzles solved again from their text: one solution, the one given."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from rlstack.api import Response
from rlstack.envs.logic import grids, orders
from rlstack.plugins import load_reward

judge = load_reward("logic").score


def tasks(maker, n: int = 40):
    return [maker(random.Random(f"{maker.__name__}{i}")) for i in range(n)]


@pytest.mark.parametrize("maker", [orders.chain, orders.shuffled_chain, orders.middle_of_many])
def test_orderings_have_one_solution(maker):
    for question, answer in tasks(maker):
        pairs = re.findall(r"(\w+) is \w+er than (\w+)\.", question)
        people = sorted({name for pair in pairs for name in pair})
        worlds = [w for w in itertools.permutations(people) if all(w.index(a) < w.index(b) for a, b in pairs)]
        assert len(worlds) == 1
        asked = question.rsplit("Who is ", 1)[1]
        ordinals = ["the second", "the third", "the fourth", "the fifth", "the sixth"]
        place = next((i + 1 for i, word in enumerate(ordinals) if asked.startswith(word)), None)
        if place is None:
            place = 0 if any(asked.startswith(most) for _, most, _ in orders.SCALES) else -1
        assert worlds[0][place] == answer


def _true(text: str, speaker: str, world: dict[str, bool]) -> bool:
    if found := re.fullmatch(r"Exactly (\d) of us lies?\.", text):
        return list(world.values()).count(False) == int(found[1])
    if found := re.fullmatch(r"(?:We|(\w+) and (\w+)) are of (the same|different) kinds?\.", text):
        same = world[found[1]] == world[found[2]] if found[1] else None
        if same is None:  # "we" of two people
            same = len(set(world.values())) == 1
        return same == (found[3] == "the same")
    found = re.fullmatch(r"(\w+) (lies|tells the truth)\.", text)
    assert found is not None, text
    return world[found[1]] == (found[2] == "tells the truth")


def test_tribes_of_two_have_one_solution():
    for question, answer in tasks(orders.liars_of_two):
        spoken = re.findall(r'(\w+) says: "([^"]+)"', question)
        people = [name for name, _ in spoken]
        worlds = [dict(zip(people, kinds, strict=True)) for kinds in itertools.product((True, False), repeat=2)]
        left = [w for w in worlds if all(_true(text, name, w) == w[name] for name, text in spoken)]
        assert len(left) == 1
        kind = question.endswith("Who tells the truth?")
        assert [name for name in people if left[0][name] == kind] == [answer]


def test_seats_have_one_solution():
    for question, answer in tasks(grids.seats):
        people = question.split(" sit in a row")[0].split(", ")
        worlds = list(itertools.permutations(people))
        for a, b in re.findall(r"(\w+) sits left of (\w+)\.", question):
            worlds = [w for w in worlds if w.index(a) < w.index(b)]
        for a, negated, b in re.findall(r"(\w+) (sits|does not sit) next to (\w+)\.", question):
            worlds = [w for w in worlds if (abs(w.index(a) - w.index(b)) == 1) == (negated == "sits")]
        assert len(worlds) == 1
        places = ("on the far left", "second from", "in the middle", "fourth from", "on the far right")
        asked = question.rsplit("Who sits ", 1)[1]
        assert worlds[0][next(i for i, place in enumerate(places) if asked.startswith(place))] == answer


def test_counting_out_by_hand():
    for question, answer in tasks(grids.last_one_out):
        people = question.split(" stand in")[0].split(", ")
        k = ("second", "third", "fourth", "fifth").index(re.findall(r"every (\w+) person", question)[0]) + 2
        queue = list(people)
        while len(queue) > 1:
            queue = queue[(k - 1) % len(queue) :] + queue[: (k - 1) % len(queue)]
            queue.pop(0)
        assert queue == [answer]


@pytest.mark.parametrize(
    "maker", [orders.liars_of_three, grids.liars_of_many, grids.zebra, grids.seats, orders.middle_of_many]
)
def test_only_the_name_pays(maker):
    for question, answer in tasks(maker, 6):
        data = {"answer": answer}
        other = next(name for name in orders.NAMES if name != answer and name in question)
        assert judge(Response(answer), data).value == 1.0
        for text in (other, f"{answer} or {other}", f"{other} or {answer}", question, "Nobody", ""):
            assert judge(Response(text), data).value == 0.0, text


def test_zebra_clues_name_each_house_once():
    for question, answer in tasks(grids.zebra, 6):
        assert answer in question.split(" live in")[0]
        assert question.count("?") == 1
