"""A stage of on-policy reinforcement learning: the loop, one step on one screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rlstack.config.rl import RLStage
from rlstack.data.prompts import eval_prompts
from rlstack.data.stream import Position
from rlstack.errors import MismatchError
from rlstack.grpo.mismatch import alarm
from rlstack.learner.objective import PolicyObjective
from rlstack.scoring.budget import check_budget
from rlstack.stages import evaluate, rl_kl, rl_metrics
from rlstack.stages.collect import Collected, asks, collect
from rlstack.stages.context import StageContext, StageSummary
from rlstack.stages.evaluate import PassRate
from rlstack.stages.gather import gather
from rlstack.stages.records import group_row, read_groups, rollout_file
from rlstack.stages.rl_batch import batch_of, plan_of
from rlstack.stages.rl_parts import Parts, open_parts
from rlstack.types import Prompt, StepReport


def run(stage: RLStage, ctx: StageContext) -> StageSummary:
    """Evaluates, takes the steps that are not committed yet, evaluates again, exports.

    Everything random is a function of (seed, stage, step, prompt, index), so a run that was killed goes on
    from its last committed step as if nothing had happened.
    """
    started = time.monotonic()
    with open_parts(stage, ctx) as parts:
        parts.probe(0)
        first, carried = _resume(parts)
        before = _evaluation(parts, "before") if first == 0 else _recorded(parts, "before")
        ctx.display.stage(ctx.name, done=first, steps=stage.steps)
        facts = _Facts(launched=ctx.launched)
        for step in range(first, stage.steps):
            if stage.scoring.probe_every and step and step % stage.scoring.probe_every == 0:
                parts.probe(step)
            report, carried = _step(parts, step, carried)
            facts.add(report)
            ctx.display.step(report.step, report.metrics)
            ctx.trackers.log(report)
            if stage.eval.every and report.step % stage.eval.every == 0 and report.step < stage.steps:
                _evaluation(parts, f"step-{report.step:06d}")
        after = _evaluation(parts, "after")
        export = ctx.folder / "export"
        ctx.display.phase("exporting")
        parts.learners.export(export)
    ctx.display.say(evaluate.table(f"{ctx.name}: greedy pass rate on held-out prompts", before, after))
    return StageSummary(facts.summary(parts, before, after, export, time.monotonic() - started), export)


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a step hands to the next one, and a checkpoint keeps, beside weights and optimizer."""

    position: Position
    beta: float  # of the KL

    def to_json(self) -> dict[str, Any]:
        return {"position": self.position.to_json(), "kl_beta": self.beta}


def _step(parts: Parts, step: int, carried: _Carried) -> tuple[StepReport, _Carried]:
    """One transaction: rollouts are sealed first; then weights, optimizer and position are committed as one."""
    ctx, started = parts.ctx, time.monotonic()
    stage = parts.stage.model_copy(update={"kl": parts.stage.kl.at(carried.beta)})
    seed = f"{ctx.config.seed}/{ctx.name}/{step}"
    gathered = gather(lambda prompts: _collect(parts, prompts, seed), parts.gathering, carried.position)
    check_budget([s for g in gathered.made_P for s in g.scores_G], stage.scoring.max_error_share)
    ctx.run_dir.seal_rows(rollout_file(ctx.name, step + 1), (group_row(g, step + 1) for g in gathered.made_P))

    batch, samples_B = batch_of(gathered.groups_P, stage, parts.rewards)
    plan = plan_of(batch, samples_B, parts.cluster.learners, parts.cluster.micro_tokens)
    objective = PolicyObjective(stage.loss, stage.kl, stage.sampling.temperature)
    ctx.display.phase("learning")
    learning = time.monotonic()
    with parts.engines_asleep():
        batch, kl_sums = rl_kl.pulled(parts, stage, batch, plan, gathered.groups_P)
        result = first = parts.learners.update(batch, plan, objective, step=step * stage.updates_per_step)
        for extra in range(1, stage.updates_per_step):  # off-policy now: ratios against the first forward pass
            result = parts.learners.update(
                batch, plan, objective, step=step * stage.updates_per_step + extra, old_logprobs_N=first.logprobs_N
            )
        if stage.kl.refresh_every and (step + 1) % stage.kl.refresh_every == 0:
            parts.learners.refresh_reference()
    result = replace(result, sums={**result.sums, **kl_sums})
    carried = _Carried(gathered.position, rl_kl.next_beta(stage.kl, {**first.sums, **kl_sums}, len(samples_B)))
    learned = time.monotonic()
    gap = rl_metrics.of_gap(batch, samples_B, first.logprobs_N)
    _guard(parts, gap, step + 1)

    ctx.display.phase("syncing weights")
    parts.learners.sync(step + 1, verify=parts.verifies(step + 1))
    synced = time.monotonic()
    if (step + 1) % stage.checkpoint.every == 0 or step + 1 == stage.steps:
        ctx.display.phase("committing")
        ctx.run_dir.commit(ctx.name, step + 1, carried.to_json(), parts.learners.save, keep=stage.checkpoint.keep)
    ended = time.monotonic()
    metrics = {
        **rl_metrics.of_groups(gathered),
        **rl_metrics.of_update(result, batch.n_trained),
        **rl_metrics.of_kl(stage.kl, result, len(samples_B)),
        **gap,
        "seconds/rollout": gathered.rollout_s,
        "seconds/judging": gathered.judging_s,
        "seconds/learn": learned - learning,
        "seconds/sync": synced - learned,
        "seconds/commit": ended - synced,
        "seconds/step": ended - started,
        "speed/tokens_per_s": batch.n_trained / (ended - started),
        "speed/tokens": batch.n_trained,
    }
    ctx.run_dir.append_metrics({"stage": ctx.name, "step": step + 1, **{k: float(v) for k, v in metrics.items()}})
    return StepReport(ctx.name, step + 1, metrics), carried


