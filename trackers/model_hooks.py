"""What another app does when tracker models, or the names that staff resolve to them, change.

This app knows no patients. The app that links patients to models registers one follower in its AppConfig.ready.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from trackers.links import LinkCounts


@dataclass(frozen=True)
class ModelFollower:
    """The functions of the app that links patients.

    `link` and `count_links` receive the keys of new or renamed models. `count_links` counts what `link` would do, and
    changes nothing. `relink_names` receives tracker names that staff have just resolved or unresolved.
    """

    link: Callable[[Sequence[int]], None]
    count_links: Callable[[Sequence[int]], LinkCounts]
    relink_names: Callable[[Sequence[str]], None]


_followers: list[ModelFollower] = []


def register(follower: ModelFollower) -> None:
    """Register the only follower; call it in AppConfig.ready."""
    if _followers:
        raise ImproperlyConfigured("Another app already follows the changes of tracker models.")
    _followers.append(follower)


def follower() -> ModelFollower:
    """Return the registered follower."""
    if not _followers:
        raise ImproperlyConfigured("No app follows the changes of tracker models.")
    return _followers[0]
