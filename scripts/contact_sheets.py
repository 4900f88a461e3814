"""Take a picture of every page at two widths, light and dark, and put them on contact sheets."""

import base64
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from tests.support.browser_pages import COLOR_SCHEMES
from tests.support.crawling import crawl

WIDTHS = (400, 1440)
HEIGHT = 1000
PAGES_PER_SHEET = {400: 12, 1440: 6}
SHEET_WIDTH = 1800
STYLE = """
body { margin: 0; padding: 16px; display: flex; flex-wrap: wrap; gap: 16px; background: #888; font: 16px sans-serif; }
figure { margin: 0; } figcaption { padding: 4px; background: #fff; } img { display: block; }
"""


def take_every_page(page: Page, browser: Browser, folder: Path) -> None:
    """Write a picture of each page that links lead to, and the contact sheets of all, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, address in crawl(page):
        for width in WIDTHS:
            page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
            page.goto(address)
            for scheme in COLOR_SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=folder / f"{name.replace(':', '.')}-{width}-{scheme}.png")
    sheet = browser.new_page(viewport=ViewportSize(width=SHEET_WIDTH, height=HEIGHT))
    for width in WIDTHS:
        for scheme in COLOR_SCHEMES:
            pictures = iter(sorted(folder.glob(f"*-{width}-{scheme}.png")))
            for number, part in enumerate(_parts(pictures, PAGES_PER_SHEET[width]), start=1):
                sheet.set_content(f"<style>{STYLE}</style>{''.join(map(_figure, part))}")
                sheet.screenshot(path=folder / f"sheet-{width}-{scheme}-{number}.png", full_page=True)


def _parts(pictures: Iterator[Path], size: int) -> Iterator[list[Path]]:
    while part := list(islice(pictures, size)):
        yield part


def _figure(picture: Path) -> str:
    data = base64.b64encode(picture.read_bytes()).decode()
    shown = "420" if "-400-" in picture.name else "860"
    name = picture.stem.rsplit("-", 2)[0]
    return f'<figure><figcaption>{name}</figcaption><img src="data:image/png;base64,{data}" width="{shown}"></figure>'
