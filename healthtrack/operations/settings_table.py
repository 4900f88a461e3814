"""The table of docs/settings.md, made from the declarations of the environment variables."""

from collections.abc import Iterator

from django.conf import settings

BEGIN, END = "<!-- made by manage.py settings_table -->\n", "<!-- end of the table -->\n"


def in_page(page: str) -> str:
    """Return the page with the table between its two marks replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(_lines())}{END}{after}"


def _lines() -> Iterator[str]:
    yield "| name | meaning | default |\n| --- | --- | --- |\n"
    for variable in settings.ENVIRONMENT.variables().values():
        yield f"| `{variable.name}` | {variable.meaning} | {variable.shown} |\n"
