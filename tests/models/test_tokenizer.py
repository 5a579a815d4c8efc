"""The tiny tokenizer: any text survives, digits stand alone, and a wrong class tag is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from rlstack.errors import ConfigError
from rlstack.models import tokenizer
from rlstack.models.tokenizer import PROBE, open_tokenizer, train

TINY = Path(tokenizer.__file__).parent / "tiny" / "tokenizer"


@pytest.fixture(scope="module")
def tok() -> Any:
    return open_tokenizer(TINY)


@pytest.mark.parametrize(
    "text", [PROBE, "", " ", "\t\r\n\n", "Ümläut ß 漢字 עברית 🙂", 'SELECT "a"  FROM t -- x', "\x00\x7f"]
)
def test_every_text_survives(tok: Any, text: str) -> None:
    assert tok.decode(tok.encode(text, add_special_tokens=False)) == text


def test_digits_and_marks_stand_alone(tok: Any) -> None:
    assert tok.tokenize("1234") == ["1", "2", "3", "4"]
    assert tok.tokenize("{{}}") == ["{", "{", "}", "}"]
    pieces = [tok.decode([i]) for i in range(len(tok)) if i not in tok.all_special_ids]
    assert all(len(piece) == 1 for piece in pieces if any(c.isdigit() for c in piece))


def test_training_fills_the_vocabulary_or_says_so() -> None:
    texts = ["the quick brown fox jumps over the lazy dog again and again"] * 5
    assert train(texts, 280).get_vocab_size() == 280
    with pytest.raises(ValueError, match="add text"):
        train(texts, 5000)


def test_a_class_tag_that_changes_the_splitting_is_refused(tmp_path: Path) -> None:
    """`GPT2Tokenizer` makes transformers replace the rule that splits the text, silently."""
    unsplit = Tokenizer(models.BPE())
    unsplit.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    unsplit.train_from_iterator([PROBE] * 9, trainers.BpeTrainer(vocab_size=400, show_progress=False))
    PreTrainedTokenizerFast(tokenizer_object=unsplit).save_pretrained(str(tmp_path))
    assert len(open_tokenizer(tmp_path).encode(PROBE)) < 5
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "tokenizer_class": "GPT2Tokenizer"}))
    with pytest.raises(ConfigError, match="other ids"):
        open_tokenizer(tmp_path)
