"""What the learners of a stage are to load, from the configuration."""

from __future__ import annotations

from rlstack.data.documents import stage_seed
from rlstack.learner.model import ModelSpec
from rlstack.stages.context import StageContext


def model_spec(ctx: StageContext) -> ModelSpec:
    """The stage's input checkpoint, with the run's choices of adapters and memory."""
    model, cluster = ctx.config.model, ctx.config.cluster
    return ModelSpec(
        path=str(ctx.model),
        dtype=cluster.dtype,
        trust_remote_code=model.trust_remote_code,
        lora=model.lora,
        seed=stage_seed(ctx.config.seed, ctx.name),
        gradient_checkpointing=cluster.gradient_checkpointing,
        offload_policy=cluster.offload_policy,
        offload_reference=cluster.offload_reference,
    )
