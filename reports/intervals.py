from math import sqrt

Z = 1.959964  # quantile of the normal distribution for a confidence of 95 %


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of the share part / whole, after Wilson; it also suits small counts."""
    if not whole:
        return 0.0, 1.0
    share = part / whole
    middle = share + Z * Z / (2 * whole)
    reach = Z * sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    size = 1 + Z * Z / whole
    return max((middle - reach) / size, 0.0), min((middle + reach) / size, 1.0)
