"""A rank's share of a checkpoint, read without ever holding the whole.

The model is built without storage and sharded; then each rank reads its own rows of each tensor from the
safetensors files. Peak memory: the rank's shards and one tensor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset
from torch.nn import Parameter

from rlstack.errors import LearnerError

Rows = Callable[[str, slice], Tensor]  # rows [first:last] of a named tensor


def fill(model: Any, rows: Rows, device: torch.device, *, made: Mapping[str, Callable[[torch.Size], Tensor]]) -> None:
    """Gives a sharded model without storage its weights, in place; `made`: names that no file holds.

    device: where the shards lie. Buffers that the checkpoint does not hold keep what the constructor gave them.
    """
    filled: dict[str, Any] = {}
    aliases = {alias: names[0] for names in shared_names(model) for alias in names[1:]}
    for name, empty in model.state_dict().items():
        if name in aliases:
            filled[name] = filled[aliases[name]]  # one object under both names: tied they were, tied they stay
            continue
        if not isinstance(empty, DTensor):
            filled[name] = rows(name, slice(None)).to(device, empty.dtype)
            continue
        shape, offset = compute_local_shape_and_global_offset(empty.shape, empty.device_mesh, empty.placements)
        first = offset[0] if shape[0] else empty.shape[0]
        own = slice(first, first + shape[0])
        values = made[name](empty.shape)[own] if name in made else rows(name, own)
        local = torch.empty(shape, dtype=empty.dtype, device=device).copy_(values)
        sharded = DTensor.from_local(
            local, empty.device_mesh, empty.placements, run_check=False, shape=empty.shape, stride=empty.stride()
        )
        filled[name] = Parameter(sharded, requires_grad=empty.requires_grad)
    model.load_state_dict(filled, assign=True)


def shared_names(model: Any) -> list[list[str]]:
    """Groups of names of one and the same parameter, in the order of the model."""
    groups: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


_PLAIN = ("F64", "F32", "F16", "BF16")  # what a cast to float32 reads rightly; quantised weights need their scales


class CheckpointFiles:
    """The safetensors files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = _located(folder)

    def fit(self, shapes: Mapping[str, torch.Size], shared: Sequence[Sequence[str]]) -> bool:
        """Whether the files hold these tensors, by name and shape, and of shared ones the first alone.

        Where they do not (renamed, fused or quantised layers, two copies of a tied head) transformers must decide.
        """
        copies = {name for names in shared for name in names[1:]}
        if not copies.isdisjoint(self.files) or shapes.keys() - copies - self.files.keys():
            return False
        for path in set(self.files.values()):
            with safe_open(path, "pt") as file:
                for name in shapes.keys() & set(file.keys()):
                    stored = file.get_slice(name)
                    if tuple(stored.get_shape()) != tuple(shapes[name]) or stored.get_dtype() not in _PLAIN:
                        return False
        return True

    def rows(self, name: str, own: slice) -> Tensor:
        # The file is opened for one tensor: its mapped pages go when it is closed, and do not pile up.
        with safe_open(self.files[name], "pt") as file:
            return file.get_tensor(name) if own == slice(None) else file.get_slice(name)[own]


def _located(folder: Path) -> dict[str, Path]:
    """Tensor name → file, by the rules of transformers: one file, else the index."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.exists():
        with safe_open(single, "pt") as file:
            return dict.fromkeys(file.keys(), single)
    if index.exists():
        return {name: folder / file for name, file in json.loads(index.read_text())["weight_map"].items()}
    return {}


def loaded_by_transformers(path: str, shared: Sequence[Sequence[str]], options: Mapping[str, Any]) -> Rows:
    """Rows of a model that transformers reads whole: for old formats and for names that it translates.

    Raises LearnerError when the checkpoint lacks weights: random ones would be trained in their place, unseen.
    """
    from transformers import AutoModelForCausalLM

    loaded: Any = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **options)
    whole, report = loaded
    if missing := sorted(report["missing_keys"]):
        raise LearnerError(f"the checkpoint {path} lacks {len(missing)} weights of its model, e.g. {missing[0]}")
    if untied := [names[1] for names in shared if not _is_one(whole, names)]:
        raise LearnerError(
            f"the checkpoint {path} holds another {untied[0]} than the tensor it is tied to; write "
            '"tie_word_embeddings": false into its config.json'
        )
    tensors = whole.state_dict()
    return lambda name, own: tensors[name] if own == slice(None) else tensors[name][own]


def _is_one(model: Any, names: Sequence[str]) -> bool:
    return len({id(model.get_parameter(name)) for name in names}) == 1
