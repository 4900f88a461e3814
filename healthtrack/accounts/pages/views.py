"""The pages for the second factor, for account security, and for ending sessions."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views import View

from healthtrack.accounts import event_recorder
from healthtrack.accounts.models import RecoveryCodes, Session
from healthtrack.accounts.pages.forms import CodeForm, EnrolForm, OwnPasswordForm, check_code
from healthtrack.accounts.security_resets import MUST_SET_PASSWORD, get_resets, must_set_password
from healthtrack.accounts.sign_in import lockout, second_factor
from healthtrack.accounts.sign_in.second_factor import Enrolment
from healthtrack.accounts.sign_in_events import Kind


class AccountPage(LoginRequiredMixin, View):
    @property
    def person(self) -> User:
        return cast("User", self.request.user)

    def page(self, template: str, context: dict[str, object]) -> HttpResponse:
        frame = {**admin.site.each_context(self.request), "next": self.get_next_page()}
        return render(self.request, f"accounts/{template}.html", {**frame, **context})

    def get_next_page(self) -> str:
        """Return the address to continue at: the one in `next` if it is on this site, otherwise Home."""
        address = self.request.POST.get("next") or self.request.GET.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(address, {self.request.get_host()}, self.request.is_secure())
        return address if is_ours else reverse("home")


class EnterCode(AccountPage):
    """Asks people who have given their password for the code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.get_redirect() or self.page("code", {"form": CodeForm(label_suffix="")})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST, label_suffix="")
        if redirection := self.get_redirect():
            return redirection
        wait_seconds = check_code(form, "code", request) if form.is_valid() else 0
        if form.is_valid():
            return lockout.remember_browser(request, redirect(self.get_next_page()))
        return refuse_for(self.page("code", {"form": form}), wait_seconds)

    def get_redirect(self) -> HttpResponse | None:
        """Return a redirect if the person has given a code already or has no app yet."""
        if self.request.user.is_verified():  # type: ignore[union-attr]  # by django-otp
            return redirect(self.get_next_page())
        if not second_factor.is_enrolled(self.person):
            return redirect(f"{reverse('sign-in:enrol')}?{urlencode({'next': self.get_next_page()})}")
        return None


class EnrolSecondFactor(AccountPage):
    """Sets up an authenticator app: the first one, or a replacement."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.get_redirect() or self.page("enrol", {"form": self.build_form()})

    def post(self, request: HttpRequest) -> HttpResponse:
        if redirection := self.get_redirect():
            return redirection
        form = self.build_form(request.POST)
        if not form.is_valid():
            return refuse_for(self.page("enrol", {"form": form}), form.wait_seconds)
        codes = form.enrolment.confirm(request, form.cleaned_data["code"])
        return lockout.remember_browser(request, self.page("recovery-codes", {"codes": codes}))

    def build_form(self, data: QueryDict | None = None) -> EnrolForm:
        return EnrolForm(data, request=self.request, enrolment=Enrolment.from_session(self.request))

    def get_redirect(self) -> HttpResponse | None:
        """Return a redirect to the page for the code if the person has an app and has not used it yet."""
        needs_code = not self.request.user.is_verified()  # type: ignore[union-attr]  # by django-otp
        if needs_code and second_factor.is_enrolled(self.person):
            return redirect(f"{reverse('sign-in:code')}?{urlencode({'next': self.get_next_page()})}")
        return None


class ChangePassword(PasswordChangeView):
    """Changes a person's own password. The page belongs to the admin site, which knows its address."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        if must_set_password(self.request):
            context["resets"] = get_resets(cast("User", self.request.user))
        return super().get_context_data(**context)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        self.request.session.pop(MUST_SET_PASSWORD, None)
        return lockout.remember_browser(self.request, response)

    def form_invalid(self, form: Any) -> HttpResponse:
        return refuse_for(super().form_invalid(form), form.wait_seconds)


class AccountSecurity(AccountPage):
    """A person's own second factor and sessions."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        recovery = RecoveryCodes.objects.filter(user=self.person).first()
        context = {
            "title": "Account security",
            "is_enrolled": second_factor.is_enrolled(self.person),
            "codes_left": recovery.usable_count if recovery else 0,
            "codes_are_lost": recovery is not None and recovery.depend_on_lost_key,
            "sessions": get_open_sessions(self.person),
            "here": request.session.session_key,
        }
        return self.page("own", context)


class EndSession(AccountPage):
    """Ends one of the person's other sessions."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        given, here = request.POST.get("session", ""), request.session.session_key
        for session in get_open_sessions(self.person):
            if session.pk != here and constant_time_compare(session.public_id, given):
                with transaction.atomic():
                    Session.objects.filter(pk=session.pk).delete()
                    event_recorder.record(request, Kind.SIGNED_OUT, self.person)
                messages.success(request, "The session has ended.")
                break
        else:
            messages.warning(request, "This session had ended before.")
        return redirect("sign-in:own")


class SignOutEverywhere(AccountPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            Session.objects.filter(user=self.person).delete()
            return sign_out(request, Kind.SIGNED_OUT_EVERYWHERE, "everywhere")


class StaySignedIn(AccountPage):
    """Answers the button of the inactivity warning. The request itself counts as activity."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204)


class SignOutIdle(View):
    """Signs out from a page that was left open too long, even if the session has already ended."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return sign_out(request, Kind.TIMED_OUT, "idle", request.POST.get("next", ""))


def refuse_for(response: HttpResponse, seconds: int) -> HttpResponse:
    """Return the response with the status for too many attempts if the person has to wait."""
    if seconds:
        response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        response["Retry-After"] = str(seconds)
    return response


def sign_out(request: HttpRequest, kind: Kind, reason: str, next_page: str = "") -> HttpResponse:
    """End the session and redirect to the sign-in page, which shows the reason: a key of `admin_site.ENDED`."""
    event_recorder.sign_out(request, kind)
    there = {"next": next_page} if next_page else {}
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({**there, 'ended': reason})}")


def get_open_sessions(person: User) -> list[Session]:
    """Return the person's sessions that have not ended, the most recently used first."""
    now = timezone.now()
    active, began = (now - timedelta(seconds=s) for s in (settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE))
    open_ones = Session.objects.filter(user=person, active_at__gt=active, began_at__gt=began)
    return list(open_ones.defer("session_data").order_by("-active_at"))
