"""A stage of supervised training (pretraining or SFT), on the same learners as reinforcement learning."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rlstack.cluster.groups import Learners, Plan
from rlstack.config.train import TrainStage
from rlstack.data.batch import Batch
from rlstack.data.documents import Draw, Encoder, open_sources, stage_seed, step_documents
from rlstack.data.packing import balance, pack
from rlstack.learner.learner import LearnerSpec
from rlstack.learner.objective import SupervisedObjective
from rlstack.models.chat import encode_training, load_tokenizer
from rlstack.stages.context import StageContext, StageSummary
from rlstack.stages.model_spec import model_spec
from rlstack.startup import uncollected
from rlstack.types import StepReport


@dataclass(frozen=True, slots=True, eq=False)
class PackedStep:
    """The data of one optimizer step and each rank's share of it."""

    batch: Batch
    plan: Plan
    fill: float  # share of the rows' room that holds tokens


def run(stage: TrainStage, ctx: StageContext) -> StageSummary:
    """Takes the steps that are not committed yet, then exports. Resuming needs no data cursor."""
    started, facts = time.monotonic(), _Facts()
    with _learners(stage, ctx) as learners, ThreadPoolExecutor(1) as ahead:
        data = _data(stage, ctx)
        learners.ready()
        first = _resume(learners, ctx)
        ctx.display.stage(ctx.name, done=first, steps=stage.steps)
        upcoming = ahead.submit(data, first)
        for step in range(first, stage.steps):
            ctx.display.phase("learning")
            packed = upcoming.result()
            upcoming = ahead.submit(data, min(step + 1, stage.steps - 1))
            report = _step(learners, packed, stage, ctx, step)
            facts.add(report, ctx.launched)
            ctx.display.step(report.step, report.metrics)
            ctx.trackers.log(report)
        ctx.display.phase("exporting")
        export = ctx.folder / "export"
        learners.export(export)
    return StageSummary(facts.summary(stage, ctx, export, time.monotonic() - started), export)


def _step(learners: Learners, packed: PackedStep, stage: TrainStage, ctx: StageContext, step: int) -> StepReport:
    started = time.monotonic()
    result = learners.update(packed.batch, packed.plan, SupervisedObjective(), step=step)
    learned = time.monotonic()
    if (step + 1) % stage.checkpoint.every == 0 or step + 1 == stage.steps:
        ctx.display.phase("committing")
        ctx.run_dir.commit(ctx.name, step + 1, {}, learners.save, keep=stage.checkpoint.keep)
    ended = time.monotonic()
    nll = result.sums["nll"] / packed.batch.n_trained
    metrics = {
        "loss/total": nll,
        "loss/nll": nll,
        "optim/grad_norm": result.grad_norm,
        "optim/lr": result.lr,
        "data/documents": len(packed.batch.lengths_B),
        "data/fill": packed.fill,
        "data/trained_share": packed.batch.n_trained / len(packed.batch.tokens_N),
        "seconds/learn": learned - started,
        "seconds/commit": ended - learned,
        "seconds/step": ended - started,
        "speed/tokens": len(packed.batch.tokens_N),
        "speed/tokens_per_s": len(packed.batch.tokens_N) / (ended - started),
    }
    ctx.run_dir.append_metrics({"stage": ctx.name, "step": step + 1, **{k: float(v) for k, v in metrics.items()}})
    return StepReport(ctx.name, step + 1, metrics)


# ---- data ----------------------------------------------------------------------------------------------


def _data(stage: TrainStage, ctx: StageContext) -> partial[PackedStep]:
    """Step (from 0) → its packed documents; a pure function of (seed, stage, step)."""
    with uncollected():
        tokenizer = load_tokenizer(ctx.config.model, ctx.model)
    cluster = ctx.config.cluster
    return partial(
        packed_step, stage, open_sources(list(stage.data), stage.kind), encoder_of(tokenizer),
        stage_seed(ctx.config.seed, ctx.name), cluster.learners, cluster.micro_tokens,
    )  # fmt: skip


