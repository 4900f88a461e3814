"""The pages on which people prove who they are, and see and end what they have open."""

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

WRONG = "This code is not right, or was used before. Enter the one that the app shows now."
NO_RECOVERY_CODE = "This recovery code is not right, or was used before."
WRONG_PASSWORD = "The password is not right."  # noqa: S105  (a sentence)


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


class OwnPage(LoginRequiredMixin, View):
    @property
    def person(self) -> User:
        return cast("User", self.request.user)

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = {**admin.site.each_context(self.request), "next": self.next_page()}
        return render(self.request, f"accounts/{template}.html", {**frame, **context}, status=status)

    def next_page(self) -> str:
        asked = self.request.POST.get("next") or self.request.GET.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(asked, {self.request.get_host()}, self.request.is_secure())
        return asked if is_ours else reverse("home")


class Code(OwnPage):
    """Asks for the second factor of who has given the password."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.elsewhere() or self.page("code", {"form": CodeForm(label_suffix="")})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST, label_suffix="")
        if elsewhere := self.elsewhere():
            return elsewhere
        if not form.is_valid():
            return self.page("code", {"form": form})
        answer = second_factor.check(request, form.cleaned_data["code"])
        if answer.is_right:
            return redirect(self.next_page())
        if answer.seconds_to_wait:
            form.add_error(
                "code", f"Wrong codes came one after the other: wait {answer.seconds_to_wait} s, then go on."
            )
            refusal = self.page("code", {"form": form}, status=429)
            refusal["Retry-After"] = str(answer.seconds_to_wait)
            return refusal
        is_of_app = form.cleaned_data["code"].replace(" ", "").isdecimal()
        form.add_error("code", WRONG if is_of_app else NO_RECOVERY_CODE)
        return self.page("code", {"form": form})

    def elsewhere(self) -> HttpResponse | None:
        if self.request.user.is_verified():  # type: ignore[union-attr]  # by django-otp
            return redirect(self.next_page())
        if not second_factor.is_enrolled(self.person):
            return redirect(f"{reverse('sign-in:enrol')}?{urlencode({'next': self.next_page()})}")
        return None


class Enrol(OwnPage):
    """Ties an app to the account: the first one, or another in place of it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.elsewhere() or self.answer(CodeForm(label_suffix=""), self.password_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        if elsewhere := self.elsewhere():
            return elsewhere
        form, password = CodeForm(request.POST, label_suffix=""), self.password_form(request.POST)
        if form.is_valid() and self.is_confirmed(password):
            if codes := Enrolment.of(request).finish(request, "".join(form.cleaned_data["code"].split())):
                return self.page("recovery-codes", {"codes": codes})
            form.add_error("code", WRONG)
        return self.answer(form, password)

    def answer(self, form: CodeForm, password: PasswordForm | None) -> HttpResponse:
        return self.page("enrol", {"form": form, "password": password, "enrolment": Enrolment.of(self.request)})

    def password_form(self, data: "forms.utils.QueryDict | None" = None) -> PasswordForm | None:  # type: ignore[name-defined]
        """Who leaves a browser open is not to find another's app tied to the account."""
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

    def elsewhere(self) -> HttpResponse | None:
        owes = not self.request.user.is_verified()  # type: ignore[union-attr]  # by django-otp
        if owes and second_factor.is_enrolled(self.person):
            return redirect(f"{reverse('sign-in:code')}?{urlencode({'next': self.next_page()})}")
        return None


class Own(OwnPage):
    """What a person has open, and how they prove who they are."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        recovery = RecoveryCodes.objects.filter(user=self.person).first()
        context = {
            "title": "Your sign-in",
            "is_enrolled": second_factor.is_enrolled(self.person),
            "codes_left": len(recovery.digests) if recovery else 0,
            "sessions": sessions_of(self.person),
            "here": request.session.session_key,
        }
        return self.page("own", context)


class Everywhere(OwnPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        Session.objects.filter(user=self.person).delete()
        return signed_out(request, "everywhere")


class Stay(OwnPage):
    """Asked by who answers the warning: that is activity, as any request is."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204)


class Idle(View):
    """Asked by a page that nobody looked at: signs out, also where the session is over already."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        return signed_out(request, "idle", request.POST.get("next", ""))


def signed_out(request: HttpRequest, why: str, next_page: str = "") -> HttpResponse:
    logout(request)
    there = {"next": next_page} if next_page else {}
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({**there, 'ended': why})}")


def sessions_of(person: User) -> list[Session]:
    """Those that a request would find open."""
    now = timezone.now()
    active, began = (now - timedelta(seconds=s) for s in (settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE))
    open_ones = Session.objects.filter(user=person, active_at__gt=active, began_at__gt=began)
    return list(open_ones.defer("session_data").order_by("-active_at"))
