"""Shared pieces of the rewards for JSON, YAML, CSV, XML and tool calls."""
