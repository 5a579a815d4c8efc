"""A stage of on-policy reinforcement learning: the loop, one step on one screen."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.config.rl import RLStage
from rlstack.data.prompts import eval_prompts
from rlstack.data.stream import Position
from rlstack.scoring.budget import check_budget
from rlstack.stages import evaluate, rl_metrics
from rlstack.stages.ahead import Ahead
from rlstack.stages.collect import Collected, asks, check_versions, collect
from rlstack.stages.context import StageContext, StageSummary
from rlstack.stages.evaluate import PassRate
from rlstack.stages.gather import Gathered, gather, recalled, remembered
from rlstack.stages.records import group_row, read_groups, rollout_file
from rlstack.stages.rl_parts import Parts, open_parts
from rlstack.stages.rl_signal import Signal
from rlstack.stages.rl_update import learn
from rlstack.types import Prompt, StepReport


def run(stage: RLStage, ctx: StageContext) -> StageSummary:
    """Evaluates, takes the steps that are not committed yet, evaluates again, exports.

    Everything random is a function of (seed, stage, step, prompt, index), so a run that was killed goes on
    from its last committed step as if nothing had happened.
    """
    started = time.monotonic()
    with open_parts(stage, ctx) as parts, Ahead(functools.partial(_rollouts, parts), parts.engines.stop) as ahead:
        parts.probe(0)
        first, carried = _resume(parts, ahead)
        before = _evaluation(parts, "before") if first == 0 else _recorded(parts, "before")
        ctx.display.stage(ctx.name, done=first, steps=stage.steps)
        facts, signal = _Facts(ctx.launched, resumed_after=first), Signal(stage)
        for step in range(first, stage.steps):
            if _probes(stage, step):
                parts.probe(step)
            report, carried = _step(parts, ahead, step, carried)
            facts.add(report)
            ctx.display.step(report.step, report.metrics)
            ctx.trackers.log(report)
            if warning := signal.add(report):
                ctx.display.say(warning)
            if _evaluates(stage, report.step):
                _evaluation(parts, f"step-{report.step:06d}")
        after = _evaluation(parts, "after")
        export = ctx.folder / "export"
        ctx.display.phase("exporting")
        parts.learners.export(export)
    ctx.display.say(evaluate.table(f"{ctx.name}: greedy pass rate on held-out prompts", before, after))
    summary = facts.summary(parts, before, after, export, time.monotonic() - started)
    return StageSummary({**summary, "flat_steps": signal.flat}, export)


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a step hands to the next one, and a checkpoint keeps, beside weights and optimizer."""

    position: Position
    beta: float  # of the KL
    skipped: int = 0  # steps in a row, up to here, that had nothing to learn from

    def to_json(self) -> dict[str, Any]:
        return {"position": self.position.to_json(), "kl_beta": self.beta, "skipped": self.skipped}


def _step(parts: Parts, ahead: Ahead, step: int, carried: _Carried) -> tuple[StepReport, _Carried]:
    """One transaction: rollouts are sealed first; then weights, optimizer and position are committed as one.

    The rollouts that come next begin once the engines have the new weights, beside the commit: those of the next step,
    or of the one after it (`ahead=1`), which then run beside its update. They are complete whenever weights change:
    every sample comes from one version.
    """
    ctx, started = parts.ctx, time.monotonic()
    stage = parts.stage.model_copy(update={"kl": parts.stage.kl.at(carried.beta)})
    gathered = ahead.take(step, carried.position)
    is_last = step + 1 == stage.steps
    if stage.ahead and not is_last:
        ahead.begin(step + 1, gathered.position)

    learned = learn(parts, stage, gathered.groups_P, step, carried.skipped)
    skipped = 0 if learned.tokens else carried.skipped + 1
    carried = _Carried(gathered.position, learned.beta, skipped)

    pending = ahead.settle()
    syncing = time.monotonic()
    ctx.display.phase("syncing weights")
    parts.learners.sync(step + 1, verify=parts.verifies(step + 1))
    synced = time.monotonic()
    if is_last or (step + 1) % stage.checkpoint.every == 0:
        coming, position = step + 1 + stage.ahead, (pending or gathered).position
        alone = parts.cluster.colocate or _evaluates(stage, step + 1) or _probes(stage, step + 1)
        if coming < stage.steps and not alone:  # engines and scorers have nothing else to do meanwhile
            ahead.begin(coming, position)
        ctx.display.phase("committing")
        state = {**carried.to_json(), "pending": remembered(pending) if pending else None}
        ctx.run_dir.commit(ctx.name, step + 1, state, parts.learners.save, keep=stage.checkpoint.keep)
    ended = time.monotonic()
    metrics = {
        **rl_metrics.of_groups(gathered, parts.gathering.parts),
        **learned.metrics,
        "seconds/rollout": gathered.rollout_s,
        "seconds/judging": gathered.judging_s,
        "seconds/waiting": ahead.waited(),
        "seconds/learn": learned.seconds,
        "seconds/sync": synced - syncing,
        "seconds/commit": ended - synced,
        "seconds/step": ended - started,
        "speed/tokens_per_s": learned.tokens / (ended - started),
        "speed/tokens": learned.tokens,
    }
    ctx.run_dir.append_metrics({"stage": ctx.name, "step": step + 1, **{k: float(v) for k, v in metrics.items()}})
    return StepReport(ctx.name, step + 1, metrics), carried


