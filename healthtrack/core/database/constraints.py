"""Database constraints that several models share."""

from django.db.models import CheckConstraint, Func, Q
from django.db.models.fields import TextField


class _Trimmed(Func):
    function = "BTRIM"
    output_field = TextField()


def not_blank(table: str, field: str) -> CheckConstraint:
    """Return a constraint: the field is not empty, and has no spaces at its beginning or end."""
    return CheckConstraint(
        name=f"{table}_{field}_not_blank",
        condition=~Q(**{field: ""}) & Q(**{field: _Trimmed(field)}),
        violation_error_message=f"Enter the {field.replace('_', ' ')}, without blanks around it.",
    )
