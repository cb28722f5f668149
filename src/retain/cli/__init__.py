"""The command line: one file a verb, each parses, calls one function of the pipeline, and shows what came back."""

from __future__ import annotations

from retain.cli.app import main

__all__ = ["main"]
