"""The device that wrote a FIT file."""

from collections.abc import Mapping, Sequence

from readings.formats.garmin_fit.messages import Message

_NO_SERIAL_NUMBER = 0xFFFFFFFF
# The number of a device in its own files. Other devices are sensors that were connected to it.
_CREATOR = 0


def find_device(messages: Sequence[Message]) -> Mapping[str, str | None]:
    """Return `device`, `serial_number` and `model` of the device that wrote the file; None for what it does not say."""
    names: dict[str, str] = {}
    serial_number = ""
    for message in messages:
        is_own = message.name == "device_info" and message.values.get("device_index", _CREATOR) == _CREATOR
        if message.name != "file_id" and not is_own:
            continue
        names = _find_names(message) | names
        number = message.values.get("serial_number", _NO_SERIAL_NUMBER)
        if not serial_number and number != _NO_SERIAL_NUMBER:
            serial_number = str(number)
    model = " ".join(filter(None, (names.get("maker"), names.get("product"))))
    return {"device": serial_number or model or None, "serial_number": serial_number or None, "model": model or None}


def _find_names(message: Message) -> dict[str, str]:
    """Return the names of maker and product, as people write them: garmin and vivo_fit are Garmin vivo fit."""
    texts = message.texts
    maker = texts.get("manufacturer", "").replace("_", " ")
    product = texts.get("product_name") or texts.get("garmin_product", "").replace("_", " ")
    if not product and (number := message.values.get("garmin_product", message.values.get("product"))) is not None:
        product = f"product {number}"
    if product.lower().startswith(maker.lower()):
        product = product[len(maker) :].strip()
    return {name: text for name, text in (("maker", maker.capitalize()), ("product", product)) if text}
