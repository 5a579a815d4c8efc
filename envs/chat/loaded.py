"""Prompts of general chat: `{"prompt" | "question" | "instruction" | "messages", "language"?}`, without answers."""

from __future__ import annotations

from rlstack.api import Row
from rlstack.envs.loaded import Record, dialogue

LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "czech": "cs", "japanese": "ja", "chinese": "zh", "korean": "ko", "arabic": "ar",
}  # fmt: skip


def row(record: Record) -> Row:
    """The conversation up to the turn that is to be answered; the stand-in rules judge against that turn."""
    messages = dialogue(record)
    language = str(record.get("language") or "en").lower()
    data = {"prompt": messages[-1]["content"], "language": LANGUAGES.get(language, language), "max_words": 600}
    return Row(messages, data, "")
