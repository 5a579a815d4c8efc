"""The checkpoint that both sides load: one folder, so that neither can have another model, tokenizer or stop token."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

Lengths = Literal["equal", "real"]


def prepare(source: Path, target: Path, lengths: Lengths, mean_length: int | None) -> Path:
    """A copy of the checkpoint `source` that ends its answers as `lengths` says.

    `equal`: it names no token that ends a sequence, so every answer runs to the limit, and no side pays for
    suppressing one.
    `real`: it ends as it was trained to. `mean_length` is for random weights, which never end: of their V
    nearly equally likely tokens, V / mean_length end an answer. Lengths are then geometric, with a standard
    deviation as large as their mean, like a log-normal law of sigma 0.83.
    """
    shutil.copytree(source, target)
    for file in target.iterdir():
        file.chmod(0o644)
    if lengths == "equal":
        _declare(target, None)
        _edit(target / "tokenizer_config.json", eos_token=None)
    elif mean_length is not None:
        vocab_size = json.loads((target / "config.json").read_text())["vocab_size"]
        _declare(target, spread(vocab_size, mean_length))
    return target


def spread(vocab_size: int, mean_length: int) -> list[int]:
    """Evenly spaced ids that end an answer after `mean_length` draws on average, if all ids are equally likely."""
    count = max(1, round(vocab_size / mean_length))
    return [(2 * i + 1) * vocab_size // (2 * count) for i in range(count)]


def tokenizer_with_end(folder: Path) -> Any:
    """The checkpoint's tokenizer for TRL, which insists on an end-of-sequence token.

    Where the checkpoint names none, it gets one whose id lies behind the vocabulary: no softmax can draw it.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.eos_token_id is None:
        vocab_size = json.loads((folder / "config.json").read_text())["vocab_size"]
        tokenizer.add_tokens([f"<|unused_{i}|>" for i in range(vocab_size - len(tokenizer))])
        tokenizer.add_special_tokens({"eos_token": "<|never|>"})
    return tokenizer


def _declare(folder: Path, eos: list[int] | None) -> None:
    """Writes the ids that end an answer to both files in which engines look for them."""
    for name in ("config.json", "generation_config.json"):
        _edit(folder / name, eos_token_id=eos)


def _edit(file: Path, **changes: Any) -> None:
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**content, **changes}, indent=2))
