from django.db import models


class Report(models.Model):  # noqa: DJ008 (there are no rows to name)
    """Holds the reports' permissions; it has no table."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_aggregates", "Can see the reports of totals"),
            ("view_named_lists", "Can see the reports that name patients"),
        ]
