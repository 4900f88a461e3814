"""The form on which a person decides about the rows of a kind of warning."""

from collections.abc import Sequence

from django import forms
from django.http import QueryDict
from django.utils.http import urlencode

from healthtrack.imports.row_warnings import Choice, Decision, RowWarning

MAX_LINES = 200  # a page shows fewer
_MAX_LINE = 2**62


class LinesField(forms.MultipleChoiceField):
    """Line numbers of a file, one for each checkbox."""

    def to_python(self, value: Sequence[str] | None) -> list[int]:  # type: ignore[override]  # numbers instead of texts
        return [min(int(line), _MAX_LINE) for line in value or [] if line.isdecimal() and len(line) < 20][:MAX_LINES]

    def validate(self, value: object) -> None:
        """Accept every number: a line that has no warning is not changed."""


class DecisionForm(forms.Form):
    """What to do with a kind, and which of the lines on the page are selected."""

    decision = forms.ChoiceField(choices=[(each.value, each.name) for each in Decision])
    shown = LinesField(required=False)
    selected = LinesField(required=False)
    page = forms.IntegerField(required=False, min_value=1, max_value=10**9)

    def __init__(self, warnings: Sequence[RowWarning], data: QueryDict) -> None:
        super().__init__(data)
        self.fields["kind"] = forms.ChoiceField(choices=[(each.kind, each.label) for each in warnings])

    @property
    def choice(self) -> Choice:
        given = self.cleaned_data
        return Choice(given["kind"], Decision(given["decision"]), given["shown"], given["selected"])

    @property
    def return_query(self) -> str:
        """Return the query of the address that shows the same page of the preview."""
        given = {"warning": self.cleaned_data.get("kind"), "page": self.cleaned_data.get("page")}
        return urlencode({"show": "warning", **{name: value for name, value in given.items() if value}})
