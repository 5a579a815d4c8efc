"""A step that has nothing to learn from: real learners, one and two gloo ranks, stay where they are and go on."""

from __future__ import annotations

import contextlib
import multiprocessing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from rlstack.cluster.groups import merge
from rlstack.config.optim import OptimConfig
from rlstack.config.rl import EnvShare, KLConfig, RLStage, SamplingConfig
from rlstack.errors import MismatchError, ScoringError
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.model import ModelSpec
from rlstack.scoring.shaping import credited
from rlstack.stages.rl_update import Learned, _guard, learn
from rlstack.types import Group, Prompt, Sample, Score

STAGE = RLStage(
    envs={"math": EnvShare()},
    steps=8,
    prompts_per_step=2,
    sampling=SamplingConfig(max_tokens=6, truncated="mask"),
    kl=KLConfig(beta=0.1),
    optim=OptimConfig(lr=1e-2, weight_decay=0.1),
)
REWARDS = {"math": {"math": 1.0}}


class OneRank:
    """A learner with its share of every plan, as the group of all ranks: each process runs the driver's part too."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.updates = learner, 0

    def update(self, batch: Any, plan: Any, objective: Any, **options: Any) -> Any:
        self.updates += 1
        own = self.learner.update(batch, plan[self.learner.rank.rank], objective, **options)
        results: list[Any] = [None] * self.learner.rank.world
        dist.all_gather_object(results, own)
        return merge(results)


class Run:
    def __init__(self, model: Path, rank: Rank) -> None:
        self.learner = Learner(LearnerSpec(ModelSpec(str(model)), STAGE.optim, STAGE.steps, reference=True), rank)
        self.said: list[str] = []
        self.ranks = OneRank(self.learner)
        self.parts: Any = SimpleNamespace(
            ctx=SimpleNamespace(display=SimpleNamespace(say=self.said.append, phase=lambda _: None)),
            stage=STAGE.model_copy(update={"guard": STAGE.guard.model_copy(update={"on_mismatch": "warn"})}),
            pair_cost=0.01,
            cluster=SimpleNamespace(learners=rank.world, micro_tokens=64, dtype="float32"),
            rewards=REWARDS,
            learners=self.ranks,
            engines_asleep=contextlib.nullcontext,
        )

    def step(self, groups: list[Group], step: int, skipped: int = 0) -> Learned:
        return learn(self.parts, STAGE, groups, step, skipped)

    def state(self) -> dict[str, np.ndarray]:
        """Weights, and the moments and counts of the optimizer."""
        held = {n: p.detach().full_tensor().numpy().copy() for n, p in self.learner.policy.named_parameters()}
        for i, moments in enumerate(self.learner.optimizer.state.values()):
            for name, value in moments.items():
                full = value.full_tensor() if hasattr(value, "full_tensor") else value
                held[f"{i}/{name}"] = full.numpy().copy()
        return held


def group(seed: int, reasons: list[str]) -> Group:
    rng = np.random.default_rng(seed)
    prompt = rng.integers(2, 96, 4).astype(np.int32)
    samples = tuple(
        Sample(f"p{seed}", "math", i, prompt, rng.integers(2, 96, n := int(rng.integers(2, 6))).astype(np.int32),
               np.full(n, -4.5, np.float32), np.ones(n, np.bool_), reason, 0, "")  # type: ignore[arg-type]
        for i, reason in enumerate(reasons)
    )  # fmt: skip
    scores = tuple(Score(float(i % 2), components={"math": float(i % 2)}) for i in range(len(reasons)))
    made = Group(Prompt(f"p{seed}", "math", seed, (), {}), samples, scores)
    return credited(made, STAGE.envs["math"], STAGE.sampling, 1.0)


GOOD = [group(i, ["stop"] * 4) for i in range(3)]
CUT = [group(9, ["length"] * 4), group(8, ["abort"] * 4)]
ALONE = [group(5, ["length", "length", "stop", "length"])]  # one sample to learn from: a second rank has none


@pytest.fixture
def run(small_model, tmp_path):
    made = Run(small_model, Rank(0, 1, str(tmp_path / "store")))
    yield made
    made.learner.close()


@pytest.mark.parametrize("first", [True, False])
def test_a_skipped_step_moves_nothing_and_says_why(run: Run, first: bool):
    if not first:
        run.step(GOOD, 0)
    before, updates = run.state(), run.ranks.updates
    learned = run.step(CUT, 1)
    assert (learned.tokens, dict(learned.metrics), learned.beta) == (0, {"update/skipped": 1.0}, STAGE.kl.beta)
    assert run.ranks.updates == updates
    after = run.state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[n], after[n]) for n in before)
    (said,) = [line for line in run.said if "changes no weights" in line]
    assert "step 2 changes no weights: no sample can be learned from: of 8, 0 could not be judged, 4 were cut" in said
    learned = run.step(GOOD, 2, skipped=1)
    assert learned.metrics["update/skipped"] == 0.0
    assert learned.tokens > 0
    assert any(not np.array_equal(before[n], w) for n, w in run.state().items() if n in before)


def test_the_schedule_counts_steps_not_updates(run: Run):
    run.learner.spec = LearnerSpec(
        run.learner.spec.model,
        OptimConfig(lr=1e-2, schedule={"warmup_steps": 4}),  # type: ignore[arg-type]
        STAGE.steps,
        reference=True,
    )
    first, _, third = (run.step(groups, step).metrics for step, groups in enumerate((GOOD, CUT, GOOD)))
    assert third["optim/lr"] == pytest.approx(3 * first["optim/lr"])


def test_several_in_a_row_end_the_run_with_the_reason(run: Run):
    for skipped in range(STAGE.max_skipped - 1):
        run.step(CUT, skipped, skipped)
    with pytest.raises(ScoringError, match=r"3 steps in a row .*max_skipped=3.*4 were cut off .*see the step's roll"):
        run.step(CUT, 5, STAGE.max_skipped - 1)


@pytest.mark.parametrize("section", ["gap", "stale"])
def test_the_guard_holds_for_samples_of_older_weights_too(section: str):
    said: list[str] = []

    def guarded(error: float, **guard: Any) -> None:
        stage = STAGE.model_copy(update={"guard": STAGE.guard.model_copy(update=guard)})
        parts: Any = SimpleNamespace(
            stage=stage,
            cluster=SimpleNamespace(dtype="float32"),
            ctx=SimpleNamespace(display=SimpleNamespace(say=said.append)),
        )
        _guard(parts, {f"{section}/mean_error": error, f"{section}/max": 3.0}, 7)

    limit, option = {"gap": (1.005, "max_mismatch"), "stale": (1.2, "max_stale_mismatch")}[section]
    guarded(limit)
    for error in (limit + 0.001, float("nan"), float("inf")):
        with pytest.raises(MismatchError, match=rf"step 7: .*allowed {limit} \(guard\.{option}\)"):
            guarded(error)
    guarded(limit + 0.5, **{option: limit + 0.6})
    assert not said
    guarded(limit + 0.5, on_mismatch="warn")
    assert "warning: step 7" in said[0]


def _course(run: Run) -> tuple[dict[str, np.ndarray], list[float]]:
    norms = [
        run.step(groups, step).metrics.get("optim/grad_norm", -1.0)
        for step, groups in enumerate([CUT, GOOD, CUT, ALONE, GOOD])
    ]
    return run.state(), norms


def _rank(rank: int, model: Path, folder: Path, results: Any) -> None:
    torch.set_num_threads(1)
    run = Run(model, Rank(rank, 2, str(folder / "ranks")))
    state, norms = _course(run)
    if rank == 0:
        results.put((state, norms))
    run.learner.close()


@pytest.mark.slow
def test_two_ranks_skip_together_and_one_may_have_nothing_where_the_other_has(run: Run, small_model, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    ranks = [context.Process(target=_rank, args=(r, small_model, tmp_path, results), daemon=True) for r in range(2)]
    for process in ranks:
        process.start()
    two, two_norms = results.get(timeout=120)
    for process in ranks:
        process.join(60)
        assert process.exitcode == 0
    one, one_norms = _course(run)
    assert one_norms[0] == one_norms[2] == -1.0
    assert min(one_norms[1], one_norms[3], one_norms[4]) > 0
    assert two_norms == pytest.approx(one_norms, rel=1e-4)
    for name, weight in one.items():
        if "/" not in name:  # AdamW blows up rounding where a gradient is nearly 0
            np.testing.assert_allclose(two[name], weight, atol=1e-4, err_msg=name)
