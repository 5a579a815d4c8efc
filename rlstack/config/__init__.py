"""Configuration: Hydra composes `recipes/`, pydantic validates. Imports no torch, ray or vllm."""
