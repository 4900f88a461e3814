"""What imports report about the links between patients and tracker models."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class LinkCounts:
    """Patients by what their reported tracker names.

    `linked` are linked to models, `ambiguous` those of them whose tracker names models of several brands. The tracker
    of the `unmatched` names no model.
    """

    linked: int = 0
    unmatched: int = 0
    ambiguous: int = 0

    def as_effects(self) -> dict[str, int]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.linked:,} patients linked by the tracker that they state, {self.ambiguous:,} of them to models of"
            f" several brands; {self.unmatched:,} patients state a tracker that no model answers to"
        )
