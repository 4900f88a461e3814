"""Rules that several models state in the database."""

from django.db.models import CheckConstraint, Func, Q
from django.db.models.fields import TextField


class _Trimmed(Func):
    function = "BTRIM"
    output_field = TextField()


def not_blank(table: str, field: str) -> CheckConstraint:
    """The text is there, and neither begins nor ends with a blank."""
    return CheckConstraint(
        name=f"{table}_{field}_not_blank",
        condition=~Q(**{field: ""}) & Q(**{field: _Trimmed(field)}),
        violation_error_message=f"Enter the {field.replace('_', ' ')}, without blanks around it.",
    )
