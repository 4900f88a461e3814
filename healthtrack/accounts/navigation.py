"""The entry of this app in the navigation."""

from collections.abc import Iterator

from healthtrack.core.navigation import Entry
from healthtrack.core.permissions import has_all


def entries() -> Iterator[Entry]:
    """Yield the entry of the sign-in events."""
    yield Entry("Administration", "Sign-in events", "sign-in-events", 70, has_all("signin.view_signinevent"))
