import re

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.support.signing_in import SignIn

PAGE = "/reports/charts/"


def test_developers_can_open_it(sign_in: SignIn, settings: LazySettings) -> None:
    settings.DEBUG = True
    response = Client().get(PAGE)
    assert response.status_code == 302
    content = sign_in().get(PAGE).content.decode()
    assert content.count("<figure") == 24
    assert content.count('<table class="heat">') == 2


@pytest.mark.django_db
def test_in_production_it_does_not_exist(sign_in: SignIn) -> None:
    assert Client().get(PAGE).status_code == 404
    assert sign_in().get(PAGE).status_code == 404


def test_the_page_has_no_inline_styles(sign_in: SignIn, settings: LazySettings) -> None:
    settings.DEBUG = True
    content = sign_in().get(PAGE).content.decode()
    assert not re.search(r"<style|\sstyle=", content)


def test_ids_are_unique(sign_in: SignIn, settings: LazySettings) -> None:
    settings.DEBUG = True
    names = re.findall(r'\sid="([^"]+)"', sign_in().get(PAGE).content.decode())
    assert len(names) == len(set(names))
