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
        """Return the numbers that are not zero in words, without a full stop; empty if there are none."""
        ambiguous = f", {self.ambiguous:,} of them to models of several brands" if self.ambiguous else ""
        linked = f"{_count_patients(self.linked)} linked by the reported tracker{ambiguous}" if self.linked else ""
        unmatched = f"{_count_patients(self.unmatched)} with an unmatched tracker" if self.unmatched else ""
        return "; ".join(filter(None, [linked, unmatched]))


def _count_patients(number: int) -> str:
    return f"{number:,} patient{'' if number == 1 else 's'}"
