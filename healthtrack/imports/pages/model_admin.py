"""The base class of admins whose models are imported and exported."""

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.imports.pages.admin_mixins import ImportExportAdmin
from healthtrack.imports.pages.restoring_admin import RestoringAdmin
from healthtrack.imports.tables.hooks import UndoneRows


class ImportableModelAdmin(RestoringAdmin, PersonalListAdmin, ImportExportAdmin):  # type: ignore[misc]  # both say which model, one untyped
    """The admin of a model that is also imported and exported, with a history of each row."""

    first_step = "Upload a file with many, or add the first one. The buttons above do so, if your role includes it."

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response: HttpResponseBase = super().export_action(request)
        except IncorrectLookupParameters:
            self.message_user(request, "The list has no such filter. Filter it again, and then export.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:{}_{}_changelist".format(*self.get_model_info())))
        return response

    def after_restore(self, restored: UndoneRows) -> None:
        for resource in self.resource_classes:
            resource().after_undo(restored)
