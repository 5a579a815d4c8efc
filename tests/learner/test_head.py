"""The LM head in pieces against autograd through the whole logits, and against float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rlstack.learner.head import Softening, token_scores

TOKENS, HIDDEN, VOCABULARY = 37, 24, 301
WHOLE, PIECES, ONE_TOKEN = 4 * VOCABULARY * 1000, 4 * VOCABULARY * 8, 1  # piece_bytes
SOFT = Softening(scaling=1.7, temperature=0.6)


def inputs(dtype: torch.dtype = torch.float32, spread: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(TOKENS, HIDDEN, generator=generator, dtype=torch.float64) * spread
    head = torch.randn(VOCABULARY, HIDDEN, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, VOCABULARY, (TOKENS,), generator=generator)
    return hidden.to(dtype).requires_grad_(), head.to(dtype).requires_grad_(), targets


def by_autograd(hidden: Tensor, head: Tensor, targets: Tensor, soft: Softening) -> tuple[Tensor, Tensor]:
    """The whole logits, as transformers' Granite and a plain loss would have them."""
    logits = (hidden @ head.T) / soft.scaling
    logits = logits if logits.dtype == torch.float64 else logits.float()
    logp = (logits / soft.temperature).log_softmax(-1)
    return logp[torch.arange(len(targets)), targets], -(logp.exp() * logp).sum(-1)


def objective(logprobs: Tensor, entropy: Tensor | None) -> Tensor:
    """Another slope at each token, for both."""
    at = torch.linspace(-1.0, 2.0, len(logprobs), dtype=logprobs.dtype)
    value = (at * logprobs - 0.1 * logprobs.square()).sum()
    return value if entropy is None else value + (at.flip(0) * entropy.square()).sum()


def close(found: Tensor, wanted: Tensor, relative: float) -> None:
    assert torch.linalg.norm(found - wanted) <= relative * torch.linalg.norm(wanted)


@pytest.mark.parametrize("piece_bytes", [WHOLE, PIECES, ONE_TOKEN])
@pytest.mark.parametrize("entropy", [False, True])
@pytest.mark.parametrize("soft", [Softening(), SOFT])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_equal_the_whole_logits(piece_bytes, entropy, soft, dtype):
    relative = 1e-6 if dtype == torch.float32 else 1e-13
    hidden, head, targets = inputs(dtype)
    found = token_scores(hidden, head, targets, soft, piece_bytes=piece_bytes, entropy=entropy)
    slopes = torch.autograd.grad(objective(found.logprobs_M, found.entropy_M), (hidden, head))
    logprobs, h = by_autograd(hidden, head, targets, soft)
    wanted = torch.autograd.grad(objective(logprobs, h if entropy else None), (hidden, head))
    close(found.logprobs_M, logprobs, relative)
    if entropy:
        assert found.entropy_M is not None
        close(found.entropy_M, h, relative)
    else:
        assert found.entropy_M is None
    for mine, theirs in zip(slopes, wanted, strict=True):
        close(mine, theirs, relative)


@pytest.mark.parametrize("piece_bytes", [WHOLE, PIECES])
def test_bfloat16_rounds_as_the_whole_logits_do_and_no_worse(piece_bytes):
    hidden, head, targets = inputs(torch.bfloat16)
    found = token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes, entropy=True)
    slopes = torch.autograd.grad(objective(found.logprobs_M, found.entropy_M), (hidden, head))
    whole = by_autograd(hidden, head, targets, SOFT)
    theirs = torch.autograd.grad(objective(*whole), (hidden, head))
    close(found.logprobs_M, whole[0], 1e-6)
    close(found.entropy_M, whole[1], 1e-6)  # type: ignore[arg-type]
    exact_inputs = (hidden.detach().double().requires_grad_(), head.detach().double().requires_grad_())
    exact = torch.autograd.grad(objective(*by_autograd(*exact_inputs, targets, SOFT)), exact_inputs)
    for mine, full, truth in zip(slopes, theirs, exact, strict=True):
        assert mine.dtype == torch.bfloat16
        error, usual = torch.linalg.norm(mine.double() - truth), torch.linalg.norm(full.double() - truth)
        assert error <= 1.05 * usual


@pytest.mark.parametrize("piece_bytes", [WHOLE, PIECES])
def test_an_entropy_that_is_only_watched_changes_no_gradient(piece_bytes):
    hidden, head, targets = inputs()
    plain = token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes).logprobs_M
    watched = token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes, entropy=True).logprobs_M
    assert torch.equal(plain, watched)
    for one, two in zip(
        torch.autograd.grad(plain.sum(), (hidden, head)),
        torch.autograd.grad(watched.sum(), (hidden, head)),
        strict=True,
    ):
        assert torch.equal(one, two)


@pytest.mark.parametrize("piece_bytes", [WHOLE, PIECES])
def test_the_entropy_alone_has_a_gradient(piece_bytes):
    hidden, head, targets = inputs(torch.float64)
    found = token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes, entropy=True)
    assert found.entropy_M is not None
    slopes = torch.autograd.grad(found.entropy_M.square().sum(), (hidden, head))
    wanted = torch.autograd.grad(by_autograd(hidden, head, targets, SOFT)[1].square().sum(), (hidden, head))
    for mine, theirs in zip(slopes, wanted, strict=True):
        close(mine, theirs, 1e-12)


def test_a_tied_embedding_gets_both_gradients():
    _, head, targets = inputs(torch.float64)
    ids = targets.flip(0)

    def slope(scores) -> Tensor:
        hidden = torch.tanh(head[ids])  # the embedding is the head
        return torch.autograd.grad(scores(hidden), head)[0]

    found = slope(lambda h: objective(token_scores(h, head, targets, SOFT, piece_bytes=PIECES).logprobs_M, None))
    close(found, slope(lambda h: objective(by_autograd(h, head, targets, SOFT)[0], None)), 1e-13)


@pytest.mark.parametrize("frozen", ["hidden", "head"])
def test_what_is_frozen_costs_no_gradient(frozen):
    hidden, head, targets = inputs(torch.float64)
    still, moving = (hidden, head) if frozen == "hidden" else (head, hidden)
    still.requires_grad_(False)
    token_scores(hidden, head, targets, piece_bytes=PIECES).logprobs_M.sum().backward()
    assert still.grad is None
    assert moving.grad is not None


@pytest.mark.parametrize("piece_bytes", [WHOLE, PIECES])
def test_forbidden_tokens_and_huge_logits_stay_finite(piece_bytes):
    hidden, head, targets = inputs(spread=300.0)
    found = token_scores(hidden, head, targets, piece_bytes=piece_bytes, entropy=True)
    assert found.entropy_M is not None
    slopes = torch.autograd.grad(objective(found.logprobs_M, found.entropy_M), (hidden, head))
    assert all(x.isfinite().all() for x in (found.logprobs_M, found.entropy_M, *slopes))
    assert (found.entropy_M >= -1e-4).all()


def test_backward_may_run_twice():
    hidden, head, targets = inputs()
    for piece_bytes in (WHOLE, PIECES):
        value = token_scores(hidden, head, targets, SOFT, piece_bytes=piece_bytes, entropy=True).logprobs_M.sum()
        first = torch.autograd.grad(value, (hidden, head), retain_graph=True)
        second = torch.autograd.grad(value, (hidden, head))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
