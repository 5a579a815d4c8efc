"""Log-probs → loss, metrics and gradient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from parts.lengths import log_normal

_ROWS, _BETA, _LOW, _HIGH = 256, 0.05, 0.2, 0.28


def prepare(sides: Sequence[str]) -> tuple[dict[str, Callable[[], Any]], str]:
    import torch

    from rlstack.config.rl import KLConfig, LossConfig
    from rlstack.grpo import kl, loss

    lengths = log_normal(_ROWS, 6)
    mask_BT = torch.from_numpy(np.arange(lengths.max())[None] < lengths[:, None])
    total = int(lengths.sum())
    generator = torch.Generator().manual_seed(7)

    def padded(flat_N: torch.Tensor) -> torch.Tensor:
        return torch.zeros(mask_BT.shape).masked_scatter_(mask_BT, flat_N)

    logp_N = -2 * torch.rand(total, generator=generator)
    old_N, reference_N = (logp_N + 0.15 * torch.randn(total, generator=generator) for _ in range(2))
    advantage_B = torch.randn(_ROWS, generator=generator)
    sequence_N = torch.repeat_interleave(torch.arange(_ROWS), torch.from_numpy(lengths))
    advantage_N, all_N = advantage_B[sequence_N], torch.ones(total, dtype=torch.bool)

    def ours() -> tuple[float, Any]:
        leaf = logp_N.clone().requires_grad_()
        weight = torch.ones(total)
        policy = loss.compute(LossConfig(), leaf, old_N, advantage_N, all_N, sequence_N, weight)
        pull = kl.compute(KLConfig(beta=_BETA), leaf, reference_N, old_N, all_N, weight)
        value = (policy.sum + _BETA * pull.sum) / total
        value.backward()
        [float(x) for x in (*policy.stats.values(), *pull.stats.values())]
        return value.item(), leaf.grad

    actions: dict[str, Callable[[], Any]] = {"ours": ours}
    logp_BT, old_BT, reference_BT = padded(logp_N), padded(old_N), padded(reference_N)
    if "trl" in sides:
        actions["trl"] = _trl(logp_BT, old_BT, reference_BT, mask_BT, advantage_B, total)
    if "verl" in sides:
        actions["verl"] = _verl(logp_BT, old_BT, reference_BT, mask_BT, advantage_B)
    value, gradient = ours()
    for side in [s for s in actions if s != "ours"]:
        other, found = actions[side]()
        far = float((found[mask_BT] - gradient).norm() / gradient.norm())
        if abs(other - value) > 1e-5 or far > 1e-4:
            raise RuntimeError(f"{side} and ours disagree: loss {other} and {value}, gradients {far:.2g} apart")
    return actions, f"DAPO and KL, {_ROWS} answers, {total:,} tokens, {mask_BT.numel():,} with padding; results equal"


def _trl(logp, old, reference, mask, advantage, total) -> Callable[[], Any]:
    import torch
    from trl import GRPOTrainer

    same = SimpleNamespace(
        num_processes=1, gather=lambda x: x, gather_for_metrics=lambda x: x, reduce=lambda x, reduction: x
    )
    arguments = SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1)
    inputs = {
        "prompt_ids": torch.zeros(len(mask), 1, dtype=torch.long),
        "prompt_mask": torch.ones(len(mask), 1, dtype=torch.long),
        "completion_ids": torch.zeros(mask.shape, dtype=torch.long),
        "completion_mask": mask.long(),
        "advantages": advantage,
        "old_per_token_logps": old,
        "ref_per_token_logps": reference,
        "num_items_in_batch": torch.tensor(float(total)),
    }
    entropies = torch.zeros(mask.shape)

    def run() -> tuple[float, Any]:
        leaf = logp.clone().requires_grad_()
        trainer = SimpleNamespace(
            _get_per_token_logps_and_entropies=lambda *_, **__: (leaf, entropies, None), aux_loss_enabled=False,
            top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", beta=_BETA,
            args=arguments, loss_type="dapo", epsilon_low=_LOW, epsilon_high=_HIGH, use_vllm=False,
            vllm_importance_sampling_correction=False, model=SimpleNamespace(training=True), accelerator=same,
            current_gradient_accumulation_steps=1, _entropy_bonus_enabled=False,
            _metrics=defaultdict(lambda: defaultdict(list)),
        )  # fmt: skip
        value = GRPOTrainer._compute_loss(trainer, None, inputs)
        value.backward()
        return value.item(), leaf.grad

    return run


def _verl(logp, old, reference, mask, advantage) -> Callable[[], Any]:
    from verl.trainer.ppo import core_algos

    weights, advantages = mask.float(), advantage[:, None].expand(mask.shape)

    def run() -> tuple[float, Any]:
        leaf = logp.clone().requires_grad_()
        value, *stats = core_algos.compute_policy_loss(
            old, leaf, advantages, weights, cliprange=_LOW, cliprange_low=_LOW, cliprange_high=_HIGH
        )
        pull = core_algos.kl_penalty(leaf, reference, "low_var_kl")
        value = value + _BETA * core_algos.agg_loss(pull, weights, "token-mean")
        value.backward()
        [float(x) for x in stats]
        return value.item(), leaf.grad

    return run
