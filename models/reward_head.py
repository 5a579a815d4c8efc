"""A scalar judge of conversations: any sequence-classification checkpoint with one label, Granite with a head included.

transformers has no Granite class for sequence classification. Ours is the family's usual one: the backbone under
`model.`, a linear layer without bias as `score.weight` [1, hidden], read at the last token. vLLM serves the same
folder with `runner="pooling", convert="classify"`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.errors import ConfigError
from rlstack.models.chat import fenced
from rlstack.models.tokenizer import open_tokenizer

Conversation = Sequence[Mapping[str, Any]]

BATCH_TOKENS = 16_384  # of one forward pass, padding included


@functools.cache
def granite_class() -> Any:
    """The model class of a Granite with a scalar head; the auto class knows it from then on."""
    from transformers import AutoModelForSequenceClassification, GraniteConfig, GranitePreTrainedModel
    from transformers.modeling_layers import GenericForSequenceClassification

    class GraniteForSequenceClassification(GenericForSequenceClassification, GranitePreTrainedModel):
        """Granite with a linear head on the last token."""

    AutoModelForSequenceClassification.register(GraniteConfig, GraniteForSequenceClassification, exist_ok=True)
    return GraniteForSequenceClassification


@dataclass(frozen=True, slots=True)
class RewardModel:
    """A loaded scalar model. Larger is better; the scale is the model's own."""

    model: Any
    tokenizer: Any
    longest: int  # tokens of a conversation that are read, from its end

    def score(self, conversations: Sequence[Conversation]) -> list[float]:
        """One scalar per conversation, which ends with the turn to be judged."""
        import torch

        ids = [self._encode(conversation) for conversation in conversations]
        found = [0.0] * len(ids)
        pad = self.model.config.get_text_config().pad_token_id
        with torch.inference_mode():
            for batch in _batches([len(one) for one in ids], padded=pad is not None):
                width = max(len(ids[i]) for i in batch)
                rows = [ids[i] + [pad or 0] * (width - len(ids[i])) for i in batch]
                mask = [[1] * len(ids[i]) + [0] * (width - len(ids[i])) for i in batch]
                inputs = torch.tensor(rows, device=self.model.device)
                attention = torch.tensor(mask, device=self.model.device)
                logits = self.model(input_ids=inputs, attention_mask=attention).logits[:, 0].float()
                for i, value in zip(batch, logits.tolist(), strict=True):
                    found[i] = value
        return found

    def _encode(self, conversation: Conversation) -> list[int]:
        """Up to the end token of the last turn. A turn that spells out a control token gets it as plain text:
        else an answer could close itself and go on with a grateful user."""
        text = self.tokenizer.apply_chat_template(fenced(self.tokenizer, conversation), tokenize=False).rstrip()
        return self.tokenizer.encode(text, add_special_tokens=False)[-self.longest :]


def load(folder: str | Path, *, device: str = "cpu", dtype: str = "float32") -> RewardModel:
    """The model in a folder. Raises ConfigError when it is no scalar model, or its tokenizer has no chat template."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder = Path(folder).expanduser()
    if not (folder / "config.json").is_file():
        raise ConfigError(f"reward model: {folder.absolute()} holds no config.json, so it is no checkpoint")
    granite_class()
    config = AutoConfig.from_pretrained(str(folder))
    if config.num_labels != 1:
        raise ConfigError(
            f"reward model: {folder} has {config.num_labels} labels; a scalar model has num_labels=1 in its config.json"
        )
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            str(folder), dtype=dtype, output_loading_info=True
        )
    except ValueError as error:  # an architecture without such a class
        raise ConfigError(f"reward model: {folder} cannot be loaded: {str(error).splitlines()[0][:300]}") from error
    if missing := sorted(report["missing_keys"]):
        raise ConfigError(
            f"reward model: {folder} lacks {', '.join(missing[:3])}: its head was never trained, or is not named "
            "score.weight"
        )
    tokenizer = open_tokenizer(folder)
    if not tokenizer.chat_template:
        raise ConfigError(f"reward model: the tokenizer in {folder} has no chat template: add chat_template.jinja")
    longest = getattr(config.get_text_config(), "max_position_embeddings", None) or 8192
    return RewardModel(model.to(device).eval(), tokenizer, longest)


def _batches(lengths: Sequence[int], *, padded: bool) -> list[list[int]]:
    """Indices of conversations that are read together, of like length; one by one where nothing may be padded."""
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if padded and batches and (len(batches[-1]) + 1) * lengths[i] <= BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
