"""The devices of an upload, by what Observations call them."""

from typing import NamedTuple

from healthtrack.imports.fhir.resources import Place, Resource
from patients.fhir.elements import Content, get_object, get_text, iterate_objects
from patients.fhir.references import read_reference

_NAME_TYPES = ("model-name", "manufacturer-name", "user-friendly-name")


class Source(NamedTuple):
    """A device: what a stream calls it, its serial number, and the name of its model; None for what is not known."""

    device: str | None = None
    serial_number: str | None = None
    model: str | None = None


NO_SOURCE = Source()


class Sources:
    """The devices of an upload."""

    def __init__(self) -> None:
        self._sources: list[Source] = []
        self._keys: list[str] = []  # the maker's key of each
        self._by_name: dict[str, int] = {}
        self._of_metrics: dict[str, str] = {}  # parts of devices, by name, with the name of the device
        self._used: set[int] = set()

    @property
    def unused(self) -> int:
        """Return how many of the devices no Observation or statement referred to."""
        return len(self._sources) - len(self._used)

    def add(self, resource: Resource) -> None:
        """Add a Device or a DeviceMetric."""
        content = resource.content
        names = [f"{resource.type}/{get_text(content, 'id')}", *_scope(resource)]
        if resource.type == "DeviceMetric":
            self._of_metrics.update(dict.fromkeys(names, read_reference(content, "source", resource.place)))
            return
        self._by_name.update(dict.fromkeys(names, len(self._sources)))
        self._sources.append(read_device(content))
        self._keys.append(_find_key(content))

    def find(self, content: Content, place: Place) -> Source:
        """Return the source of an Observation: a device of the upload, or else what the reference says about it."""
        target = get_object(content, "device")
        if not target:
            return NO_SOURCE
        text = get_text(target, "reference")
        if text.startswith("#"):
            inner = (each for each in iterate_objects(content, "contained") if get_text(each, "id") == text[1:])
            return next((read_device(each) for each in inner), NO_SOURCE)
        found = self._look_up(content, place)
        return Source(get_text(target, "display") or text or None) if found is None else self._sources[found]

    def find_worn(self, content: Content, place: Place) -> tuple[Source, str]:
        """Return the device that a statement says was used, and the maker's key of it."""
        text = get_text(get_object(content, "device"), "reference")
        if text.startswith("#"):
            inner = (each for each in iterate_objects(content, "contained") if get_text(each, "id") == text[1:])
            return next(((read_device(each), _find_key(each)) for each in inner), (NO_SOURCE, ""))
        found = self._look_up(content, place)
        return (NO_SOURCE, "") if found is None else (self._sources[found], self._keys[found])

    def _look_up(self, content: Content, place: Place) -> int | None:
        name = read_reference(content, "device", place)
        name = self._of_metrics.get(name, name)
        found = self._by_name.get(name, self._by_name.get("/".join(name.split("/")[-2:])))
        if found is not None:
            self._used.add(found)
        return found


def _scope(resource: Resource) -> list[str]:
    """Return what others in the same Bundle call a resource, as `read_reference` writes it."""
    target = {"target": {"reference": resource.full_url}}
    return [read_reference(target, "target", resource.place)] if resource.full_url else []


def read_device(content: Content) -> Source:
    """Return what a Device resource says."""
    names = {get_text(each, "type"): get_text(each, "name") for each in iterate_objects(content, "deviceName")}
    name = next(filter(None, (names.get(kind, "") for kind in _NAME_TYPES)), "") or next(iter(names.values()), "")
    maker, number = get_text(content, "manufacturer"), get_text(content, "modelNumber")
    model = name or number
    if model and not model.lower().startswith(maker.lower()):
        model = f"{maker} {model}"
    serial_number = get_text(content, "serialNumber")
    known = serial_number or _find_key(content) or model or get_text(content, "id")
    return Source(known or None, serial_number or None, model or None)


def _find_key(content: Content) -> str:
    """Return the first identifier of a device, which is what its maker's files call it."""
    identifiers = (get_text(each, "value") for each in iterate_objects(content, "identifier"))
    return next(filter(None, identifiers), "")
