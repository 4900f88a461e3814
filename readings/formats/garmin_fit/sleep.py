"""The stages of sleep in a FIT file: each lasts until the next one begins."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from readings.formats.garmin_fit.messages import Message

_STAGES = {"awake": "awake", "light": "light", "deep": "deep", "rem": "rem"}


class Sleep:
    """Collects the stages of a file."""

    MESSAGES = frozenset({"sleep_level"})

    def __init__(self) -> None:
        self.levels: list[tuple[int, int, str]] = []
        self.left_out: Counter[str] = Counter()

    def add(self, message: Message, timestamp: int) -> None:
        """Note that a stage begins."""
        self.levels.append((message.record, timestamp, _STAGES.get(message.texts.get("sleep_level", ""), "")))

    def list_stages(self) -> Iterator[tuple[int, int, int, str]]:
        """Yield record, start, end and name of each stage. The end of the last one is unknown."""
        levels = sorted(self.levels, key=lambda level: level[1])
        for (record, start, stage), (_, end, _) in pairwise(levels):
            if stage and start < end:
                yield record, start, end, stage
            else:
                self.left_out["sleep that the device could not measure"] += 1
        if levels:
            self.left_out["last stages of sleep, without an end"] += 1
