from django.urls import path

from healthtrack.accounts.views import Code, Enrol, Everywhere, Idle, Own, Stay

app_name = "sign-in"
urlpatterns = [
    path("", Own.as_view(), name="own"),
    path("code/", Code.as_view(), name="code"),
    path("enrol/", Enrol.as_view(), name="enrol"),
    path("everywhere/", Everywhere.as_view(), name="everywhere"),
    path("stay/", Stay.as_view(), name="stay"),
    path("idle/", Idle.as_view(), name="idle"),
]
