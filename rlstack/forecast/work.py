"""FLOPs and bytes of one RL step, counted from shapes.

A product of [a, b] and [b, c] counts 2abc. Backward counts twice its forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlstack.config.rl import RLStage
from rlstack.plan import Dimensions

_PASSES = 3  # forward, and a backward pass of twice its cost


@dataclass(frozen=True, slots=True)
class Work:
    """A step's sequences."""

    prompts: int
    samples: int  # of each prompt
    prompt_tokens: float  # mean
    completion_tokens: float  # mean
    updates: int = 1
    reference: bool = True
    recompute: bool = False  # gradient checkpointing: one more forward pass
    adapters: bool = False  # most weights take no gradient: the backward pass costs its forward once

    @property
    def rows(self) -> int:
        return self.prompts * self.samples

    @property
    def trained(self) -> float:
        """Tokens whose log-probs enter the loss."""
        return self.rows * self.completion_tokens

    @property
    def computed(self) -> float:
        """Tokens that go through the decoder, prompts once per group."""
        return self.prompts * self.prompt_tokens + self.trained

    @classmethod
    def of(
        cls, stage: RLStage, prompt_tokens: float, completion_tokens: float, *,
        recompute: bool = False, adapters: bool = False,
    ) -> Work:  # fmt: skip
        return cls(
            stage.prompts_per_step,
            stage.sampling.samples_per_prompt,
            prompt_tokens,
            completion_tokens,
            stage.updates_per_step,
            stage.kl.beta > 0,
            recompute,
            adapters,
        )


def layer_weights(dims: Dimensions) -> int:
    """Elements of all matrices of the decoder, without embeddings."""
    attention = dims.hidden * (2 * dims.query + 2 * dims.key_value)
    return dims.layers * (attention + 3 * dims.hidden * dims.mlp)


def attention_pairs(work: Work) -> float:
    """Pairs of a query and a key that it sees."""
    own = work.completion_tokens * (work.prompt_tokens + work.completion_tokens / 2)
    return work.rows * own + work.prompts * work.prompt_tokens**2 / 2


def forward_flops(dims: Dimensions, work: Work) -> float:
    """Of one pass over the step's tokens in the learner: logits only where a token is trained."""
    matrices = 2.0 * layer_weights(dims) * work.computed
    head = 2.0 * dims.vocab * dims.hidden * work.trained
    return matrices + head + 4.0 * dims.layers * dims.query * attention_pairs(work)


def learner_flops(dims: Dimensions, work: Work) -> float:
    """Of all updates of a step, over all ranks."""
    passes = _PASSES - work.adapters + work.reference + work.recompute
    return work.updates * passes * forward_flops(dims, work)


def elementwise_bytes(dims: Dimensions, work: Work, bytes_each: int) -> float:
    """Written and read by what is no matrix product: norms, rotation, gates, softmax over the vocabulary.

    Two accesses forward and four backward for each of the tensors that `plan.learner_memory` counts.
    """
    width = dims.layers * (4 * dims.hidden + 2 * dims.query + 2 * dims.key_value + 3 * dims.mlp)
    passes = 6 + 2 * work.reference + 2 * work.recompute
    values = passes * (width * work.computed + dims.vocab * work.trained)
    return work.updates * values * bytes_each


def optimizer_bytes(trained: int, updates: int) -> float:
    """AdamW reads weight, gradient and two moments and writes three of them, in float32; the gradient's norm reads
    once more."""
    return 8.0 * 4 * trained * updates


def decode_flops(dims: Dimensions, work: Work) -> float:
    """Of sampling all completions: one token at a time through the decoder and the head."""
    each = 2.0 * (layer_weights(dims) + dims.vocab * dims.hidden)
    return each * work.trained + 4.0 * dims.layers * dims.query * attention_pairs(work)


def prefill_flops(dims: Dimensions, work: Work) -> float:
    """Of all prompts, each once: the prefix cache serves the other samples of its group."""
    return 2.0 * layer_weights(dims) * work.prompts * work.prompt_tokens
