from django import template
from django.http import HttpRequest
from django.template.context import Context

from reports.saved_view_rules import titles_open_to, visible_to

register = template.Library()
MOST_IN_MENU = 15


@register.inclusion_tag("reports/saved-views-menu.html", takes_context=True)
def saved_views_menu(context: Context) -> dict[str, object]:
    """The person's views, and the way to save what they look at; nothing for who may save none."""
    request = context["request"]
    titles = titles_open_to(request.user)
    if not titles:
        return {}
    views = list(visible_to(request.user)[: MOST_IN_MENU + 1])
    return {
        "is_open": True,
        "views": views[:MOST_IN_MENU],
        "more": len(views) > MOST_IN_MENU,
        "user": request.user,
        "here": request.get_full_path() if _page(request) in titles else "",
    }


def _page(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""  # none of a page that is not there
