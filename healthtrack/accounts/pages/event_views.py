"""The page of sign-in events, for auditors."""

from datetime import timedelta

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.accounts.models import SignInEvent
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit.account_names import name_at
from healthtrack.core.lists.log_pages import DayField, get_last_id, get_page, get_start

VIEW = "signin.view_signinevent"


class SignInEventsForm(forms.Form):
    person = forms.ModelChoiceField(
        User.objects.order_by("username"), required=False, empty_label="Any account", label="Account"
    )
    kind = forms.ChoiceField(label="What", choices=[("", "Anything"), *Kind.choices], required=False)
    address = forms.GenericIPAddressField(label="Network address", required=False, unpack_ipv4=True)
    first_day = DayField(label="From", required=False)
    last_day = DayField(label="Until", required=False)

    def get_events(self) -> QuerySet[SignInEvent]:
        """Return the events that match the form, none if it is not valid."""
        if not self.is_valid():
            return SignInEvent.objects.none()
        events = SignInEvent.objects.annotate(
            person_name=name_at("person_id", "happened_at"), actor_name=name_at("actor_id", "happened_at")
        )
        filters = self.cleaned_data
        for field, column in (("person", "person"), ("kind", "kind"), ("address", "client_address")):
            if filters[field]:
                events = events.filter(**{column: filters[field]})
        if filters["first_day"]:
            events = events.filter(happened_at__gte=get_start(filters["first_day"]))
        if filters["last_day"]:
            events = events.filter(happened_at__lt=get_start(filters["last_day"] + timedelta(days=1)))
        return events


@method_decorator(cache_control(no_store=True), name="dispatch")
class SignInEvents(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = SignInEventsForm(request.GET)
        context = {
            **admin.site.each_context(request),
            "title": "Sign-in events",
            "form": form,
            "page": get_page(form.get_events(), "happened_at", get_last_id(request)),
        }
        return render(request, "accounts/sign-in-events.html", context)
