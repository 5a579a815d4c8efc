"""Seconds and memory of learner updates and rollouts in processes of their own, without Ray."""
