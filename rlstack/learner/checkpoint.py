"""Sharded state to disk and back: safetensors only, nothing pickled.

Holds what is trained and its optimizer: with adapters these alone, a frozen base is read again from the
stage's input. Every rank writes its own shards; a run saved on two ranks resumes on one or on four. Scalars of the
optimizer (learning rate, betas) come from the configuration and are not stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load as dcp_load
from torch.distributed.checkpoint.state_dict_saver import save as dcp_save
from torch.nn import Module
from torch.optim import Optimizer

from rlstack.errors import LearnerError

_HEAD = "lm_head.weight"
_FLAT = StateDictOptions(flatten_optimizer_state_dict=True)
_TRAINED = StateDictOptions(ignore_frozen_params=True)


def save(policy: Module, optimizer: Optimizer, folder: Path, reference: Module | None = None) -> None:
    """Writes this rank's part of weights, optimizer and moving reference into `folder`; call on every rank."""
    _start_moments(optimizer)
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True, thread_count=1)
    state = _tensors(policy, optimizer) | _weights("reference", reference)
    _guard(lambda: dcp_save(state, storage_writer=writer), "writing", folder)


def restore(policy: Module, optimizer: Optimizer, folder: Path, reference: Module | None = None) -> None:
    """Loads weights, optimizer and moving reference in place; call on every rank, be they more or fewer than wrote."""
    _start_moments(optimizer)
    state = _tensors(policy, optimizer) | _weights("reference", reference)
    _guard(lambda: dcp_load(state, storage_reader=HuggingFaceStorageReader(str(folder))), "reading", folder)
    weights = {name.removeprefix("policy."): t for name, t in state.items() if name.startswith("policy.")}
    # Not strict: a tied head and frozen weights are not in it. What should be there and is not fails in dcp_load.
    set_model_state_dict(policy, weights, options=StateDictOptions(strict=False))
    flat = get_optimizer_state_dict(policy, optimizer, options=_FLAT)
    flat.update({name.removeprefix("optimizer."): t for name, t in state.items() if name.startswith("optimizer.")})
    set_optimizer_state_dict(policy, optimizer, flat, options=_FLAT)
    if reference is not None:
        own = {name.removeprefix("reference."): t for name, t in state.items() if name.startswith("reference.")}
        set_model_state_dict(reference, own, options=StateDictOptions(strict=not _tied(reference)))


def _tied(policy: Any) -> bool:
    return bool(policy.config.tie_word_embeddings)


def _tensors(policy: Module, optimizer: Optimizer) -> dict[str, Any]:
    weights = get_model_state_dict(policy, options=_TRAINED)
    if _tied(policy):  # one tensor under two names; safetensors refuses that
        weights.pop(_HEAD, None)
    flat = get_optimizer_state_dict(policy, optimizer, options=_FLAT)
    moments = {name: value for name, value in flat.items() if isinstance(value, torch.Tensor)}
    return {f"policy.{n}": t for n, t in weights.items()} | {f"optimizer.{n}": t for n, t in moments.items()}


def _weights(name: str, model: Module | None) -> dict[str, Any]:
    """All weights of a model under `name.`, a tied head once; nothing for None."""
    if model is None:
        return {}
    weights = get_model_state_dict(model)
    if _tied(model):
        weights.pop(_HEAD, None)
    return {f"{name}.{n}": t for n, t in weights.items()}


def _start_moments(optimizer: Optimizer) -> None:
    """AdamW makes its moments in the first step; one of zero gradient and zero rate, not counted, makes them before."""
    if optimizer.state:
        return
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
        for p in group["params"]:
            p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad()
    for moments in optimizer.state.values():
        moments["step"].zero_()
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def _guard(action: Any, verb: str, folder: Path) -> None:
    try:
        action()
    except CheckpointException as error:  # a BaseException: it would pass `except Exception` unseen
        raise LearnerError(f"{verb} the checkpoint {folder} failed: {error}") from error
