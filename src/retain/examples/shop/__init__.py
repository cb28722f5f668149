"""A shop that never was: every table of the contract for the same customers, and the truth behind them."""

from __future__ import annotations

from retain.examples.shop.write import ShopManifest, best_possible, write

__all__ = ["ShopManifest", "best_possible", "write"]
