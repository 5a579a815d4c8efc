"""Fixtures that many tests share: a very small Granite with random weights."""

from __future__ import annotations

import gc
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two torch threads on a busy two-core machine are 5-10 times slower
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import hypothesis
import pytest

# No example has a time limit of its own: machines stall, and a test that then fails says nothing.
hypothesis.settings.register_profile("rlstack", deadline=None)
hypothesis.settings.load_profile("rlstack")

gc.disable()  # until all tests are collected: importing and collecting make no garbage, a fifth of their time is spared


def pytest_collection_finish() -> None:
    gc.enable()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tied Granite of 30k parameters in a folder, all four multipliers away from 1."""
    return _save_granite(tmp_path_factory.mktemp("granite") / "tied", tied=True)


@pytest.fixture(scope="session")
def small_untied_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _save_granite(tmp_path_factory.mktemp("granite") / "untied", tied=False)


def _save_granite(folder: Path, *, tied: bool) -> Path:
    import torch
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    model = GraniteForCausalLM(
        GraniteConfig(
            vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=256, embedding_multiplier=3.0, attention_multiplier=0.3,
            residual_multiplier=0.7, logits_scaling=1.5, tie_word_embeddings=tied, bos_token_id=0, eos_token_id=0,
            pad_token_id=1,
        )
    )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.ndim == 1))
    model.save_pretrained(folder)
    return folder
