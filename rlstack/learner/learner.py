"""One FSDP2 rank: forward, loss, backward, step. The same for RL, SFT and pretraining.

Plain class on a process group; `rlstack/cluster` puts it on Ray, tests use it in-process.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch._C._distributed_c10d import FileStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from rlstack.config.optim import OptimConfig
from rlstack.data.batch import Batch, Item
from rlstack.errors import LearnerError
from rlstack.learner import checkpoint, forward, lora, model, sharding
from rlstack.learner.export import export
from rlstack.learner.head import TokenScores
from rlstack.learner.microbatch import MicroBatch, micro_batch
from rlstack.learner.model import ModelSpec
from rlstack.learner.objective import Objective, Terms
from rlstack.learner.schedule import lr_factor
from rlstack.sync.sender import EngineClient, Sender, Weights, make_sender


@dataclass(frozen=True, slots=True)
class LearnerSpec:
    model: ModelSpec
    optim: OptimConfig
    steps: int  # optimizer updates of the whole stage: the schedule's length
    reference: bool  # compare with the frozen stage input
    device: str = "cpu"
    threads: int = 1
    reshard: sharding.Reshard = "auto"  # give gathered parameters back after each layer (rlstack/learner/sharding.py)
    logits_bytes: int = 256 << 20  # of logits that are held at once
    reference_moves: bool = False  # it is renewed during the stage, so checkpoints must hold it


@dataclass(frozen=True, slots=True)
class Rank:
    """This process among the learners; `store` is a file on one machine, else tcp://host:port."""

    rank: int
    world: int
    store: str


@dataclass(frozen=True, slots=True, eq=False)
class UpdateResult:
    """Of one optimizer update on one rank: sums over its tokens; NaN log-probs where another rank computed."""

    sums: Mapping[str, float]
    logprobs_N: NDArray[np.float32]
    grad_norm: float
    lr: float
    tokens: int  # that went through the model, shared prompts once
    seconds: float


