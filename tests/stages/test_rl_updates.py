"""What the updates of a step are told: log-probs, update numbers, KL, beta; when the reference is renewed; the guard.

Learners that only write down what they are asked: the order of calls is the subject here. What real ones make of it is
in tests/learner and tests/e2e.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from test_rl_kl import REWARDS, groups, stage

from rlstack.config.rl import GuardConfig, RLStage
from rlstack.data.batch import Batch
from rlstack.errors import MismatchError
from rlstack.grpo.kl import adapted_beta
from rlstack.learner.learner import UpdateResult
from rlstack.learner.objective import PolicyObjective
from rlstack.stages.rl_batch import batch_of
from rlstack.stages.rl_update import Learned, learn
from rlstack.types import Group

SAMPLES = 6  # of `groups()`
OFF = 0.25  # nats between the engine's log-probs and the reference's


@dataclass
class Recorder:
    """Learners whose n-th update has log-probs 0.01 n above the engine's and a KL of 6 n."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    off: float = 0.0  # nats between engine and learner

    def update(
        self, batch: Batch, plan: Any, objective: PolicyObjective, *, step: int,
        old_logprobs_N: NDArray[np.float32] | None = None,
    ) -> UpdateResult:  # fmt: skip
        n = sum(name == "update" for name, _ in self.calls)
        told = {"batch": batch, "objective": objective, "step": step, "old": old_logprobs_N}
        self.calls.append(("update", told))
        names = ("policy_loss", "clipped_low", "clipped_high", "ratio", "kl_old", "kl_k3")
        sums = {**dict.fromkeys(names, 0.0), "kl_k1": 6.0 * (n + 1)}
        logprobs_N = np.where(batch.trained_N, batch.engine_logprobs_N + 0.01 * n + self.off, np.nan)
        return UpdateResult(sums, logprobs_N.astype(np.float32), 1.0, 0.0, 0, 0.0)

    def logprobs(self, batch: Batch, plan: Any, temperature: float, *, of_reference: bool) -> NDArray[np.float32]:
        self.calls.append(("reference" if of_reference else "policy", {}))
        return np.where(batch.trained_N, batch.engine_logprobs_N - OFF, np.nan).astype(np.float32)

    def refresh_reference(self) -> None:
        self.calls.append(("renew", {}))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [told for name, told in self.calls if name == "update"]


def one_step(
    cfg: RLStage, recorder: Recorder, step: int = 0, made: list[Group] | None = None, said: list[str] | None = None
) -> Learned:
    display = SimpleNamespace(say=[].append if said is None else said.append, phase=lambda _: None)
    parts: Any = SimpleNamespace(
        pair_cost=0.0,
        ctx=SimpleNamespace(display=display), stage=cfg, rewards=REWARDS, learners=recorder,
        cluster=SimpleNamespace(learners=1, micro_tokens=64, dtype="float32"), engines_asleep=contextlib.nullcontext,
    )  # fmt: skip
    return learn(parts, cfg, groups() if made is None else made, step, 0)


def with_changes(place: str = "loss", kl: dict[str, Any] | None = None, **changes: Any) -> RLStage:
    return stage(place, **(kl or {})).model_copy(update=changes)


def test_later_updates_are_compared_with_the_first_forward_pass_and_count_on():
    recorder = Recorder()
    one_step(with_changes(updates_per_step=3), recorder, step=0)
    first, second, third = recorder.updates
    assert first["old"] is None  # its own: the ratio is exactly 1
    engine_N = first["batch"].engine_logprobs_N
    trained_N = first["batch"].trained_N
    for later in (second, third):
        np.testing.assert_array_equal(later["old"][trained_N], engine_N[trained_N])  # of update 0, not of the last
        assert later["batch"] is first["batch"]
        assert later["objective"] == first["objective"]
    assert [told["step"] for told in recorder.updates] == [0, 1, 2]
    one_step(with_changes(updates_per_step=3), again := Recorder(), step=5)
    assert [told["step"] for told in again.updates] == [15, 16, 17]  # the schedule counts updates, skipped ones too


