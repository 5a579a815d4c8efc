"""The mathematics of group-relative policy optimisation: pure functions, no I/O, no configuration state.

    advantage   scores of a group or batch → one number per sample          numpy
    reduction   lengths → weight of each sequence's tokens, one normaliser  numpy
    tokens      masked, bounded, weighted sums: what all token losses share  torch
    loss        log-probs, advantages, weights → sum over tokens            torch
    kl, entropy the regularisers, over the same tokens and normaliser       torch
    mismatch    engine against learner: gaps (numpy), importance weights    torch

Formulas, papers and the tests that prove them: docs/algorithms.md.
"""
