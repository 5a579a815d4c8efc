"""Memory and time of a step, predicted from counted bytes and FLOPs: `rlstack plan`. Imports no torch."""