@pytest.mark.parametrize("correction", ["none", "token"])
def test_one_step_ahead_every_update_is_compared_with_what_the_correction_leaves(correction: str):
    cfg = with_changes(updates_per_step=2, ahead=1)
    cfg = cfg.model_copy(update={"loss": cfg.loss.model_copy(update={"correction": correction})})
    recorder = Recorder(off=0.1)
    one_step(cfg, recorder, step=1)  # the samples come from version 0
    first, second = recorder.updates
    engine_N, trained_N = first["batch"].engine_logprobs_N, first["batch"].trained_N
    if correction == "none":
        assert first["old"] is second["old"] is engine_N
    else:
        assert first["old"] is None
        np.testing.assert_allclose(second["old"][trained_N], engine_N[trained_N] + 0.1, rtol=1e-6)


@pytest.mark.parametrize("place", ["reward", "reward_to_go"])
def test_a_kl_in_the_reward_is_measured_once_before_the_first_update(place: str):
    cfg, recorder = with_changes(place, updates_per_step=2), Recorder()
    one_step(cfg, recorder)
    assert recorder.names == ["reference", "update", "update"]
    first, second = (told["batch"] for told in recorder.updates)
    np.testing.assert_array_equal(first.advantages_N, second.advantages_N)
    plain, _ = batch_of(groups(), cfg, REWARDS)
    trained_N = plain.trained_N
    assert not np.allclose(first.advantages_N[trained_N], plain.advantages_N[trained_N])
    assert not any(told["objective"].needs_reference for told in recorder.updates)


@pytest.mark.parametrize("place", ["loss", "reward"])
def test_beta_follows_the_kl_of_the_first_update_that_of_the_policy_which_sampled(place: str):
    cfg, recorder = with_changes(place, {"target": 5.0, "horizon": 10}, updates_per_step=2), Recorder()
    learned = one_step(cfg, recorder)
    batch = recorder.updates[0]["batch"]
    per_sample = 6.0 / SAMPLES if place == "loss" else OFF * batch.n_trained / SAMPLES
    wanted = adapted_beta(0.2, per_sample, target=5.0, horizon=10, samples=SAMPLES)
    assert learned.beta == pytest.approx(wanted, rel=1e-6)
    assert learned.beta != 0.2
    assert {told["objective"].kl.beta for told in recorder.updates} == {0.2}  # this step's until its end
    assert learned.metrics["kl/beta"] == 0.2
    fixed = one_step(with_changes(place, updates_per_step=2), Recorder())
    assert fixed.beta == 0.2


def test_the_reference_is_renewed_after_all_updates_of_every_nth_step():
    cfg = with_changes(kl={"refresh_every": 2}, updates_per_step=2)
    seen = []
    for step in range(5):
        recorder = Recorder()
        made = [replace(g, samples_G=tuple(replace(s, weight_version=step) for s in g.samples_G)) for g in groups()]
        one_step(cfg, recorder, step, made)
        seen.append(recorder.names)
    plain = ["update", "update"]
    assert seen == [plain, [*plain, "renew"], plain, [*plain, "renew"], plain]


def test_a_skipped_step_renews_the_reference_in_its_turn():
    nothing = [
        replace(g, credits_G=tuple(replace(c, trains=False, counts=False) for c in g.credits_G)) for g in groups()
    ]
    for step, wanted in enumerate([[], ["renew"]]):
        recorder = Recorder()
        learned = one_step(with_changes(kl={"refresh_every": 2, "target": 5.0}), recorder, step, nothing)
        assert recorder.names == wanted
        assert learned.beta == 0.2  # nothing was measured


@pytest.mark.parametrize(("off", "fires"), [(0.004, False), (0.006, True), (-0.006, True), (float("nan"), True)])
def test_the_guard_stops_or_warns_above_its_limit(off: float, fires: bool):
    """In float32 it is 1.005: 0.5 % for the probability of a token."""
    said: list[str] = []
    stopping, warning = (with_changes(guard=GuardConfig(on_mismatch=what)) for what in ("stop", "warn"))
    with (
        pytest.raises(MismatchError, match="step 1: engine and learner disagree") if fires else contextlib.nullcontext()
    ):
        one_step(stopping, Recorder(off=off))
    one_step(warning, Recorder(off=off), said=said)
    assert [line.startswith("warning: step 1: engine and learner disagree") for line in said] == [True] * fires


def test_the_guard_reads_the_first_update_whose_weights_are_those_that_sampled():
    learned = one_step(with_changes(updates_per_step=4), Recorder())  # the fourth's log-probs are 3 % off, rightly
    assert learned.metrics["gap/mean_error"] == pytest.approx(1.0, abs=1e-3)
