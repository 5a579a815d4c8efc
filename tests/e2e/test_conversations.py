"""One run with an env that replies and a scalar reward model: real engines, learners, workers and processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command import START_S, Run, metrics

from rlstack.models import chat
from rlstack.models.tokenizer import open_tokenizer
from rlstack.stages.records import read_groups

pytestmark = pytest.mark.e2e

CHATTY = """
import random
from rlstack.api import Env, Row
def generate(rng, level):
    n = rng.randint(1000, 9999)
    return Row.ask(f"Say {n}.", {"answer": str(n)}, str(n))
def reply(conversation, data):
    return [{"role": "tool", "content": f"{len(conversation[-1]['content'])} characters"}]
ENV = Env(name="chatty", rewards={"exact": 1.0}, generate=generate, reply=reply, max_turns=3)
"""


@pytest.fixture(scope="module")
def scalar_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import GraniteConfig

    from rlstack.models.reward_head import granite_class

    folder = tmp_path_factory.mktemp("scalar")
    tok = open_tokenizer(Path(chat.__file__).parent / "tiny" / "tokenizer")
    fields: dict[str, Any] = {"num_labels": 1, "pad_token_id": tok.pad_token_id, "num_key_value_heads": 1}
    config = GraniteConfig(
        vocab_size=len(tok), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, **fields
    )
    granite_class()(config).save_pretrained(str(folder))
    tok.save_pretrained(str(folder))
    return folder


def test_turns_and_scalars_reach_the_learner(tmp_path: Path, scalar_model: Path) -> None:
    (tmp_path / "chatty").mkdir()
    (tmp_path / "chatty" / "env.py").write_text(CHATTY)
    stage = {
        "envs.chatty.rewards": "{exact: 1.0, reward_model: 0.5}", "scoring.reward_model": scalar_model, "steps": 2,
        "prompts_per_step": 6, "sampling.samples_per_prompt": 8, "sampling.max_tokens": 240,
        "eval.prompts_per_env": 4,
    }  # fmt: skip
    overrides = [f"stages.single.{key}={value}" for key, value in stage.items()]
    words = [
        "recipe=single",
        "env=./chatty",
        "model=tiny-random",
        "cluster.engines=1",
        "cluster.learners=1",
        *overrides,
    ]
    run = Run(tmp_path / "run", *words, cwd=tmp_path, small=False)
    assert run.wait(2 * START_S) == 0, run.output
    assert run.leftovers(60) == []
    groups = [g for step in (1, 2) for g in read_groups(run.run_dir / f"single/rollouts/step-{step:06d}.jsonl")]
    samples = [s for g in groups for s in g.samples_G]
    scores = [s for g in groups for s in g.scores_G]
    assert len(samples) == 96
    assert {s.status for s in scores} == {"ok"}
    assert all(s.value == pytest.approx(0.5 * s.components["reward_model"] + s.components["exact"]) for s in scores)
    talks = [s for s in samples if len(s.turns) > 1]
    assert talks, "no sample ever stopped, so no env ever replied"
    for sample in talks:
        assert [turn["role"] for turn in sample.turns[:3]] == ["assistant", "tool", "assistant"]
        assert 0 < sample.loss_mask.sum() < sample.n_tokens
        assert (sample.logprobs[~sample.loss_mask] == 0).all()
    summary = json.loads((run.run_dir / "summary.json").read_text())["stages"]["single"]
    assert 0 < summary["max_abs_logprob_gap"] < 1e-3  # over the policy's tokens of every turn
    assert all(row["optim/grad_norm"] > 0 for row in metrics(run.run_dir))
