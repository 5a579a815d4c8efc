"""The supervised stage: packing and dealing of a step, and the recorded loss curve of recipe=tiny_base.

After a deliberate change of the recipe's data or model, record the curve anew:

    python tests/stages/test_train.py
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from rlstack.config.compose import compose
from rlstack.config.run import RunConfig
from rlstack.config.train import TrainStage
from rlstack.data.batch import Batch
from rlstack.data.documents import Draw, Encoder, open_sources, stage_seed
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.microbatch import micro_batch
from rlstack.learner.model import ModelSpec
from rlstack.learner.objective import SupervisedObjective
from rlstack.models.chat import load_tokenizer
from rlstack.models.source import resolve
from rlstack.stages.train import PackedStep, encoder_of, packed_step

GOLDEN = Path(__file__).parent / "tiny_base_curve.json"
SMALL = [
    "recipe=tiny_base",
    *(f"stages.{s}.{k}" for s in ("pretrain", "sft") for k in ("steps=10", "rows_per_step=4", "row_tokens=256")),
    "stages.pretrain.optim.schedule.warmup_steps=2",
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def small_config() -> RunConfig:
    return compose(SMALL)


def parts_of(config: RunConfig, name: str) -> tuple[TrainStage, dict[str, Draw], Encoder]:
    stage = config.stages[name]
    assert isinstance(stage, TrainStage)
    tokenizer = load_tokenizer(config.model, resolve(config.model))
    return stage, open_sources(list(stage.data), stage.kind), encoder_of(tokenizer)


def step_of(config: RunConfig, name: str, step: int, *, ranks: int = 1, micro_tokens: int = 512) -> PackedStep:
    return packed_step(*parts_of(config, name), stage_seed(0, name), ranks, micro_tokens, step)


def loss_curves(config: RunConfig, work: Path) -> dict[str, list[float]]:
    """Stage → token-normalised loss of each step, one rank in this process, each stage from the one before."""
    folder, curves = resolve(config.model), {}
    for name in config.stages:
        stage, sources, encoder = parts_of(config, name)
        spec = LearnerSpec(ModelSpec(str(folder)), stage.optim, stage.steps, reference=False)
        learner = Learner(spec, Rank(0, 1, str(work / f"{name}.store")))
        curve = []
        for step in range(stage.steps):
            packed = packed_step(stage, sources, encoder, stage_seed(config.seed, name), 1, 4096, step)
            result = learner.update(packed.batch, packed.plan[0], SupervisedObjective(), step=step)
            curve.append(result.sums["nll"] / packed.batch.n_trained)
        folder = work / name
        learner.export(folder)
        learner.close()
        curves[name] = curve
    return curves


@pytest.mark.slow
def test_the_recipe_reproduces_its_recorded_loss_curve(tmp_path: Path) -> None:
    recorded, curves = json.loads(GOLDEN.read_text()), loss_curves(small_config(), tmp_path)
    assert curves.keys() == recorded.keys()
    for name, curve in curves.items():
        np.testing.assert_allclose(curve, recorded[name], rtol=1e-3, err_msg=name)
    assert curves["pretrain"][-1] < 0.9 * curves["pretrain"][0]


def test_rows_keep_their_length_and_every_sequence_is_dealt_once() -> None:
    for name in ("pretrain", "sft"):
        packed = step_of(small_config(), name, 3, ranks=2)
        dealt = [item for share in packed.plan for micro in share for item in micro]
        assert sorted(dealt) == [(i,) for i in range(len(packed.batch.lengths_B))]
        for share in packed.plan:
            for micro in share:
                assert sum(packed.batch.lengths_B[i] for (i,) in micro) <= 512
        assert 0.9 < packed.fill <= 1.0
        assert packed.batch.lengths_B.sum() == pytest.approx(packed.fill * 4 * 256)


def test_a_step_is_the_same_for_any_number_of_ranks() -> None:
    one, two = (step_of(small_config(), "sft", 5, ranks=ranks) for ranks in (1, 2))
    assert np.array_equal(one.batch.tokens_N, two.batch.tokens_N)
    assert np.array_equal(one.batch.trained_N, two.batch.trained_N)


def test_sft_trains_on_answers_only() -> None:
    config = small_config()
    tokenizer = load_tokenizer(config.model, resolve(config.model))
    batch = step_of(config, "sft", 0).batch
    for start, length in zip(batch.offsets_B, batch.lengths_B, strict=True):
        ids, trained = (values[start : start + length] for values in (batch.tokens_N, batch.trained_N))
        assert tokenizer.decode(ids[: int(trained.argmax())]).endswith("assistant<|end_of_role|>")
        assert ids[trained][-1] == tokenizer.eos_token_id


def test_documents_of_a_row_do_not_see_each_other(tmp_path: Path) -> None:
    """d loss(second document) / d embedding(first document) = 0, with the model and packing that train."""
    import torch

    config = small_config()
    learner = Learner(
        LearnerSpec(ModelSpec(str(resolve(config.model))), config.stages["sft"].optim, 1, reference=False),
        Rank(0, 1, str(tmp_path / "store")),
    )
    rng = np.random.default_rng(0)
    documents = [(rng.integers(0, 1000, n).astype(np.int32), np.ones(n, np.bool_)) for n in (9, 7)]
    micro = micro_batch(Batch.supervised(documents), [(0,), (1,)], torch.device("cpu"))
    model, seen = learner.policy, []
    handle = model.get_input_embeddings().register_forward_hook(  # pyright: ignore[reportCallIssue]
        lambda module, inputs, output: seen.append(output) or output.retain_grad()
    )
    logits = model(
        input_ids=micro.tokens_1N, position_ids=micro.positions_1N, packing=micro.packing, use_cache=False
    ).logits[0]
    torch.nn.functional.cross_entropy(logits[9:15], micro.tokens_1N[0, 10:16]).backward()
    handle.remove()
    gradient = seen[0].grad[0].abs().sum(dim=1)
    assert torch.equal(gradient[:9], torch.zeros(9))
    assert bool((gradient[9:15] > 0).all())
    assert micro.positions_1N.tolist() == [[*range(9), *range(7)]]
    learner.close()


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        GOLDEN.write_text(json.dumps(loss_curves(small_config(), Path(scratch)), indent=1) + "\n")
    sys.exit(0)
