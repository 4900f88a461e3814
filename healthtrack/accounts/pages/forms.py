"""The forms of the sign-in, and of changes to what somebody signs in with."""

import logging
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.forms import AdminPasswordChangeForm as OwnPasswordChangeForm
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm, UsernameField
from django.db import transaction
from django.http import HttpRequest

from healthtrack.accounts.app_keys import UnreadableKeyError
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.limits import PASSWORD_CHECKS
from healthtrack.accounts.security_resets import must_set_password
from healthtrack.accounts.sign_in import second_factor
from healthtrack.accounts.sign_in.second_factor import Enrolment
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit import account_names
from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_logger = logging.getLogger(__name__)

LOST_KEY = (
    "HealthTrack cannot check the codes of your app, because the server lacks a key. Enter one of your recovery codes, "
    "or ask an administrator to reset your two-factor authentication."
)
WRONG = "This code is wrong or was already used. Enter the code that the app shows now."
NO_RECOVERY_CODE = "This recovery code is wrong or was already used."
WRONG_PASSWORD = "The password is wrong."  # noqa: S105  (a sentence)


class CodeField(forms.CharField):
    def __init__(self, label: str = "Code", help_text: str = "", **attributes: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false", **attributes})
        super().__init__(label=label, help_text=help_text, max_length=40, widget=widget)


class SignInForm(AdminAuthenticationForm):
    """The form for name and password. It refuses accounts that are not staff, and records that."""

    def confirm_login_allowed(self, user: Any) -> None:
        try:
            super().confirm_login_allowed(user)
        except forms.ValidationError:
            record(self.request, Kind.PAGE_REFUSED, user, page="admin:login")
            raise


class CodeForm(forms.Form):
    code = CodeField(autofocus=True)


def check_code(form: forms.Form, field: str, request: HttpRequest) -> int:
    """Check the code in a form's field, and add an error to the field if it is not valid.

    Return the seconds to wait if an earlier code was wrong, otherwise 0.
    """
    code = form.cleaned_data[field]
    try:
        result = second_factor.check(request, code)
    except UnreadableKeyError:
        _logger.error("The key of an authenticator app cannot be decrypted: HEALTHTRACK_TOTP_KEYS lacks a key.")  # noqa: TRY400  (the sentence is all there is to know)
        form.add_error(field, LOST_KEY)
        return 0
    if result.wait_seconds:
        form.add_error(field, f"The last code was wrong. Wait {result.wait_seconds} s, then try again.")
    elif not result.is_valid:
        form.add_error(field, WRONG if code.replace(" ", "").isdecimal() else NO_RECOVERY_CODE)
    return result.wait_seconds


class ConfirmationForm(forms.Form):
    """A form that changes what somebody signs in with: people who have an app confirm it with a code.

    `password_field` names the field with the person's present password, if the form has one. Password and code are
    checked after everything else, because checks of the password are limited and a code works only once.
    """

    password_field = ""
    confirmation_code = CodeField("Code from your app", "Or one of your recovery codes.")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.wait_seconds = 0
        if not second_factor.is_enrolled(request.user):
            del self.fields["confirmation_code"]

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        if self.password_field and not self.errors:
            self._check_password()
        if "confirmation_code" in self.fields and not self.errors:
            self.wait_seconds = check_code(self, "confirmation_code", self.request)
        return cleaned

    def _check_password(self) -> None:
        """Add an error if the password is wrong, or was checked too often in the last minutes."""
        user = cast("User", self.request.user)
        if not PASSWORD_CHECKS.use(str(user.pk)):
            record(self.request, Kind.LOCKED_OUT, user)
            self.wait_seconds = PASSWORD_CHECKS.seconds_left
            minutes = -(-self.wait_seconds // 60)
            self.add_error(
                self.password_field,
                f"You entered the password too often. Wait {minutes} minute{'s' * (minutes > 1)}, then try again.",
            )
        elif not user.check_password(self.cleaned_data[self.password_field]):
            record(self.request, Kind.WRONG_PASSWORD, user)
            self.add_error(self.password_field, WRONG_PASSWORD)


class EnrolForm(ConfirmationForm):
    """Sets up an app. A replacement also needs the password, and a code from the app before it.

    Otherwise anybody at a browser that was left open could replace the app by their own.
    """

    password_field = "password"  # noqa: S105  (a field)
    code = CodeField(autofocus=True)
    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["code", "password", "confirmation_code"]

    def __init__(self, *args: Any, enrolment: Enrolment, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.enrolment = enrolment
        self.is_replacement = "confirmation_code" in self.fields
        if self.is_replacement:
            self.fields["confirmation_code"].label = "Code from your old app"
        else:
            del self.fields["password"]
            self.password_field = ""

    def clean_code(self) -> int:
        """Return the time step in which the new app showed the code."""
        step = self.enrolment.find_step("".join(self.cleaned_data["code"].split()))
        if step is None:
            raise forms.ValidationError(WRONG)
        return step


class NewPasswordForm(ConfirmationForm):
    """Sets a password, and records that as a sign-in event."""

    def save(self, commit: bool = True) -> "User":
        with transaction.atomic():
            user: User = super().save(commit)  # type: ignore[misc]  # of the form that this one is combined with
            record(self.request, Kind.PASSWORD_CHANGED, user)
        return user


class OwnPasswordForm(NewPasswordForm, OwnPasswordChangeForm):
    """Sets a person's own password. A new password at the sign-in needs no second code after the first one."""

    password_field = "old_password"  # noqa: S105  (a field)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, **kwargs)
        if must_set_password(request):
            self.fields.pop("confirmation_code", None)

    def clean(self) -> dict[str, Any] | None:
        old, new = (self.cleaned_data.get(name) for name in ("old_password", "new_password1"))
        if new and new == old:
            self.add_error("new_password1", "This is your old password. Choose another one.")
        return super().clean()

    def clean_old_password(self) -> str:
        """Return the old password, which `clean` checks after everything else."""
        password: str = self.cleaned_data["old_password"]
        return password


class PasswordOfAnotherForm(NewPasswordForm, AdminPasswordChangeForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Sets the password of another person; the code is that of the administrator."""


def _check_name(form: forms.ModelForm["User"]) -> None:
    """Add an error if another account has or had the user name, or if it can look like another one."""
    name = form.cleaned_data.get("username", "")
    if "username" in form.changed_data and account_names.mixes_alphabets(name):
        form.add_error("username", account_names.MIXED % name)
    if account_names.is_used_by_another(name, form.instance.pk):
        form.add_error("username", account_names.MESSAGE % name)


class AccountForm(ConcurrentEditForm, UserChangeForm["User"]):
    """The form of an account, which detects what somebody else changed since it was opened."""

    class Meta(UserChangeForm.Meta):
        help_texts: ClassVar = {"is_active": "Whether the account can sign in. The button above changes it."}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        _check_name(self)
        return cleaned


class NewAccountForm(forms.ModelForm["User"]):
    """The form of a new account, without a password: the person sets one at the first sign-in."""

    class Meta:
        model = get_user_model()
        fields = ("username", "first_name", "last_name", "email", "groups")
        field_classes: ClassVar = {"username": UsernameField}

    def save(self, commit: bool = True) -> "User":
        self.instance.set_unusable_password()
        user: User = super().save(commit)
        return user

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()
        _check_name(self)
        return cleaned
