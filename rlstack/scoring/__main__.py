"""Starts the scoring server; only the driver runs this (rlstack/scoring/launch.py)."""

from rlstack.scoring.server import main

main()
