"""Lengths as answers of a mixed workload have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def log_normal(
    n: int, seed: int, *, median: float = 180.0, sigma: float = 0.9, longest: int = 1024
) -> NDArray[np.int64]:
    drawn = np.random.default_rng(seed).lognormal(np.log(median), sigma, n)
    return np.clip(drawn.astype(np.int64), 8, longest)
