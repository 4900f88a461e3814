"""The device that wrote a FIT file."""

from collections.abc import Mapping

from readings.formats.garmin_fit.messages import Message

_NO_SERIAL_NUMBER = 0xFFFFFFFF
# The number of a device in its own files. Other devices are sensors that were connected to it.
_CREATOR = 0


class OwnDevice:
    """Collects what the messages of a file say about the device that wrote it."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.serial_number = ""

    def add(self, message: Message) -> None:
        if message.name == "device_info" and message.values.get("device_index", _CREATOR) != _CREATOR:
            return
        self.names = _find_names(message) | self.names
        number = message.values.get("serial_number", _NO_SERIAL_NUMBER)
        if not self.serial_number and number != _NO_SERIAL_NUMBER:
            self.serial_number = str(number)

    def describe(self) -> Mapping[str, str | None]:
        """Return `device`, `serial_number` and `model`; None for what the file does not say."""
        model = " ".join(filter(None, (self.names.get("maker"), self.names.get("product"))))
        serial_number = self.serial_number or None
        return {"device": serial_number or model or None, "serial_number": serial_number, "model": model or None}


def _find_names(message: Message) -> dict[str, str]:
    """Return the names of maker and product, as people write them: garmin and vivo_fit are Garmin and vivo fit."""
    texts = message.texts
    maker = texts.get("manufacturer", "").replace("_", " ")
    product = texts.get("product_name") or texts.get("garmin_product", "").replace("_", " ")
    if not product and (number := message.values.get("garmin_product", message.values.get("product"))) is not None:
        product = f"product {number}"
    if product.lower().startswith(maker.lower()):
        product = product[len(maker) :].strip()
    return {name: text for name, text in (("maker", maker.capitalize()), ("product", product)) if text}
