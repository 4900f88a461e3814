"""Parts of every page: the version, and links to the pages of a table."""

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template.context import Context

from healthtrack import __version__

register = template.Library()


@register.simple_tag
def program_version() -> str:
    """Return the version of HealthTrack; a tag, because error pages are rendered without context processors."""
    return __version__


@register.inclusion_tag("frame/page-links.html", takes_context=True)
def page_links(
    context: Context, page: Page[object], label: str, parameter: str = "page", fragment: str = ""
) -> dict[str, object]:
    """Show links to the pages of a table; `parameter` is the query parameter that holds the page number.

    On a page with several tables, each has its own parameter, and `fragment` is the id of the table to return to.
    """
    numbers = page.paginator.get_elided_page_range(page.number)
    links = [(number, _address(context["request"], parameter, number, fragment)) for number in numbers]
    return {"page": page, "label": label, "links": links}


def _address(request: HttpRequest, parameter: str, number: int | str, fragment: str) -> str:
    if not isinstance(number, int):  # the ellipsis for skipped pages
        return ""
    query = request.GET.copy()
    query[parameter] = str(number)
    return f"?{query.urlencode()}{fragment and '#'}{fragment}"
