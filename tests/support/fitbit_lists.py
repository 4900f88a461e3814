"""Entries of the lists of Google Takeout of Fitbit."""

from typing import Any


def night() -> dict[str, Any]:
    """Return a night of two stages, with a short awakening."""
    return {
        "logId": 17,
        "dateOfSleep": "2024-01-15",
        "startTime": "2024-01-14T22:36:00.000",
        "endTime": "2024-01-15T06:42:00.000",
        "type": "stages",
        "levels": {
            "data": [
                {"dateTime": "2024-01-14T22:36:00.000", "level": "light", "seconds": 3600},
                {"dateTime": "2024-01-14T23:36:00.000", "level": "deep", "seconds": 25560},
            ],
            "shortData": [{"dateTime": "2024-01-15T01:00:00.000", "level": "wake", "seconds": 60}],
        },
    }
