"""What other apps do when tracker models, or the names that staff resolve to them, change.

This app knows no patients. The app that links patients to models registers one follower in its AppConfig.ready. Apps
whose data names models register observers. Whoever changes models or names calls `announce_models` or `announce_names`.
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


@dataclass(frozen=True)
class ModelObserver:
    """The functions of an app whose data names models, called after those of the follower.

    `models_changed` receives the keys of new or renamed models, `names_changed` tracker names that staff have just
    resolved or unresolved.
    """

    models_changed: Callable[[Sequence[int]], None]
    names_changed: Callable[[Sequence[str]], None]


_followers: list[ModelFollower] = []
_observers: list[ModelObserver] = []


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


def register_observer(observer: ModelObserver) -> None:
    """Register an observer; call it in AppConfig.ready."""
    _observers.append(observer)


def announce_models(keys: Sequence[int]) -> None:
    """Tell the follower and the observers which models are new or renamed, within the transaction that changed them."""
    follower().link(keys)
    for observer in _observers:
        observer.models_changed(keys)


def announce_names(names: Sequence[str]) -> None:
    """Tell the follower and the observers which tracker names were resolved or unresolved."""
    follower().relink_names(names)
    for observer in _observers:
        observer.names_changed(names)
