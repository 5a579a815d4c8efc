"""Messages to token ids: the role-tag template, its training version with assistant masks, stop tokens.

`chat_template.jinja` holds both versions: with its generation markers it is the training template, without
them the one that travels with a checkpoint (other renderers do not know the markers).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlstack.config.model import ModelConfig
from rlstack.errors import ConfigError
from rlstack.models.tokenizer import END_OF_TEXT, ROLE_TAGS, open_tokenizer

_SOURCE = Path(__file__).parent / "chat_template.jinja"
_MARKER = re.compile(r"\{% (?:end)?generation %\}\n?")


@functools.cache
def training_template() -> str:
    """The role-tag template with markers around what the assistant writes, its end token included."""
    return _SOURCE.read_text()


@functools.cache
def inference_template() -> str:
    """The same template without the markers; renders the same text."""
    return _MARKER.sub("", training_template())


def load_tokenizer(model: ModelConfig, folder: Path) -> Any:
    """The tokenizer of a checkpoint folder, with the chat template that the configuration asks for.

    Raises ConfigError when the template cannot be used with this tokenizer, or when the loaded tokenizer
    gives other ids than its own tokenizer.json.
    """
    tokenizer = open_tokenizer(folder, trust_remote_code=model.trust_remote_code)
    if model.chat_template == "own":
        missing = [tag for tag in (*ROLE_TAGS, END_OF_TEXT) if tag not in tokenizer.get_vocab()]
        if missing:
            raise ConfigError(
                f"model.chat_template=own needs the tokens {', '.join(missing)}, which the tokenizer in {folder} "
                "does not have. Write model.chat_template=tokenizer to use the template that ships with it"
            )
        tokenizer.chat_template = inference_template()
    elif not tokenizer.chat_template:
        raise ConfigError(
            f"model.chat_template=tokenizer, but the tokenizer in {folder} ships no chat template: "
            "add chat_template.jinja to the folder, or write model.chat_template=own"
        )
    return tokenizer


def render(
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
) -> tuple[int, ...]:
    """Token ids of a conversation, up to where the assistant is to write. What it says is plain text (`fenced`)."""
    text = tokenizer.apply_chat_template(
        fenced(tokenizer, messages), tools=tools, documents=documents, add_generation_prompt=True, tokenize=False
    )
    return tuple(tokenizer.encode(text, add_special_tokens=False))


def fenced(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with a blank inside every control token that their text spells out.

    Else a task from a data set, a tool's output that quotes the model, or an answer before a reward model could end
    its turn and go on in another role.
    """
    controls = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return [
        {key: _fenced(value, controls) if key == "content" else value for key, value in message.items()}
        for message in messages
    ]


def _fenced(content: Any, controls: Sequence[str]) -> Any:
    if not isinstance(content, str):
        return content
    for control in controls:
        if len(control) > 1 and control in content:
            content = content.replace(control, f"{control[0]} {control[1:]}")
    return content


def render_reply(tokenizer: Any, replies: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """Token ids that follow what the assistant wrote: its end token, the replies, up to where it is to write again.

    Rendered on its own, so that the ids before it stay as they were sampled; a template whose replies depend on
    earlier turns cannot be continued so. Raises ConfigError where the template hides what the assistant wrote.
    """
    mark = "\ue000"  # private use: in no template
    before = [{"role": "user", "content": "?"}, {"role": "assistant", "content": mark}]
    text = tokenizer.apply_chat_template(
        [*before, *fenced(tokenizer, replies)], add_generation_prompt=True, tokenize=False
    )
    _, found, after = text.partition(mark)
    if not found:
        raise ConfigError(
            "model.chat_template=tokenizer: this checkpoint's template leaves out what the assistant wrote, so a "
            "conversation cannot go on. Write model.chat_template=own"
        )
    return tuple(tokenizer.encode(after, add_special_tokens=False))


def encode_training(
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Token ids [T] of a whole conversation and the mask [T] of what the assistant wrote.

    The mask covers each assistant turn's content and its end token, nothing of the tags before it. A foreign
    template without generation markers is masked by rendering the conversation turn by turn; ConfigError
    when its turns depend on later ones, so that this cannot be done.
    """
    template = tokenizer.chat_template
    if template == inference_template():
        template = training_template()
    if "generation" not in re.sub(r"add_generation_prompt", "", template):
        return _masked_by_turns(tokenizer, messages, tools, documents)
    encoded = tokenizer.apply_chat_template(
        list(messages),
        tools=tools,
        documents=documents,
        chat_template=template,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    return np.asarray(encoded["input_ids"], np.int32), np.asarray(encoded["assistant_masks"], np.bool_)


def _masked_by_turns(
    tokenizer: Any, messages: Sequence[Mapping[str, Any]], tools: Any, documents: Any
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    def text(upto: int, prompt: bool) -> str:
        return tokenizer.apply_chat_template(
            list(messages[:upto]), tools=tools, documents=documents, add_generation_prompt=prompt, tokenize=False
        )

    whole = text(len(messages), False)
    spans = []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, after = text(i, True), text(i + 1, False)
        if not (whole.startswith(after) and after.startswith(before)):
            raise ConfigError(
                "model.chat_template=tokenizer: this checkpoint's template rewrites earlier turns, so the assistant's "
                "tokens cannot be found. Add {% generation %} markers to it, or write model.chat_template=own"
            )
        spans.append((len(before), len(before) + len(after[len(before) :].rstrip())))
    encoded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    offsets = np.asarray(encoded["offset_mapping"]).reshape(-1, 2)
    mask = np.zeros(len(offsets), np.bool_)
    for begin, end in spans:
        mask |= (offsets[:, 0] >= begin) & (offsets[:, 1] <= end) & (offsets[:, 1] > offsets[:, 0])
    return np.asarray(encoded["input_ids"], np.int32), mask


def stop_ids(tokenizer: Any, folder: Path) -> tuple[int, ...]:
    """Every token id that ends a turn: the tokenizer's, and those that the checkpoint's configs name."""
    found: set[int] = set()
    if tokenizer.eos_token_id is not None:
        found.add(int(tokenizer.eos_token_id))
    for name in ("config.json", "generation_config.json"):
        if not (folder / name).exists():
            continue
        ids = json.loads((folder / name).read_text()).get("eos_token_id")
        found.update([] if ids is None else ids if isinstance(ids, list) else [ids])
    return tuple(sorted(found))
