"""Granite shapes of rising size with random weights, and checkpoints of them that never end an answer."""

from __future__ import annotations

import json
from pathlib import Path

SHAPES = {
    "tiny": {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
             "num_key_value_heads": 2, "vocab_size": 1024},
    "8m": {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 8, "num_attention_heads": 8,
           "num_key_value_heads": 4, "vocab_size": 4096},
    "37m": {"hidden_size": 448, "intermediate_size": 1216, "num_hidden_layers": 12, "num_attention_heads": 7,
            "num_key_value_heads": 7, "vocab_size": 16384},
    "135m": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49152},
}  # fmt: skip


def save(name: str, folder: Path) -> Path:
    """A checkpoint of the shape with the tiny tokenizer; no token of it ends a sequence."""
    import torch
    from transformers import GraniteConfig, GraniteForCausalLM

    from rlstack.config.model import ModelConfig
    from rlstack.models.source import resolve

    shape = SHAPES[name]
    config = GraniteConfig(
        **shape,
        attention_multiplier=(shape["hidden_size"] // shape["num_attention_heads"]) ** -0.5,
        tie_word_embeddings=True,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=1,
    )
    torch.manual_seed(0)
    GraniteForCausalLM(config).save_pretrained(folder)
    tokenizer = resolve(ModelConfig(name="tiny", path="builtin:tiny-tokenizer"))
    for file in tokenizer.glob("*.json"):
        content = json.loads(file.read_text())
        if file.name == "tokenizer_config.json":
            content["eos_token"] = None  # vLLM would stop at it
        (folder / file.name).write_text(json.dumps(content))
    return folder
