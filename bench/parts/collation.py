"""Samples → the tensors of a model's call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from parts.lengths import log_normal

_PROMPTS, _SAMPLES, _MICRO_TOKENS = 16, 16, 16384


def prepare(sides: Sequence[str]) -> tuple[dict[str, Callable[[], object]], str]:
    import torch

    from rlstack.data.batch import Batch, behind_prompts, shared_items
    from rlstack.data.packing import balance
    from rlstack.learner.microbatch import micro_batch

    rng = np.random.default_rng(1)
    prompts = [rng.integers(2, 1000, int(n)).astype(np.int32) for n in log_normal(_PROMPTS, 1, median=90)]
    answers = [rng.integers(2, 1000, int(n)).astype(np.int32) for n in log_normal(_PROMPTS * _SAMPLES, 2)]
    logprobs = [rng.normal(-2, 1, len(a)).astype(np.float32) for a in answers]
    prompt_of = [prompts[i // _SAMPLES] for i in range(len(answers))]
    names = [str(i // _SAMPLES) for i in range(len(answers))]
    device = torch.device("cpu")

    def ours() -> list:
        prompt_lengths = np.array([len(p) for p in prompt_of])
        lengths = prompt_lengths + [len(a) for a in answers]
        trained = behind_prompts([np.ones(len(a), bool) for a in answers], prompt_lengths, np.bool_)
        batch = Batch(
            np.concatenate([x for pair in zip(prompt_of, answers, strict=True) for x in pair]), lengths,
            prompt_lengths, trained, behind_prompts(logprobs, prompt_lengths, np.float32),
            np.zeros(len(trained), np.float32), np.ones(len(trained), np.float32), float(trained.sum()),
        )  # fmt: skip
        items = shared_items(names, batch, _MICRO_TOKENS)
        (plan,) = balance([batch.item_tokens(item) for item in items], 1, _MICRO_TOKENS)
        return [micro_batch(batch, [items[i] for i in micro], device) for micro in plan]

    actions: dict[str, Callable[[], object]] = {"ours": ours}
    packed = sum(m.tokens_1N.shape[1] for m in ours())
    padded = len(answers) * (max(map(len, prompts)) + max(map(len, answers)))
    if "trl" in sides:
        from trl.trainer.utils import pad

        def trl() -> list:
            ids = [torch.from_numpy(p) for p in prompt_of], [torch.from_numpy(a) for a in answers]
            masks = [torch.ones_like(x) for x in ids[0]], [torch.ones_like(x) for x in ids[1]]
            left = [pad(x, padding_value=0, padding_side="left") for x in (ids[0], masks[0])]
            right = [pad(x, padding_value=0, padding_side="right") for x in (ids[1], masks[1])]
            chosen = pad([torch.from_numpy(x) for x in logprobs], padding_value=0.0, padding_side="right")
            return [*left, *right, chosen, torch.cat([left[0], right[0]], dim=1), torch.cat([left[1], right[1]], dim=1)]

        actions["trl"] = trl
    if "verl" in sides:
        from verl.utils.torch_functional import pad_2d_list_to_length, pad_sequence_to_length

        lists = [a.tolist() for a in answers], [x.tolist() for x in logprobs]  # what its rollout workers hand over
        longest = max(map(len, prompts))

        def verl() -> list:
            left = [pad_sequence_to_length(torch.from_numpy(p)[None], longest, 0, left_pad=True) for p in prompt_of]
            right, chosen = pad_2d_list_to_length(lists[0], 0), pad_2d_list_to_length(lists[1], 0.0)
            ids = torch.cat([torch.cat(left), right], dim=1)
            return [ids, (ids != 0).long(), chosen]

        actions["verl"] = verl
    said = f"{len(answers)} samples; tokens through the model: ours {packed:,}, padded rectangles {padded:,}"
    return actions, f"{said} ({padded / packed:.1f} times)"
