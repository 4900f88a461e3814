"""The addresses of the pages about one's own account."""

from django.urls import path

from healthtrack.accounts.pages.link_views import UseLink
from healthtrack.accounts.pages.list_views import ListSettingsPage
from healthtrack.accounts.pages.preference_views import PreferencesPage
from healthtrack.accounts.pages.views import (
    AccountSecurity,
    EndSession,
    EnrolSecondFactor,
    EnterCode,
    SignOutEverywhere,
    SignOutIdle,
    StaySignedIn,
)

app_name = "sign-in"
urlpatterns = [
    path("", AccountSecurity.as_view(), name="own"),
    path("lists/<str:list_name>/", ListSettingsPage.as_view(), name="list-settings"),
    path("preferences/", PreferencesPage.as_view(), name="preferences"),
    path("link/<str:token>/", UseLink.as_view(), name="link"),
    path("code/", EnterCode.as_view(), name="code"),
    path("enrol/", EnrolSecondFactor.as_view(), name="enrol"),
    path("end/", EndSession.as_view(), name="end"),
    path("everywhere/", SignOutEverywhere.as_view(), name="everywhere"),
    path("stay/", StaySignedIn.as_view(), name="stay"),
    path("idle/", SignOutIdle.as_view(), name="idle"),
]
