"""Answers without an engine: transformers' own `generate` in this process. Ready in seconds, slow per token.

For a look at a few hundred answers, where starting vLLM would take longer than all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from rlstack.api import Response
from rlstack.config.model import ModelConfig
from rlstack.errors import EngineError
from rlstack.models.chat import load_tokenizer, render, stop_ids
from rlstack.types import Message

_BATCH = 64  # conversations of one forward pass


class PlainSampler:
    """A checkpoint that answers conversations.

    Temperature 0 is greedy. Answers depend on the seed, the conversations and their number. Raises EngineError
    when a prompt does not fit into the model's positions.
    """

    def __init__(
        self,
        model: ModelConfig,
        folder: Path,
        *,
        max_tokens: int,
        temperature: float,
        seed: int,
        device: str = "cpu",
        dtype: str = "float32",
        threads: int = 1,
    ) -> None:
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()  # of loading, which takes a moment
        if device == "cpu":
            torch.set_num_threads(threads)
        self._tokenizer = load_tokenizer(model, folder)
        self._stops = stop_ids(self._tokenizer, folder)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=getattr(torch, dtype), trust_remote_code=model.trust_remote_code
        )
        self._model = loaded.to(device).eval()
        self._positions = int(getattr(loaded.config, "max_position_embeddings", 0)) or 2**31
        self._max_tokens, self._temperature, self._seed = max_tokens, temperature, seed
        self._device = torch.device(device)

    def answer(
        self, conversations: Sequence[Sequence[Message]], on_answer: Callable[[int], None] = lambda _: None
    ) -> list[Response]:
        """One response per conversation, in order; `on_answer` hears how many more are done."""
        prompts = [render(self._tokenizer, messages) for messages in conversations]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))  # little padding within a batch
        found: dict[int, Response] = {}
        devices = [self._device] if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.inference_mode():
            torch.manual_seed(self._seed)
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                texts = self._generate([prompts[i] for i in batch])
                for i, (text, n_tokens, stopped) in zip(batch, texts, strict=True):
                    reason = "stop" if stopped else "length"
                    found[i] = Response(text, reason, n_tokens, tuple(conversations[i]))
                on_answer(len(batch))
        return [found[i] for i in range(len(prompts))]

    def _generate(self, prompts_B: Sequence[tuple[int, ...]]) -> list[tuple[str, int, bool]]:
        longest = max(map(len, prompts_B))
        room = min(self._max_tokens, self._positions - longest)
        if room < 1:
            raise EngineError(f"a prompt has {longest} tokens, but the model has {self._positions} positions")
        pad = self._stops[0] if self._tokenizer.pad_token_id is None else self._tokenizer.pad_token_id
        tokens = torch.full((len(prompts_B), longest), pad)
        mask = torch.zeros_like(tokens)
        for row, ids in enumerate(prompts_B):  # to the left, so that every answer begins at one place
            tokens[row, longest - len(ids) :] = torch.tensor(ids)
            mask[row, longest - len(ids) :] = 1
        options = {"do_sample": True, "temperature": self._temperature, "top_k": 0, "top_p": 1.0}
        written = self._model.generate(
            input_ids=tokens.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=room,
            eos_token_id=list(self._stops),
            pad_token_id=pad,
            **(options if self._temperature else {"do_sample": False}),
        )
        return [self._read(row) for row in written[:, longest:].tolist()]

    def _read(self, ids: list[int]) -> tuple[str, int, bool]:
        """Text, number of tokens with the stop token, and whether there was one."""
        end = next((i for i, token in enumerate(ids) if token in self._stops), None)
        kept = ids if end is None else ids[:end]
        text = self._tokenizer.decode(kept, skip_special_tokens=True)
        return text, len(ids) if end is None else end + 1, end is not None
