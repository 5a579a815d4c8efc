"""Several turns, token in, token out: ids, masks and log-probs of every turn, limits, faults, streaming.

The engine is a script that says fixed token ids; env, replies, template and tokenizer are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlstack.config.model import ModelConfig
from rlstack.config.rl import ScoringConfig
from rlstack.errors import DeadlineError
from rlstack.models import chat
from rlstack.models.chat import encode_training, load_tokenizer, render, render_reply
from rlstack.rollout.conversation import Rollout, Rules, converse
from rlstack.rollout.engine import Ask
from rlstack.scoring import ScoringPool
from rlstack.scoring.pool import response_of
from rlstack.types import Message, Prompt, Sample

TINY = Path(chat.__file__).parent / "tiny" / "tokenizer"
END = "<|end_of_text|>"
CALL = '<tool_call>{"name":"calc","arguments":{"x":"6*7"}}</tool_call>'
LOOK = '<tool_call>{"name":"look","arguments":{"x":"lamp"}}</tool_call>'
ANSWER = r"\boxed{42}"


@pytest.fixture(scope="module")
def tok() -> Any:
    return load_tokenizer(ModelConfig(name="tiny"), TINY)


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    rewards = {"calculator": {"math": 1.0}, "math": {"math": 1.0}}
    with ScoringPool(rewards, ScoringConfig(), replies=["calculator"]) as pool:
        yield pool


def prompt_of(env: str = "calculator", name: str = "p") -> Prompt:
    messages: tuple[Message, ...] = (
        {"role": "system", "content": "Use calc."},
        {"role": "user", "content": f"What is 6*7, {name}?"},
    )
    return Prompt(f"{env}-{name}", env, 0, messages, {"answer": "42", "table": {"lamp": {"price": 3}}})


def ids_of(tok: Any, text: str, stop: bool = True) -> tuple[int, ...]:
    return tuple(tok.encode(text + (END if stop else ""), add_special_tokens=False))


Said = Callable[[Ask, int], Sequence[int]]
"""What the scripted policy says to an ask, as sample `i` of it."""


class Script:
    """Engines that say what a function tells; remembers what it was asked, round by round."""

    def __init__(self, tok: Any, said: Said) -> None:
        self.tok, self.said = tok, said
        self.rounds: list[list[Ask]] = []

    def generate(self, asks: Sequence[Ask]) -> Iterator[tuple[Sample, ...]]:
        self.rounds.append(list(asks))
        for ask in asks:
            yield tuple(self.sample(ask, i) for i in range(ask.samples))

    def sample(self, ask: Ask, index: int) -> Sample:
        said = list(self.said(ask, index))
        ids = np.asarray(said[: ask.max_tokens], np.int32)
        stopped = len(said) <= ask.max_tokens and said[-1] == self.tok.eos_token_id
        return Sample(
            ask.prompt_id, ask.env, index, np.asarray(ask.prompt_ids, np.int32), ids,
            -0.5 - np.arange(len(ids), dtype=np.float32), np.ones(len(ids), np.bool_),
            "stop" if stopped else "length", len(self.rounds), self.tok.decode(ids, skip_special_tokens=True),
        )  # fmt: skip


def ask_of(tok: Any, prompt: Prompt, samples: int = 1, max_tokens: int = 400) -> Ask:
    return Ask(prompt.id, prompt.env, render(tok, prompt.messages), samples, 5, max_tokens, 1.0)


def rules_of(tok: Any, pool: ScoringPool, **changed: Any) -> Rules:
    fields = {"max_turns": {"calculator": 4}, "context": 2048, "seconds": 30.0, "reply": pool.reply} | changed
    return Rules(render=partial(render_reply, tok), stop_ids=frozenset({tok.eos_token_id}), **fields)


def by_turn(tok: Any, *turns: str) -> Said:
    """Says `turns` one after another, the last ever again."""

    def said(ask: Ask, index: int) -> Sequence[int]:
        done = ask.prompt_id.count("/") and int(ask.prompt_id.rsplit("/", 1)[1])
        return ids_of(tok, turns[min(done, len(turns) - 1)])

    return said


def run(script: Script, prompts: Sequence[Prompt], rules: Rules, **ask: Any) -> list[Rollout]:
    return list(converse(script.generate, prompts, [ask_of(script.tok, p, **ask) for p in prompts], rules))


def test_turn_by_turn_ids_equal_rendering_the_whole(tok: Any, pool: ScoringPool) -> None:
    prompt = prompt_of()
    script = Script(tok, by_turn(tok, f"Let me see. {CALL}", f"{CALL} {LOOK}", ANSWER))
    (rollout,) = run(script, [prompt], rules_of(tok, pool))
    (sample,) = rollout.samples_G
    assert [turn["role"] for turn in sample.turns] == ["assistant", "tool", "assistant", "tool", "tool", "assistant"]
    assert [turn["content"] for turn in sample.turns if turn["role"] == "tool"] == ["42", "42", '{"price": 3}']
    whole, written = encode_training(tok, [*prompt.messages, *sample.turns])
    ids = np.concatenate([sample.prompt_ids, sample.completion_ids])
    assert tok.decode(whole).rstrip("\n") == tok.decode(ids)
    assert whole[: len(ids)].tolist() == ids.tolist()
    assert written[len(sample.prompt_ids) : len(ids)].tolist() == sample.loss_mask.tolist()
    assert (sample.logprobs[~sample.loss_mask] == 0).all()
    assert (sample.logprobs[sample.loss_mask] < 0).all()
    assert (sample.finish_reason, sample.text, sample.weight_version) == ("stop", ANSWER, 1)


def test_the_next_prompt_begins_with_all_ids_so_far(tok: Any, pool: ScoringPool) -> None:
    script = Script(tok, by_turn(tok, CALL, ANSWER))
    run(script, [prompt_of()], rules_of(tok, pool))
    (first,), (second,) = script.rounds
    said = (*first.prompt_ids, *ids_of(tok, CALL))
    assert second.prompt_ids[: len(said)] == said
    assert tok.decode(second.prompt_ids[len(said) :]) == (
        "\n<|start_of_role|>user<|end_of_role|><tool_response>\n42\n</tool_response><|end_of_text|>\n"
        "<|start_of_role|>assistant<|end_of_role|>"
    )


def test_sampled_ids_are_kept_where_encoding_would_differ(tok: Any, pool: ScoringPool) -> None:
    odd = tuple(i for char in CALL for i in tok.encode(char, add_special_tokens=False))
    assert odd != ids_of(tok, CALL, stop=False)
    assert tok.decode(odd) == CALL
    script = Script(tok, lambda ask, i: ids_of(tok, ANSWER) if "/" in ask.prompt_id else (*odd, tok.eos_token_id))
    (rollout,) = run(script, [prompt_of()], rules_of(tok, pool))
    (sample,) = rollout.samples_G
    assert tuple(sample.completion_ids[: len(odd)]) == odd
    assert sample.turns[1]["content"] == "42"


def test_samples_of_a_group_go_their_own_ways(tok: Any, pool: ScoringPool) -> None:
    def said(ask: Ask, index: int) -> Sequence[int]:
        if "/" not in ask.prompt_id:
            return ids_of(tok, ANSWER if index % 2 else CALL)
        return ids_of(tok, f"{ANSWER} {ask.prompt_id}")

    script = Script(tok, said)
    (rollout,) = run(script, [prompt_of()], rules_of(tok, pool), samples=4)
    assert [s.index for s in rollout.samples_G] == [0, 1, 2, 3]
    assert [len(s.turns) for s in rollout.samples_G] == [3, 1, 3, 1]
    assert all(s.prompt_id == "calculator-p" for s in rollout.samples_G)
    assert [ask.prompt_id for ask in script.rounds[1]] == ["calculator-p/0/1", "calculator-p/2/1"]
    assert len({ask.seed for asks in script.rounds for ask in asks}) == 3
    assert [s.text for s in rollout.samples_G][2] == f"{ANSWER} calculator-p/2/1"


def test_single_turn_groups_pass_through_at_once(tok: Any, pool: ScoringPool) -> None:
    prompts = [prompt_of("math", "a"), prompt_of("calculator", "b"), prompt_of("math", "c")]
    script = Script(tok, by_turn(tok, CALL, ANSWER))
    seen = []
    for rollout in converse(script.generate, prompts, [ask_of(tok, p) for p in prompts], rules_of(tok, pool)):
        seen.append((rollout.samples_G[0].prompt_id, len(script.rounds), len(rollout.samples_G[0].turns)))
    assert seen == [("math-a", 1, 0), ("math-c", 1, 0), ("calculator-b", 2, 3)]


def test_the_last_turn_is_not_replied_to(tok: Any, pool: ScoringPool) -> None:
    script = Script(tok, by_turn(tok, CALL))
    (rollout,) = run(script, [prompt_of()], rules_of(tok, pool, max_turns={"calculator": 3}))
    (sample,) = rollout.samples_G
    assert len(script.rounds) == 3
    assert [turn["role"] for turn in sample.turns] == ["assistant", "tool"] * 2 + ["assistant"]
    assert sample.text == CALL


@pytest.mark.parametrize("limit", ["max_tokens", "context"])
def test_tokens_run_out_between_turns(tok: Any, pool: ScoringPool, limit: str) -> None:
    said = len(ids_of(tok, CALL))
    prompt = prompt_of()
    tight = said + 10  # the reply does not fit any more
    script = Script(tok, by_turn(tok, CALL, ANSWER))
    if limit == "max_tokens":
        (rollout,) = run(script, [prompt], rules_of(tok, pool), max_tokens=tight)
    else:
        (rollout,) = run(script, [prompt], rules_of(tok, pool, context=len(render(tok, prompt.messages)) + tight))
    (sample,) = rollout.samples_G
    assert (sample.finish_reason, sample.n_tokens, len(sample.turns)) == ("length", said, 1)
    assert sample.loss_mask.all()


def test_all_turns_together_are_no_longer_than_allowed(tok: Any, pool: ScoringPool) -> None:
    script = Script(tok, by_turn(tok, CALL, "so " * 500))
    (rollout,) = run(script, [prompt_of()], rules_of(tok, pool), max_tokens=150)
    (sample,) = rollout.samples_G
    assert (sample.n_tokens, sample.finish_reason, len(sample.turns)) == (150, "length", 3)


def test_a_turn_that_was_cut_off_is_not_replied_to(tok: Any, pool: ScoringPool) -> None:
    script = Script(tok, lambda ask, i: ids_of(tok, CALL, stop=False))
    (rollout,) = run(script, [prompt_of()], rules_of(tok, pool))
    assert len(script.rounds) == 1
    assert rollout.samples_G[0].finish_reason == "length"


def test_rewards_see_the_whole_conversation(tok: Any, pool: ScoringPool) -> None:
    prompt = prompt_of()
    (rollout,) = run(Script(tok, by_turn(tok, CALL, ANSWER)), [prompt], rules_of(tok, pool))
    (sample,) = rollout.samples_G
    response = response_of(prompt, sample)
    assert response.messages == (*prompt.messages, *sample.turns[:2])
    assert response.text == ANSWER
    assert response.n_tokens == len(ids_of(tok, CALL)) + len(ids_of(tok, ANSWER))
    assert pool.judge("calculator", [response], prompt.data)[0].value == 1.0
    again = Sample.from_json(sample.to_json())
    assert again.turns == sample.turns
    assert response_of(prompt, again) == response


def test_a_sample_without_turns_is_written_as_before(tok: Any) -> None:
    sample = Script(tok, lambda ask, i: ids_of(tok, ANSWER)).sample(ask_of(tok, prompt_of("math")), 0)
    assert "turns" not in sample.to_json()
    assert Sample.from_json(sample.to_json()).turns == ()


BROKEN = """
import time
from rlstack.api import Env, Row
def reply(conversation, data):
    word = conversation[-1]["content"]
    if word == "hang":
        time.sleep(60)
    if word == "raise":
        raise RuntimeError("the env is broken")
    if word == "shout":
        return [{"role": "assistant", "content": "no"}]
    if word == "much":
        return [{"role": "tool", "content": "x" * 100_000}]
    return [{"role": "tool", "content": "go on \\x7f\\n\\u00e9"}] if word == "go" else None
