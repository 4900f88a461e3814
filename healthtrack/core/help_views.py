"""The help, and the tour for people who are new. Both show no data, so that everybody may read them."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from healthtrack.core.help import get_sections

OFFERED_TOUR = "tour"  # in the session, from the first sign-in until the person takes or skips the tour


@require_safe
def show_help(request: HttpRequest) -> HttpResponse:
    """Show all sections on one page, so that the browser can search and print them."""
    context = {**admin.site.each_context(request), "title": "Help", "sections": get_sections()}
    return render(request, "help/help.html", context)


@require_safe
def show_tour(request: HttpRequest) -> HttpResponse:
    """Show the tour; from then on no page offers it."""
    request.session.pop(OFFERED_TOUR, None)
    return render(request, "help/tour.html", {**admin.site.each_context(request), "title": "A short tour"})


@require_POST
def skip_tour(request: HttpRequest) -> HttpResponse:
    """Offer the tour no more."""
    request.session.pop(OFFERED_TOUR, None)
    return redirect("home")
