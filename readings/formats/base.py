"""The interface of formats."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from healthtrack.imports.opening import Container, Part
from readings.formats.batch import Batch


class Format(ABC):
    """One format of files. Pages show the `label`; `position` is the word for what `LINE` counts."""

    name: ClassVar[str]
    label: ClassVar[str]
    position: ClassVar[str] = "line"
    # Whether parts of several files of an upload may belong together, and not only those of one archive.
    spans_files: ClassVar[bool] = False

    def find_containers(self, parts: Sequence[Part]) -> Iterable[Sequence[Part]]:
        """Return the parts of one archive that belong together, such as all files of an export: one list for each.

        Formats whose files stand alone return nothing. The parts that are not returned are recognized one by one.
        """
        return ()

    @abstractmethod
    def recognize(self, part: Part) -> bool:
        """Return whether a single part has this format, by its content: see `Part.beginning`."""

    def is_meant(self, source: Part | Container) -> bool:
        """Return whether a file with this format is meant for readings: some have other contents as well."""
        return True

    @abstractmethod
    def read(self, part: Part | Container) -> Iterator[Batch]:
        """Yield the content of a part or container, in batches of bounded size.

        Raise FileError if nothing of it can be read.
        """
