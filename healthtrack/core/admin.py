from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters, ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db import DataError, IntegrityError, OperationalError, models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from healthtrack.core.database_errors import is_collision
from healthtrack.core.forms import CleanedCharField
from healthtrack.core.widgets import AutocompleteByNumber, DayInput

NUL = "\0"
CLEANED_TEXT: Mapping[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.CharField: {"form_class": CleanedCharField}
}
Answer = TypeVar("Answer", bound=HttpResponse | None)


class CarefulPages(AutocompleteByNumber, ModelAdmin[Any]):
    """Answers with a sentence where Django's admin has a server error.

    That is to values that no row can hold, and to people who change the same rows at the same moment.
    """

    formfield_overrides = {**CLEANED_TEXT, models.DateField: {"widget": DayInput}}

    def action_checkbox(self, obj: models.Model) -> SafeString:
        """As Django's, without a template for each row: of a page of fifty rows that was a fifth of the time."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select"'
            ' aria-label="Select this object for an action - {}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj,
        )

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except (DataError, OverflowError, ValueError) as fault:
            raise IncorrectLookupParameters from fault

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, search_term.replace(NUL, ""))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return None if NUL in object_id else super().get_object(request, object_id, from_field)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        view = super().changeform_view
        return self._unless_collided(request, lambda: view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        view = super().delete_view
        return self._unless_collided(request, lambda: view(request, *args, **kwargs))

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        view = transaction.atomic(super().response_action)
        try:
            return self._unless_collided(request, lambda: view(request, *args, **kwargs))
        except (DataError, OverflowError, ValueError):
            self.message_user(request, "A row was selected that cannot be; select the rows again.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _unless_collided(self, request: HttpRequest, view: Callable[[], Answer]) -> Answer | HttpResponseRedirect:
        try:
            return view()
        except (IntegrityError, OperationalError) as fault:
            if not is_collision(fault):
                raise
            self.message_user(
                request,
                "Nothing was saved: somebody else changed the same data at the same moment."
                " Look at it as it is now, and do it again.",
                messages.ERROR,
            )
            return HttpResponseRedirect(request.get_full_path())
