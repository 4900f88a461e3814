"""The PostgreSQL releases that had no known vulnerability when this version of HealthTrack was released."""

MIN_SECURE_MINOR = {15: 20, 16: 16, 17: 12, 18: 7}  # by major version
MAJOR = 10_000  # PostgreSQL writes 18.7 as 180007


def is_secure(version: int) -> bool:
    """Return whether HealthTrack supports the server's major version and it has the security fixes."""
    return version // MAJOR in MIN_SECURE_MINOR and not describe_if_outdated(version)


def describe_if_outdated(version: int) -> str:
    """Return a sentence if the server of this version lacks security fixes; otherwise an empty text."""
    major, minor = divmod(version, MAJOR)
    secure = MIN_SECURE_MINOR.get(major)
    if secure is None or minor >= secure:
        return ""
    return (
        f"PostgreSQL {major}.{minor} lacks security fixes: install {major}.{secure} or newer. If it is the embedded"
        " one, set HEALTHTRACK_PG_BIN to the programs of a newer PostgreSQL, or DATABASE_URL to a newer server."
    )
