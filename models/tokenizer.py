"""The tiny model's tokenizer: a small byte-level BPE with Granite's special tokens; and safe loading of any.

Digits are single tokens and punctuation marks are never merged, so that numbers, JSON and SQL are spelt in
one way only; every text can be encoded, whatever its language.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlstack.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END_OF_TEXT, PAD = "<|end_of_text|>", "<|pad|>"
ROLE_TAGS = ("<|start_of_role|>", "<|end_of_role|>")
SPECIAL_TOKENS = (PAD, END_OF_TEXT, *ROLE_TAGS)
PIECES = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]|\s"
PROBE = 'Ann has 37 pens,  and\n\tDon\'t… {"a": [1, 20.5]} SELECT x FROM t; Größe 漢字 <|end_of_text|> <tool_call>'


def train(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A tokenizer of exactly `vocab_size` ids, the special tokens last. Raises ValueError on too little text."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    if tokenizer.get_vocab_size() != vocab_size:
        raise ValueError(f"the texts give {tokenizer.get_vocab_size()} tokens, not {vocab_size}: add text")
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes what `AutoTokenizer.from_pretrained(folder)` reads, the chat template included."""
    from transformers import PreTrainedTokenizerFast

    from rlstack.models.chat import inference_template

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        chat_template=inference_template(),
    )
    wrapped.save_pretrained(str(folder))


def open_tokenizer(folder: Path, *, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a checkpoint folder, checked against its own tokenizer.json.

    A wrong class tag in tokenizer_config.json makes transformers swap the rule that splits the text, without a
    word; so a probe text must give the same ids both ways. Raises ConfigError when it does not.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=trust_remote_code)
    file = folder / "tokenizer.json"
    if file.exists():
        from tokenizers import Tokenizer

        expected = Tokenizer.from_file(str(file)).encode(PROBE, add_special_tokens=False).ids
        found = tokenizer.encode(PROBE, add_special_tokens=False)
        if found != expected:
            raise ConfigError(
                f"the tokenizer in {folder} loads as {type(tokenizer).__name__} and gives other ids than its "
                f'tokenizer.json ({found[:8]}… against {expected[:8]}…). Set "tokenizer_class": '
                '"PreTrainedTokenizerFast" in its tokenizer_config.json'
            )
    return tokenizer
