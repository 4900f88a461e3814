"""The menu of saved views."""

from django import template
from django.template.context import Context

from healthtrack.core.http import get_view_name
from reports.saved_view_rules import describe_filters, get_page_titles, get_visible_views

register = template.Library()
MAX_IN_MENU = 8

register.filter(describe_filters)


@register.inclusion_tag("reports/saved-views-menu.html", takes_context=True)
def saved_views_menu(context: Context) -> dict[str, object]:
    """Return the context of the menu of saved views; empty for people who cannot save views."""
    request = context["request"]
    titles = get_page_titles(request.user)
    if not titles:
        return {}
    views = list(get_visible_views(request.user)[: MAX_IN_MENU + 1])
    return {
        "is_open": True,
        "views": views[:MAX_IN_MENU],
        "more": len(views) > MAX_IN_MENU,
        "user": request.user,
        "here": request.get_full_path() if get_view_name(request) in titles else "",
    }