def _rollouts(parts: Parts, step: int, position: Position) -> Gathered:
    """Gathers and seals the rollouts of a step. Runs beside the driver's thread."""
    stage, ctx = parts.stage, parts.ctx
    seed = f"{ctx.config.seed}/{ctx.name}/{step}"
    gathered = gather(lambda prompts: _collect(parts, prompts, seed), parts.gathering, position)
    check_versions(gathered.made_P, step, stage.ahead)
    check_budget([s for g in gathered.made_P for s in g.scores_G], stage.scoring.max_error_share)
    ctx.run_dir.seal_rows(rollout_file(ctx.name, step + 1), (group_row(g, step + 1) for g in gathered.made_P))
    return gathered


def _probes(stage: RLStage, step: int) -> bool:
    """Whether the scorers are probed after `step` steps."""
    return bool(stage.scoring.probe_every and step) and step % stage.scoring.probe_every == 0


def _evaluates(stage: RLStage, step: int) -> bool:
    """Whether held-out prompts are due after `step` steps, between the first and the last."""
    return bool(stage.eval.every) and step % stage.eval.every == 0 and step < stage.steps


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


def _resume(parts: Parts, ahead: Ahead) -> tuple[int, _Carried]:
    """Brings learners and engines to the last committed step; returns how many steps are done, and what they left.

    One step ahead, the next step's rollouts were sealed before that commit; older weights than it sampled them.
    """
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
    if pending := committed.state.get("pending"):
        made_P = read_groups(ctx.run_dir.path / rollout_file(ctx.name, step + 1))
        check_versions(made_P, step, parts.stage.ahead)
        ahead.put(step, recalled(made_P, pending))
    state = committed.state
    return step, _Carried(Position.from_json(state["position"]), float(state["kl_beta"]), int(state.get("skipped", 0)))


@dataclass
class _Facts:
    """What the summary says about the steps of this process."""

    launched: float
    resumed_after: int = 0
    first_step_s: float = 0.0
    max_gap: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0

    def add(self, report: StepReport) -> None:
        self.first_step_s = self.first_step_s or time.time() - self.launched
        self.max_gap = max(self.max_gap, report.metrics.get("gap/max", 0.0))
        self.tokens += report.metrics["speed/tokens"]
        self.seconds += report.metrics["seconds/step"]

    def summary(
        self, parts: Parts, before: dict[str, PassRate], after: dict[str, PassRate], export: Path, seconds: float
    ) -> dict[str, Any]:
        latest = parts.ctx.run_dir.latest(parts.ctx.name)
        return {
            "steps": parts.stage.steps,
            "resumed_after": self.resumed_after,
            "seconds": round(seconds, 2),
            "time_to_first_step_s": round(self.first_step_s, 2),
            "eval_before": {env: rate.to_json() for env, rate in before.items()},
            "eval_after": {env: rate.to_json() for env, rate in after.items()},
            "max_abs_logprob_gap": self.max_gap,
            "tokens_per_s": round(self.tokens / self.seconds, 1) if self.seconds else 0.0,
            "checkpoint": str(latest.folder) if latest else None,
            "export": str(export),
        }
