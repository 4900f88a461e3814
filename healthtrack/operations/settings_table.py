"""Generate the table of docs/settings.md from the declarations of the environment variables."""

from collections.abc import Iterator

from django.conf import settings

BEGIN, END = "<!-- made by manage.py settings_table -->\n", "<!-- end of the table -->\n"


def replace_table(page: str) -> str:
    """Return the page with a new table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(_lines())}{END}{after}"


def _lines() -> Iterator[str]:
    yield "| name | meaning | default |\n| --- | --- | --- |\n"
    for variable in settings.ENVIRONMENT.variables().values():
        yield f"| `{variable.name}` | {variable.meaning} | {variable.default_text} |\n"
