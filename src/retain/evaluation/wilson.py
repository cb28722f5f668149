"""The interval of a share."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""The standard normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share: never outside [0, 1], honest for few cases and for 0 or n hits.

    Formula: ``(q + z²/2n ± z·sqrt(q(1 - q)/n + z²/4n²)) / (1 + z²/n)`` with q = hits / n and z = 1.96.
    NaN for n = 0.

    Source: Wilson 1927, Journal of the American Statistical Association 22:209-212.

    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    if n == 0:
        return math.nan, math.nan
    share, zz = hits / n, Z95 * Z95 / n
    middle = share + zz / 2
    reach = Z95 * math.sqrt(share * (1 - share) / n + zz / (4 * n))
    # At 0 and n hits one end is the share itself, which rounding would miss.
    low = 0.0 if hits == 0 else (middle - reach) / (1 + zz)
    high = 1.0 if hits == n else (middle + reach) / (1 + zz)
    return low, high
