"""The base class of admins in whose lists people choose columns and the page size."""

from copy import copy
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from healthtrack.accounts.list_settings import get_list_settings
from healthtrack.core.admin import ConflictSafeModelAdmin
from healthtrack.core.lists.changelist import get_column_name


class PersonalListAdmin(ConflictSafeModelAdmin):
    """The admin of a model in whose list people choose columns and the page size.

    `first_step` is what an empty list says about how to get rows.
    """

    first_step = ""

    def get_list_display(self, request: HttpRequest) -> Any:
        chosen = get_list_settings(request, self.opts.label_lower)
        columns = {get_column_name(column): column for column in self.get_columns(request)}
        shown = [columns[name] for name in chosen.columns if name in columns] if chosen else []
        return shown or super().get_list_display(request)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Return the columns with a link to the row. Whoever hides all of them has it in another one."""
        if self.list_display_links is None:
            return None
        links = [column for column in self.list_display_links if column in list_display]
        return links or [column for column in list_display if isinstance(column, str)][:1]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        admin_of_request = copy(self)  # the admin is shared by all requests
        if chosen := get_list_settings(request, self.opts.label_lower):
            admin_of_request.list_per_page = chosen.page_size  # type: ignore[misc]  # of this copy only
        changelist: Any = super(PersonalListAdmin, admin_of_request).get_changelist_instance(request)
        page = reverse("sign-in:list-settings", args=[self.opts.label_lower])
        changelist.settings_address = f"{page}?{self.get_preserved_filters(request)}"
        return changelist
