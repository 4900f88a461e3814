from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory

PAGES = Template('{% load pages %}{% page_links page "Pages of the names" parameter="names" fragment="names" %}')


def render_links(number: int, of: int, query: str = "") -> str:
    page = Paginator(range(of), 1).page(number)
    return PAGES.render(Context({"page": page, "request": RequestFactory().get(f"/names/{query}")}))


def test_a_table_of_one_page_has_no_links() -> None:
    assert not render_links(1, of=1).strip()


def test_every_other_page_is_linked_and_the_current_one_is_marked() -> None:
    links = render_links(2, of=3)
    assert '<nav class="pager" aria-label="Pages of the names">' in links
    assert '<a href="?names=1#names">1</a>' in links
    assert '<span aria-current="page">2</span>' in links
    assert '<a href="?names=3#names">3</a>' in links


def test_links_preserve_the_other_parameters_of_the_address() -> None:
    assert 'href="?names=2&amp;sort=-patients&amp;page=4#names"' in render_links(
        1, of=2, query="?names=1&sort=-patients&page=4"
    )


def test_distant_pages_are_omitted() -> None:
    links = render_links(1, of=100)
    assert "<span>…</span>" in links
    assert "?names=50#" not in links
    assert "?names=100#" in links
