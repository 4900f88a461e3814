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
    """Link the pages of a table; `parameter` is the one that holds the number of the page in the address.

    Where a page has several tables, each has a parameter of its own, and its id is the `fragment` to go back to.
    """
    numbers = page.paginator.get_elided_page_range(page.number)
    links = [(number, _address(context["request"], parameter, number, fragment)) for number in numbers]
    return {"page": page, "label": label, "links": links}


def _address(request: HttpRequest, parameter: str, number: int | str, fragment: str) -> str:
    if not isinstance(number, int):  # the pages that are left out
        return ""
    query = request.GET.copy()
    query[parameter] = str(number)
    return f"?{query.urlencode()}{fragment and '#'}{fragment}"
