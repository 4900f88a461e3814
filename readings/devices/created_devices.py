"""Devices that an import of readings creates, and that its undo removes."""

from collections.abc import Mapping

from django.db import connection

from readings.devices.attribution import find_patients_of_devices
from trackers.names import find_models_by_name

MAX_SERIAL_NUMBER = 100
_ADD = """
    INSERT INTO devices (serial_number, model_id)
    SELECT serial_number, model_id FROM unnest(%s::text[], %s::integer[]) AS named (serial_number, model_id)
        ON CONFLICT DO NOTHING RETURNING device_id
"""
# Nobody can assign them, or attribute readings to them, before the transaction ends.
_LOCK = "SELECT device_id FROM devices WHERE made_by_run = %s ORDER BY device_id FOR UPDATE"
_REMOVE = """
    DELETE FROM devices AS device
     WHERE device_id = ANY (%(devices)s)
       AND NOT EXISTS (SELECT FROM device_assignments AS used WHERE used.device_id = device.device_id)
       AND NOT EXISTS (SELECT FROM stream_devices AS used WHERE used.device_id = device.device_id)
       AND device_id <> ALL (
           SELECT row_id FROM changes
            WHERE table_name = 'devices' AND row_id = ANY (%(devices)s) AND change_id > %(since)s)
"""


def ensure_devices(model_texts: Mapping[str, str]) -> set[str]:
    """Create the devices that are missing, and return the patients who already have readings that name one of them.

    `model_texts` has the text of the model for each serial number of the files, or an empty text. A serial number is
    the same in upper and lower case. A new device gets the tracker model if the text means exactly one, also as a
    tracker name that a person resolved, and no model otherwise. Devices that exist stay as they are.

    Call it within the transaction that applies a run, after `lock_order` and before `attribute`, and attribute the
    returned patients as well. Raise ValueError if a serial number is empty, has blanks around it or is longer than
    `MAX_SERIAL_NUMBER`: readers report such rows.
    """
    for number in model_texts:
        if not number or number != number.strip() or len(number) > MAX_SERIAL_NUMBER:
            raise ValueError("A serial number is empty, too long or has blanks around it.")
    if not model_texts:
        return set()
    found = find_models_by_name({text for text in model_texts.values() if text})
    models = [found.get(text, []) for text in model_texts.values()]
    keys = [each[0].pk if len(each) == 1 else None for each in models]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [list(model_texts), keys])
        return find_patients_of_devices([device for (device,) in cursor.fetchall()])


def remove_unused_devices(run_id: int, first_change: int | None) -> int:
    """Remove the devices that the run created and that nothing uses, and return how many.

    A device stays if it is assigned, if other readings came from it, or if somebody changed it after `first_change`,
    the first change of the run. Call it within the transaction that undoes the run, after its readings are gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [run_id])
        devices = [device for (device,) in cursor.fetchall()]
        if not devices:
            return 0
        cursor.execute(_REMOVE, {"devices": devices, "since": first_change or 0})
        return int(cursor.rowcount)