def encoder_of(tokenizer: Any) -> Encoder:
    return Encoder(
        text=lambda text: np.asarray(tokenizer.encode(text, add_special_tokens=False), np.int32),
        chat=lambda messages: encode_training(tokenizer, messages),
        end_id=tokenizer.eos_token_id,
    )


def packed_step(
    stage: TrainStage, sources: dict[str, Draw], encoder: Encoder, seed: int, ranks: int, micro_tokens: int, step: int
) -> PackedStep:
    """Draws about as many tokens as the step's rows hold and keeps its fullest `rows_per_step` rows."""
    documents = step_documents(
        sources, stage.data, encoder, kind=stage.kind, tokens=stage.rows_per_step * stage.row_tokens,
        longest=stage.row_tokens, seed=seed, step=step,
    )  # fmt: skip
    lengths = [len(document.ids) for document in documents]
    rows = pack(lengths, stage.row_tokens)
    rows = sorted(rows, key=lambda row: (-sum(lengths[i] for i in row), row))[: stage.rows_per_step]
    kept = [documents[i] for row in rows for i in row]
    return PackedStep(
        Batch.supervised([(document.ids, document.trained) for document in kept]),
        _plan(rows, lengths, ranks, micro_tokens),
        sum(len(document.ids) for document in kept) / (stage.rows_per_step * stage.row_tokens),
    )


def _plan(rows: Sequence[Sequence[int]], lengths: Sequence[int], ranks: int, micro_tokens: int) -> Plan:
    """Rows dealt to ranks and micro-batches. Sequence numbers of the batch follow the order of `rows`."""
    first = np.concatenate(([0], np.cumsum([len(row) for row in rows])))
    shares = balance([sum(lengths[i] for i in row) for row in rows], ranks, micro_tokens)
    return [[[(i,) for r in micro for i in range(first[r], first[r + 1])] for micro in share] for share in shares]


# ---- parts ---------------------------------------------------------------------------------------------


@contextmanager
def _learners(stage: TrainStage, ctx: StageContext) -> Iterator[Learners]:
    cluster, store = ctx.config.cluster, ctx.run_dir.path / ".learners"
    store.unlink(missing_ok=True)
    spec = LearnerSpec(
        model=model_spec(ctx),
        optim=stage.optim,
        steps=stage.steps,
        reference=False,
        device=cluster.device,
        threads=cluster.threads,
        reshard=cluster.reshard,
        logits_bytes=cluster.logits_mb << 20,
    )
    ctx.display.phase("starting learners")
    learners = Learners(spec, cluster, ctx.processes.learners, str(store))
    yield learners
    learners.close()
    store.unlink(missing_ok=True)


def _resume(learners: Learners, ctx: StageContext) -> int:
    committed = ctx.run_dir.latest(ctx.name)
    step = committed.step if committed else 0
    if committed:
        ctx.display.say(f"{ctx.name}: resuming after step {step} ({committed.folder})")
        learners.restore(committed.folder)
    ctx.run_dir.forget_metrics_after(ctx.name, step)
    return step


@dataclass
class _Facts:
    """What the summary says about the steps of this process."""

    first_step_s: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0
    nll: float | None = None

    def add(self, report: StepReport, launched: float) -> None:
        self.first_step_s = self.first_step_s or time.time() - launched
        self.tokens += report.metrics["speed/tokens"]
        self.seconds += report.metrics["seconds/step"]
        self.nll = report.metrics["loss/nll"]

    def summary(self, stage: TrainStage, ctx: StageContext, export: Path, seconds: float) -> dict[str, Any]:
        latest = ctx.run_dir.latest(ctx.name)
        return {
            "steps": stage.steps,
            "seconds": round(seconds, 2),
            "time_to_first_step_s": round(self.first_step_s, 2),
            "nll": self.nll,
            "tokens_per_s": round(self.tokens / self.seconds, 1) if self.seconds else 0.0,
            "checkpoint": str(latest.folder) if latest else None,
            "export": str(export),
        }
