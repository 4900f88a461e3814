"""The pages for the second factor, for account security, and for ending sessions."""

from datetime import timedelta
from typing import cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import authenticate, logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views import View

from healthtrack.accounts import second_factor
from healthtrack.accounts.models import RecoveryCodes, Session
from healthtrack.accounts.second_factor import Enrolment

WRONG = "This code is wrong or was already used. Enter the code that the app shows now."
NO_RECOVERY_CODE = "This recovery code is wrong or was already used."
WRONG_PASSWORD = "The password is wrong."  # noqa: S105  (a sentence)


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class PasswordForm(forms.Form):
    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class AccountPage(LoginRequiredMixin, View):
    @property
    def person(self) -> User:
        return cast("User", self.request.user)

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = {**admin.site.each_context(self.request), "next": self.get_next_page()}
        return render(self.request, f"accounts/{template}.html", {**frame, **context}, status=status)

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
        if not form.is_valid():
            return self.page("code", {"form": form})
        result = second_factor.check(request, form.cleaned_data["code"])
        if result.is_valid:
            return redirect(self.get_next_page())
        if result.wait_seconds:
            form.add_error("code", f"The last code was wrong. Wait {result.wait_seconds} s, then try again.")
            refusal = self.page("code", {"form": form}, status=429)
            refusal["Retry-After"] = str(result.wait_seconds)
            return refusal
        is_app_code = form.cleaned_data["code"].replace(" ", "").isdecimal()
        form.add_error("code", WRONG if is_app_code else NO_RECOVERY_CODE)
        return self.page("code", {"form": form})

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
        return self.get_redirect() or self.render_form(CodeForm(label_suffix=""), self.build_password_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        if redirection := self.get_redirect():
            return redirection
        form, password = CodeForm(request.POST, label_suffix=""), self.build_password_form(request.POST)
        if form.is_valid() and self.is_confirmed(password):
            if codes := Enrolment.from_session(request).confirm(request, "".join(form.cleaned_data["code"].split())):
                return self.page("recovery-codes", {"codes": codes})
            form.add_error("code", WRONG)
        return self.render_form(form, password)

    def render_form(self, form: CodeForm, password: PasswordForm | None) -> HttpResponse:
        enrolment = Enrolment.from_session(self.request)
        return self.page("enrol", {"form": form, "password": password, "enrolment": enrolment})

    def build_password_form(self, data: "forms.utils.QueryDict | None" = None) -> PasswordForm | None:  # type: ignore[name-defined]
        """Return the form for the password, which is needed to replace an app.

        Otherwise anybody at a browser that was left open could replace the app by their own.
        """
        return PasswordForm(data, label_suffix="") if second_factor.is_enrolled(self.person) else None

    def is_confirmed(self, form: PasswordForm | None) -> bool:
        if form is None:
            return True
        if not form.is_valid():
            return False
        password = form.cleaned_data["password"]
        if authenticate(self.request, username=self.person.get_username(), password=password) is None:
            form.add_error("password", WRONG_PASSWORD)
        return form.is_valid()

    def get_redirect(self) -> HttpResponse | None:
        """Return a redirect to the page for the code if the person has an app and has not used it yet."""
        needs_code = not self.request.user.is_verified()  # type: ignore[union-attr]  # by django-otp
        if needs_code and second_factor.is_enrolled(self.person):
            return redirect(f"{reverse('sign-in:code')}?{urlencode({'next': self.get_next_page()})}")
        return None


class AccountSecurity(AccountPage):
    """A person's own second factor and sessions."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        recovery = RecoveryCodes.objects.filter(user=self.person).first()
        context = {
            "title": "Account security",
            "is_enrolled": second_factor.is_enrolled(self.person),
            "codes_left": len(recovery.digests) if recovery else 0,
            "sessions": get_open_sessions(self.person),
            "here": request.session.session_key,
        }
        return self.page("own", context)


class SignOutEverywhere(AccountPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        Session.objects.filter(user=self.person).delete()
        return sign_out(request, "everywhere")


class StaySignedIn(AccountPage):
    """Answers the button of the inactivity warning. The request itself counts as activity."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204)


class SignOutIdle(View):
    """Signs out from a page that was left open too long, even if the session has already ended."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return sign_out(request, "idle", request.POST.get("next", ""))


def sign_out(request: HttpRequest, reason: str, next_page: str = "") -> HttpResponse:
    """End the session and redirect to the sign-in page, which shows the reason: a key of `admin_site.ENDED`."""
    logout(request)
    there = {"next": next_page} if next_page else {}
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({**there, 'ended': reason})}")


def get_open_sessions(person: User) -> list[Session]:
    """Return the person's sessions that have not ended, the most recently used first."""
    now = timezone.now()
    active, began = (now - timedelta(seconds=s) for s in (settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE))
    open_ones = Session.objects.filter(user=person, active_at__gt=active, began_at__gt=began)
    return list(open_ones.defer("session_data").order_by("-active_at"))
