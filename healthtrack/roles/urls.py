"""The addresses of this app."""

from django.urls import path

from healthtrack.roles.views import EmergencyPage, EndEmergency, RolesPage

urlpatterns = [
    path("roles/", RolesPage.as_view(), name="roles"),
    path("emergency-access/", EmergencyPage.as_view(), name="emergency-access"),
    path("emergency-access/end/", EndEmergency.as_view(), name="end-emergency-access"),
]
