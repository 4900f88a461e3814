"""Change values of JSON at random places, for property tests of readers."""

import json
from typing import Any

from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def mutate(valid: Any, data: st.DataObject) -> Any:
    """Return a copy of a value in which up to three parts are something else, or missing."""
    copy = json.loads(json.dumps(valid))
    for _ in range(data.draw(st.integers(1, 3))):
        _change(copy, data)
    return copy


def _change(place: Any, data: st.DataObject) -> None:
    """Change one part of an object or list, at any depth."""
    while keys := list(range(len(place))) if isinstance(place, list) else list(place):
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and data.draw(st.booleans()):
            place = place[key]
        elif data.draw(st.booleans()):
            del place[key]
            return
        else:
            place[key] = data.draw(VALUES)
            return