def _collect(parts: Parts, prompts: Sequence[Prompt], seed: str, *, greedy: bool = False) -> Collected:
    sampling = parts.stage.sampling
    requests = asks(
        prompts,
        parts.encode,
        sampling,
        samples=1 if greedy else sampling.samples_per_prompt,
        temperature=0.0 if greedy else sampling.temperature,
        seed=seed,
    )
    verb = "evaluating" if greedy else "rollouts"
    return collect(
        parts.engines,
        parts.judges,
        prompts,
        requests,
        rules=parts.rules,
        deadline=parts.cluster.deadlines.rollout,
        on_group=lambda n: parts.ctx.display.phase(f"{verb} {n}/{len(prompts)}"),
    )


def _guard(parts: Parts, gap: dict[str, float], step: int) -> None:
    """Stops, or warns, when engine and learner disagree: the policy would learn from someone else's samples."""
    limit = parts.stage.guard.limit(parts.cluster.dtype)
    if not alarm(gap["gap/mean_error"], limit):
        return
    message = (
        f"step {step}: engine and learner disagree: the mean of exp|log-prob difference| is "
        f"{gap['gap/mean_error']:.4f}, allowed {limit} (guard.max_mismatch); the largest difference is "
        f"{gap['gap/max']:.3g} nats. Stale weights, another dtype, or a sampling setting of one side only."
    )
    if parts.stage.guard.on_mismatch == "stop":
        raise MismatchError(message)
    parts.ctx.display.say(f"warning: {message}")


def _evaluation(parts: Parts, label: str) -> dict[str, PassRate]:
    stage, ctx = parts.stage, parts.ctx
    prompts = [
        prompt
        for source in parts.sources
        for prompt in eval_prompts(source.env, stage.eval.prompts_per_env, source.level)
    ]
    collected = _collect(parts, prompts, "eval", greedy=True)
    ctx.run_dir.seal_rows(Path(ctx.name) / "eval" / f"{label}.jsonl", (group_row(g, 0) for g in collected.groups_P))
    rates = evaluate.pass_rates(collected.groups_P, parts.full_score)
    if label != "after":
        ctx.display.say(evaluate.table(f"{ctx.name}: greedy pass rate, {label}", rates))
    return rates


def _recorded(parts: Parts, label: str) -> dict[str, PassRate]:
    """An evaluation that an earlier, interrupted process made."""
    file = parts.ctx.folder / "eval" / f"{label}.jsonl"
    return evaluate.pass_rates(read_groups(file), parts.full_score)


def _resume(parts: Parts) -> tuple[int, _Carried]:
    """Brings learners and engines to the last committed step; returns how many steps are done, and what they left."""
    ctx = parts.ctx
    committed = ctx.run_dir.latest(ctx.name)
    step = committed.step if committed else 0
    if committed:
        ctx.display.say(f"{ctx.name}: resuming after step {step} ({committed.folder})")
        parts.learners.restore(committed.folder)
    ctx.run_dir.forget_metrics_after(ctx.name, step)
    ctx.display.phase("syncing weights")
    parts.learners.sync(step, verify=True)
    if committed is None:
        return 0, _Carried(Position(), parts.stage.kl.beta)
    return step, _Carried(Position.from_json(committed.state["position"]), float(committed.state["kl_beta"]))


@dataclass
class _Facts:
    """What the summary says about the steps of this process."""

    launched: float
    first_step_s: float = 0.0
    max_gap: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0

    def add(self, report: StepReport) -> None:
        self.first_step_s = self.first_step_s or time.time() - self.launched
        self.max_gap = max(self.max_gap, report.metrics["gap/max"])
        self.tokens += report.metrics["speed/tokens"]
        self.seconds += report.metrics["seconds/step"]

    def summary(
        self, parts: Parts, before: dict[str, PassRate], after: dict[str, PassRate], export: Path, seconds: float
    ) -> dict[str, Any]:
        latest = parts.ctx.run_dir.latest(parts.ctx.name)
        return {
            "steps": parts.stage.steps,
            "seconds": round(seconds, 2),
            "time_to_first_step_s": round(self.first_step_s, 2),
            "eval_before": {env: rate.to_json() for env, rate in before.items()},
            "eval_after": {env: rate.to_json() for env, rate in after.items()},
            "max_abs_logprob_gap": self.max_gap,
            "tokens_per_s": round(self.tokens / self.seconds, 1) if self.seconds else 0.0,
            "checkpoint": str(latest.folder) if latest else None,
            "export": str(export),
        }
