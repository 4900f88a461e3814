"""The patients of an upload, by what Observations call them: with the number of their medical record."""

from healthtrack.imports.fhir.resources import Place, Resource
from patients.fhir.elements import Content, UnreadableError, get_object
from patients.fhir.patients import read_person
from patients.fhir.references import References, list_names, read_reference
from readings.formats.fhir.codes import get_code

_TYPE = "Patient/"
_NO_NUMBER = "The Patient resource that this refers to has no medical record number that can be read."


class Subjects:
    """The patients of an upload. `find` raises UnreadableError if nobody can say which record is meant."""

    def __init__(self) -> None:
        self._numbers: list[str] = []
        self._references = References()
        self._found: dict[str, str] = {}

    def add(self, resource: Resource) -> None:
        """Add a Patient. Raise OtherVersionError if the resource is of another version of FHIR."""
        person = read_person(resource.content)
        self._references.add(len(self._numbers), person, list_names(resource, person))
        self._numbers.append(person.number)

    def find(self, content: Content, place: Place) -> str | None:
        """Return the number of the patient of an Observation; None if it names none.

        Without the patient's resource in the upload, it is the id, or the identifier by which the patient is named.
        """
        target = get_object(content, "subject")
        if not target:
            return None
        text = get_code(target, "reference")
        if text.startswith(_TYPE):  # means the same everywhere
            number = self._found.get(text)
            if number is None:
                number = self._found[text] = self._look_up(content, place)
            return number or None
        return self._look_up(content, place) or None

    def _look_up(self, content: Content, place: Place) -> str:
        reference = read_reference(content, "subject", place)
        known = self._references.find(reference)
        if known is None:
            name = reference.rpartition(" ")[2].removeprefix("urn:uuid:").removeprefix("?")
            return name.rpartition("/")[2].rpartition("|")[2]
        if not self._numbers[known]:
            raise UnreadableError("subject", get_code(get_object(content, "subject"), "reference"), _NO_NUMBER)
        return self._numbers[known]
