"""What imports report about the links between patients and tracker models."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LinkCounts:
    """The numbers of patients by the match of their reported tracker.

    `linked` patients have a match, and `ambiguous` counts those of them with matches of several brands. The reported
    tracker of `unmatched` patients has no match.
    """

    linked: int = 0
    unmatched: int = 0
    ambiguous: int = 0

    def as_effects(self) -> dict[str, int]:
        return asdict(self)

    def __str__(self) -> str:
        linked, unmatched = _count_patients(self.linked), _count_patients(self.unmatched)
        return (
            f"{linked} linked by the reported tracker, {self.ambiguous:,} of them to models of several brands;"
            f" {unmatched} with an unmatched tracker"
        )


def _count_patients(number: int) -> str:
    return f"{number:,} patient{'' if number == 1 else 's'}"
