"""The pages of users and their roles.

People can neither give permissions that they do not have, nor edit users who have such permissions.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from healthtrack.accounts.admin import AccountSecurityAdmin
from healthtrack.accounts.pages.forms import AccountForm
from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.audit.account_names import name_at
from healthtrack.audit.admin_history import HistoryAdmin
from healthtrack.core.admin import ConflictSafeModelAdmin, ListOnlyModelAdmin
from healthtrack.core.lists.changelist import yes_or_no
from healthtrack.roles.emergency import own_permissions
from healthtrack.roles.models import EmergencyAccess
from healthtrack.roles.role_cards import RoleCards
from healthtrack.roles.table import ROLES

if TYPE_CHECKING:
    from django.forms import ModelMultipleChoiceField

SUPERUSER_FIELDS = {"is_superuser", "user_permissions"}
# Whoever removed a role of their own would lose the session while it is saved.
CHANGED_BY_OTHERS = ("is_staff", "is_superuser", "user_permissions")


def _missing_permissions(user: Any) -> QuerySet[Permission]:
    """Return the permissions that this person does not have permanently."""
    held = own_permissions(user)
    all_of_them = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    keys = [key for key, app, codename in all_of_them if f"{app}.{codename}" not in held]
    return Permission.objects.filter(pk__in=keys)


def _describe(permission: Permission) -> str:
    return capfirst(permission.name.removeprefix("Can "))


class PermissionField(forms.ModelMultipleChoiceField[Permission]):
    def label_from_instance(self, obj: Permission) -> str:
        return _describe(obj)


def _get_permission_field() -> dict[str, Any]:
    """Return how forms let people choose permissions: those of the apps that roles are about, as checkboxes.

    The permissions of other apps, such as those of the job queue, allow nothing on any page.
    """
    apps = {name.partition(".")[0] for role in ROLES for name in role.permissions}
    return {
        "form_class": PermissionField,
        "queryset": Permission.objects.filter(content_type__app_label__in=apps),
        "widget": forms.CheckboxSelectMultiple({"class": "rights"}),
        "help_text": "",  # Django's explains how to select several in a list
    }


class RolesFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "roles"


class AccountAdmin(PersonalListAdmin, AccountSecurityAdmin):
    form = AccountForm
    list_display = ("username", "first_name", "last_name", "role_names", "state", "last_sign_in")
    search_help_text = "Search by user name, first or last name or e-mail address."
    extra_columns = ("email", "superuser", "date_joined")
    list_filter = ("is_active", "is_superuser", ("groups", RolesFilter))
    filter_horizontal = ()  # permissions are checkboxes

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(ordering="is_active")
    def state(self, person: User) -> str:
        if not person.is_active:
            return "Deactivated"
        return "Active" if person.last_login else "Has never signed in"

    @admin.display(description="last sign-in", ordering="last_login")
    def last_sign_in(self, person: User) -> datetime | None:
        return person.last_login

    superuser = yes_or_no("is_superuser", description="superuser")

    @admin.display(description="roles")
    def role_names(self, person: User) -> str:
        return ", ".join(sorted(group.name for group in person.groups.all())) or "No role"

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        hidden = set() if request.user.is_superuser else SUPERUSER_FIELDS
        fieldsets: list[Any] = [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in hidden)})
            for title, options in super().get_fieldsets(request, obj)
        ]
        if obj != request.user:
            return fieldsets
        sentence = "Nobody changes their own roles or permissions. Ask another administrator."
        own: Any = {"fields": ("role_names",), "description": sentence}
        return [(title, own if "groups" in options["fields"] else options) for title, options in fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "role_names", *CHANGED_BY_OTHERS) if obj == request.user else fields

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = RoleCards
        else:
            kwargs |= _get_permission_field()
        field: ModelMultipleChoiceField[Any] | None = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.label = "Roles"
            field.help_text = format_html('<a href="{}">See what each role can do</a>.', reverse("roles"))
            if not request.user.is_superuser:
                field.queryset = Group.objects.exclude(permissions__in=_missing_permissions(request.user))
        return field

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_manage(request, obj)

    def _may_manage(self, request: HttpRequest, person: User | None) -> bool:
        """Return whether the user has all permissions of the person, whose password they could set and use."""
        if person is None or request.user.is_superuser:
            return True
        mine = own_permissions(request.user)
        # Read from the database, and as if the account were active: it may be activated later.
        theirs = own_permissions(User(pk=person.pk, is_active=True))
        return not person.is_superuser and theirs <= mine

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True  # every user of HealthTrack is staff
        super().save_model(request, obj, form, change)


class RoleAdmin(HistoryAdmin, ConflictSafeModelAdmin, GroupAdmin):
    """Superusers may edit groups that somebody added. Nobody may edit the roles: the program defines them."""

    row_kind = "role"
    filter_horizontal = ()  # permissions are checkboxes

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        return super().get_fields(request, obj) if self.has_change_permission(request, obj) else ("name", "rights")

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if self.has_change_permission(request, obj) else (*fields, "rights")

    def formfield_for_manytomany(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(*args, **{**kwargs, **_get_permission_field()})

    @admin.display
    def rights(self, role: Group) -> SafeString:
        """Return what the role may do, as a list."""
        names = sorted(_describe(permission) for permission in role.permissions.all())
        return format_html(
            "<ul class='rights'>{}</ul>", format_html_join("", "<li>{}</li>", ((name,) for name in names))
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        context = extra_context or {} if object_id else {**(extra_context or {}), "title": "Add role"}
        return super().changeform_view(request, object_id, form_url, context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the page of the roles, which lists all groups."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return redirect("roles")

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self._may_edit(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self._may_edit(request, obj) and super().has_delete_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may_edit(request, None) and super().has_add_permission(request)

    def _may_edit(self, request: HttpRequest, group: Group | None) -> bool:
        """Return whether the user may edit groups: only superusers may, as groups give people permissions."""
        is_role = group is not None and group.name in {role.name for role in ROLES}
        return bool(request.user.is_superuser) and not is_role


admin.site.unregister([User, Group])
admin.site.register(User, AccountAdmin)
admin.site.register(Group, RoleAdmin)


@admin.register(EmergencyAccess)
class EmergencyAccessAdmin(ListOnlyModelAdmin, PersonalListAdmin):
    list_display = ("began_at", "person_then", "reason", "client_address", "over")
    list_filter = (("person", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("end",)
    date_hierarchy = "began_at"
    ordering = ("-access_id",)
    first_step = "This page lists who used emergency access, when and why."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        accesses: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = accesses.annotate(person_name=name_at("person_id", "began_at"))
        return named

    @admin.display(description="person", ordering="person_name")
    def person_then(self, access: Any) -> str:
        """Return the user name that the person had at that time."""
        return str(access.person_name)

    @admin.display(description="ended")
    def over(self, access: EmergencyAccess) -> Any:
        return (access.ended_at or access.ends_at) if access.is_over else "still running"