class Learner:
    """Raises LearnerError when a loss or gradient is not finite, before the optimizer has moved."""

    def __init__(self, spec: LearnerSpec, rank: Rank) -> None:
        torch.set_num_threads(spec.threads)
        self.spec, self.rank = spec, rank
        self.device = torch.device("cuda", 0) if spec.device == "cuda" else torch.device("cpu")  # Ray shows one GPU
        _join(rank, self.device)
        mesh = init_device_mesh(spec.device, (rank.world,))
        self.policy = model.load(spec.model, mesh, self.device, trained=True)
        self.reference = self._frozen(mesh) if spec.reference else None
        self._held = self._hold()
        self.optimizer = _adamw(self.policy, spec.optim)
        self._sender: Sender | None = None
        self._gathers = False  # whole parameters for weight sync, a layer at a time

    def _hold(self) -> bool:
        """Whether parameters stay gathered over an update (rlstack/learner/sharding.py)."""
        models = {m for m in (self.policy, self.reference) if m is not None}  # one where adapters are trained
        sharing = self.rank.world if self.device.type == "cpu" else 1  # ranks on this device
        held = sharing * sharding.held_bytes(models, getattr(torch, self.spec.model.dtype))
        if not sharding.holds(held, self.spec.reshard, self.device):
            return False
        for module in models:
            sharding.hold(module)
        return True

    def _frozen(self, mesh: DeviceMesh) -> torch.nn.Module:
        """The stage's input: with adapters the policy itself, which `lora.switched_off` brings back to it."""
        return self.policy if self.spec.model.lora else model.load(self.spec.model, mesh, self.device, trained=False)

    def update(
        self, batch: Batch, plan: Sequence[Sequence[Item]], objective: Objective, *, step: int,
        old_logprobs_N: NDArray[np.float32] | None = None,
    ) -> UpdateResult:  # fmt: skip
        """One optimizer update with the micro-batches of `plan`, this rank's share of the batch.

        step: updates done before this one, which sets the learning rate. old_logprobs_N: of the policy that
        sampled, under this packing; None when this is the first update on the batch, where they are the
        current ones and the ratio is exactly 1.
        """
        started = time.perf_counter()
        found = self.accumulate(batch, plan, objective, old_logprobs_N=old_logprobs_N)
        grad_norm, lr = self._step(step)
        return replace(found, grad_norm=grad_norm, lr=lr, seconds=time.perf_counter() - started)

    def accumulate(
        self, batch: Batch, plan: Sequence[Sequence[Item]], objective: Objective, *,
        old_logprobs_N: NDArray[np.float32] | None = None,
    ) -> UpdateResult:  # fmt: skip
        """The gradient of an update, left in the parameters; nothing moves, so the result has no norm and no rate."""
        started, sums, tokens = time.perf_counter(), dict[str, float](), 0
        logprobs_N = np.full(len(batch.tokens_N), np.nan, np.float32)
        scale = self.rank.world / batch.normaliser  # FSDP2 averages over ranks; we want the sum
        self.optimizer.zero_grad()
        for number, items in enumerate(plan, 1):
            micro = micro_batch(batch, items, self.device)
            if self._held:
                sharding.last(self.policy, number == len(plan))
            logprobs_M, terms = self._forward(micro, objective, old_logprobs_N)
            (terms.loss * scale).backward()
            if micro.is_filler:
                continue
            logprobs_N[micro.source_M] = logprobs_M.cpu().numpy()
            tokens += micro.tokens_1N.shape[1]
            for name, value in terms.sums.items():
                sums[name] = sums.get(name, 0.0) + float(value)
        return UpdateResult(sums, logprobs_N, 0.0, 0.0, tokens, time.perf_counter() - started)

    def _forward(
        self, micro: MicroBatch, objective: Objective, old_logprobs_N: NDArray[np.float32] | None
    ) -> tuple[Tensor, Terms]:
        """Log-probs [M], detached, and the objective's terms."""
        reference_M = None
        if self.reference is not None and objective.needs_reference:
            # Before the policy's forward pass: FSDP2 prefetches in the backward pass by what ran last.
            with torch.no_grad(), lora.switched_off(self.reference):
                reference_M = self._scores(self.reference, micro, objective.temperature).logprobs_M
        scores = self._scores(self.policy, micro, objective.temperature, entropy=objective.needs_entropy)
        current_M = old_M = scores.logprobs_M.detach()
        if old_logprobs_N is not None and not micro.is_filler:
            old_M = torch.from_numpy(old_logprobs_N[micro.source_M]).to(self.device)
        return current_M, objective(micro, scores, old_M, reference_M)

    def _scores(
        self, scored: torch.nn.Module, micro: MicroBatch, temperature: float, *, entropy: bool = False
    ) -> TokenScores:
        return forward.scores(scored, micro, temperature, piece_bytes=self.spec.logits_bytes, entropy=entropy)

    @torch.no_grad()
    def logprobs(
        self, batch: Batch, plan: Sequence[Sequence[Item]], temperature: float, *, of_reference: bool = False
    ) -> NDArray[np.float32]:
        """Log-probs [N] of the trained tokens under the policy, or the reference; NaN where another rank computes."""
        scored = self.reference if of_reference else self.policy
        if scored is None:
            raise LearnerError("log-probs of the reference, but this learner has none (kl.beta is 0)")
        logprobs_N = np.full(len(batch.tokens_N), np.nan, np.float32)
        for items in plan:
            micro = micro_batch(batch, items, self.device)
            with lora.switched_off(scored) if of_reference else contextlib.nullcontext():
                logprobs_M = self._scores(scored, micro, temperature).logprobs_M
            if not micro.is_filler:
                logprobs_N[micro.source_M] = logprobs_M.cpu().numpy()
        sharding.release(self.policy)
        return logprobs_N

    @torch.no_grad()
    def refresh_reference(self) -> None:
        """The policy as it is becomes the reference. Called on every rank."""
        if self.reference is None or self.reference is self.policy or not self.spec.reference_moves:
            raise LearnerError("only a reference of its own that LearnerSpec.reference_moves announces can be renewed")
        for scored in (self.policy, self.reference):
            sharding.release(scored)
        for mine, new in zip(self.reference.parameters(), self.policy.parameters(), strict=True):
            mine.to_local().copy_(new.to_local())  # type: ignore[attr-defined]

    @property
    def _moving_reference(self) -> torch.nn.Module | None:
        return self.reference if self.spec.reference_moves else None

    def _step(self, step: int) -> tuple[float, float]:
        """Clips once, on the reduced gradient, and moves the weights. Returns (gradient norm, learning rate)."""
        norm: Any = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.spec.optim.grad_clip)
        grad_norm = float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)
        if not math.isfinite(grad_norm):
            raise LearnerError(
                f"the gradient of update {step + 1} is not finite (norm {grad_norm}); the weights were not changed. "
                "Lower optim.lr or look for extreme rewards in the step's rollouts."
            )
        lr = self.spec.optim.lr * lr_factor(step, self.spec.steps, self.spec.optim.schedule)
        if grad_norm == 0.0:  # nothing asks for a change: old moments and weight decay are no reason to move
            return grad_norm, lr
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        return grad_norm, lr

    def connect(self, client: EngineClient | None, *, dtype: str, backend: str, world: int) -> None:
        """Opens weight sync towards the engines; `client` on rank 0 only. Call on every rank at once."""
        weights = Weights(
            self.policy, getattr(torch, dtype), tied_head=model.has_tied_head(self.policy), parts=lora.merged_parts,
            device=self.device,
        )  # fmt: skip
        self._sender = make_sender(weights, client, rank=self.rank.rank, backend=backend, world=world)
        sharded, adapted = self.rank.world > 1, self.spec.model.lora  # adapters are merged in float32, one by one
        self._gathers = self._held and sharded and not adapted and dtype == self.spec.model.dtype

    def sync(self, version: int, *, verify: bool) -> None:
        """Brings the engines to the current weights, named `version`."""
        if self._sender is None:
            raise LearnerError("weight sync before connect()")
        sharding.release(self.policy)
        with sharding.gathered(self.policy) if self._gathers else contextlib.nullcontext():
            self._sender.send(version, verify=verify)

    def save(self, folder: Path) -> None:
        """Weights, optimizer and a reference that moves, sharded, as safetensors. Called on every rank."""
        checkpoint.save(self.policy, self.optimizer, folder, self._moving_reference)

    def restore(self, folder: Path) -> None:
        checkpoint.restore(self.policy, self.optimizer, folder, self._moving_reference)

    def export(self, folder: Path) -> None:
        """The policy in Hugging Face format, adapters merged and beside it. Called on every rank; rank 0 writes."""
        source, write = self.spec.model.path, self.rank.rank == 0
        export(self.policy, source, folder, write=write)
        if self.spec.model.lora:
            lora.export(self.policy, self.spec.model.lora, source, folder / "adapter", write=write)

    def close(self) -> None:
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        if dist.is_initialized():
            dist.destroy_process_group()


def _join(rank: Rank, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if dist.is_initialized():
        return
    store: dict[str, Any] = (
        {"init_method": rank.store} if rank.store.startswith("tcp://") else {"store": FileStore(rank.store, rank.world)}
    )
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, rank=rank.rank, world_size=rank.world, **store)


def _adamw(policy: torch.nn.Module, cfg: OptimConfig) -> torch.optim.AdamW:
    """Over what is trained. Weight decay on matrices only, not on norms and biases."""
    trained = [p for p in policy.parameters() if p.requires_grad]
    matrices, others = [p for p in trained if p.ndim >= 2], [p for p in trained if p.ndim < 2]
    groups: list[dict[str, Any]] = [{"params": matrices, "weight_decay": cfg.weight_decay}]
    if others:  # of adapters there are none
        groups.append({"params": others, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=cfg.lr, betas=cfg.betas, eps=cfg.eps)
