"""A sharded policy to a folder in Hugging Face format, one tensor at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from rlstack.learner import lora, sharding

FILE_BYTES = 4 * 2**30  # largest file, and what rank 0 holds at a time


def export(policy: Any, source: str, folder: Path, *, write: bool) -> None:
    """float32 weights, adapters merged in, with config and tokenizer files of `source`.

    Called on every rank, since gathering a shard is a collective; only one writes. Memory there: one file.
    """
    if write:
        folder.mkdir(parents=True, exist_ok=True)
    files: list[list[str]] = []
    for tensors in _filled(policy):
        if write:
            save_file(tensors, folder / _partial(len(files)), metadata={"format": "pt"})
            files.append(list(tensors))
    if not write:
        return
    _name(folder, files)
    for file in Path(source).iterdir():
        if file.is_file() and file.suffix not in {".safetensors", ".bin", ".gguf"} and "index" not in file.name:
            shutil.copyfile(file, folder / file.name)
    _write_config(source, folder)


def _filled(policy: Any) -> Iterator[dict[str, Tensor]]:
    """Every weight once (a tied LM head is its embedding) and the buffers that checkpoints hold, file by file."""
    held, size = dict[str, Tensor](), 0
    for name, tensor in _tensors(policy):
        n_bytes = tensor.numel() * tensor.element_size()
        if held and size + n_bytes > FILE_BYTES:
            yield held
            held, size = {}, 0
        held[name] = tensor.contiguous()
        size += n_bytes
    yield held


def _tensors(policy: Any) -> Iterator[tuple[str, Tensor]]:
    sharding.release(policy)  # what is still gathered after a pass without gradient may be copies in another dtype
    for part in lora.merged_parts(policy):
        yield part.name, part.gather().to("cpu", torch.float32)
    stored = policy.state_dict().keys()
    for name, buffer in policy.named_buffers():
        if name in stored:
            yield name, buffer.cpu()


def _partial(number: int) -> str:
    return f"model-{number + 1:05d}.safetensors"


def _name(folder: Path, files: list[list[str]]) -> None:
    """One file is model.safetensors; several are numbered out of their number, with an index."""
    if len(files) == 1:
        (folder / _partial(0)).rename(folder / "model.safetensors")
        return
    where = {}
    for number, names in enumerate(files):
        final = f"model-{number + 1:05d}-of-{len(files):05d}.safetensors"
        (folder / _partial(number)).rename(folder / final)
        where |= dict.fromkeys(names, final)
    size = sum((folder / file).stat().st_size for file in set(where.values()))
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def _write_config(source: str, folder: Path) -> None:
    """The source's config.json with the dtype that was written."""
    config = json.loads((Path(source) / "config.json").read_text())
    config.pop("torch_dtype", None)
    config["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