ENV = Env(name="broken", rewards={"exact": 1.0}, rows=lambda split: [Row.ask("?", {"answer": "x"}, "x")], reply=reply)
"""


def test_an_env_that_fails_costs_only_that_sample(tok: Any, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "env.py").write_text(BROKEN)
    words = ["hang", "raise", "shout", "much", "go", "fine"]

    def said(ask: Ask, index: int) -> Sequence[int]:
        return ids_of(tok, "done" if "/" in ask.prompt_id else words[index])

    limits = ScoringConfig(deadline=0.5)
    with ScoringPool({"broken": {"exact": 1.0}}, limits, paths={"broken": str(folder)}, replies=["broken"]) as pool:
        rules = rules_of(tok, pool, max_turns={"broken": 3})
        (rollout,) = run(Script(tok, said), [prompt_of("broken")], rules, samples=len(words))
    faults = [fault.status if fault else None for fault in rollout.faults_G]
    assert faults == ["timeout", "error", "error", "error", None, None]
    details = [fault.detail if fault else "" for fault in rollout.faults_G]
    assert "the env is broken" in details[1]
    assert "role tool or user" in details[2]
    assert "allowed: 32000" in details[3]
    assert rollout.samples_G[4].turns[1]["content"] == "go on \x7f\né"
    assert [s.text for s in rollout.samples_G] == [*words[:4], "done", "fine"]


def test_replies_that_never_come_end_with_a_deadline(tok: Any, pool: ScoringPool) -> None:
    rules = rules_of(tok, pool, reply=lambda env, said, data: Future(), seconds=0.2)
    with pytest.raises(DeadlineError, match=r"replies of env 'calculator'.*cluster.deadlines.rollout"):
        run(Script(tok, by_turn(tok, CALL)), [prompt_of()], rules)
