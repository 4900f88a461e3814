"""Small exports of Apple Health for tests."""

DTD = """<!DOCTYPE HealthData [
<!-- HealthKit Export Version: 12 -->
<!ELEMENT HealthData (ExportDate,Me,(Record|Workout)*)>
<!ATTLIST HealthData
  locale CDATA #REQUIRED
>
]>
"""
# As iOS 16 writes it: definitions follow where none may be.
BROKEN_DTD = DTD.replace(
    "]>\n", "<!ELEMENT InstantaneousBeatsPerMinute EMPTY>\n<!ATTLIST bpm\n]>\n  device CDATA #IMPLIED\n>\n]>\n"
)
WATCH = (
    "&lt;&lt;HKDevice: 0x282a45810&gt;, name:Apple Watch, manufacturer:Apple, model:Watch, hardware:Watch2,4,"
    " software:4.3.1&gt;"
)


def export(*elements: str, dtd: str = DTD, locale: str = "en_US") -> str:
    """Return an export with these elements."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{dtd}<HealthData locale="{locale}">\n'
    head += ' <ExportDate value="2024-05-01 10:00:00 +0200"/>\n'
    return "".join([head, *(f" {element}\n" for element in elements), "</HealthData>\n"])


def record(kind: str, value: str, unit: str, start: str, end: str = "", **other: str) -> str:
    """Return a record; times are on 5 March 2024 unless they have a date. `inside` is what the element holds."""
    inside = other.pop("inside", "")
    attributes = {
        "type": f"HKQuantityTypeIdentifier{kind}",
        "sourceName": "Watch of Anna",
        "sourceVersion": "9.1",
        "device": WATCH,
        "unit": unit,
        "creationDate": complete(end or start),
        "startDate": complete(start),
        "endDate": complete(end or start),
        "value": value,
        **other,
    }
    text = " ".join(f'{name}="{each}"' for name, each in attributes.items() if each)
    return f"<Record {text}>\n  {inside}\n </Record>" if inside else f"<Record {text}/>"


def sleep(stage: str, start: str, end: str, **other: str) -> str:
    """Return a record of sleep."""
    kind = {"type": "HKCategoryTypeIdentifierSleepAnalysis"}
    return record("", f"HKCategoryValueSleepAnalysis{stage}", "", start, end, **kind, **other)


def workout(sport: str, start: str, end: str, inside: str = "") -> str:
    """Return a workout."""
    times = f'startDate="{complete(start)}" endDate="{complete(end)}"'
    text = (
        f'<Workout workoutActivityType="HKWorkoutActivityType{sport}" duration="5" sourceName="Watch of Anna" {times}'
    )
    return f"{text}>\n  {inside}\n </Workout>" if inside else f"{text}/>"


def complete(time: str) -> str:
    """Return a time with its date and offset."""
    dated = time if "-" in time else f"2024-03-05 {time}"
    return dated if dated[-5] in "+-" else f"{dated} +0100"
