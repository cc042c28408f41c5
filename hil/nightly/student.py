"""How likely chance alone gives a value of Student's t or more, for any whole number of degrees of freedom. Pure."""

from __future__ import annotations

import math


def two_sided(t: float, degrees: int) -> float:
    """Probability that the absolute value of Student's t is at least this large.

    Closed forms 26.7.3 and 26.7.4 of Abramowitz and Stegun; exact to about 1e-15, absolute.

    Args:
        t: at least 0; infinity is allowed.
        degrees: of freedom, at least 1.
    """
    if math.isinf(t):
        return 0.0
    angle = math.atan2(t, math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term = total = cosine if odd else 1.0
    if degrees == 1:
        total = 0.0
    for number in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine**2 * (number - 1) / number
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return max(0.0, 1.0 - inside)
