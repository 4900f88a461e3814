"""People receive a mail when an import of theirs has finished, if they want that."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.core.mail import EmailMessage
from django.test import Client

from healthtrack.accounts.models import Preferences
from healthtrack.core.environment_values import parse_mail_server
from healthtrack.imports import registry
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.life_cycle.mails import mail_result
from healthtrack.imports.models import ImportRun, State
from tests.support import factories
from tests.support.import_files import CATALOGUE, write_csv
from tests.support.import_pages import press_import, upload
from tests.support.page import Page
from tests.support.signing_in import client_for

pytestmark = pytest.mark.django_db

PAGE = "/sign-in/preferences/"


@pytest.fixture
def person(settings: LazySettings) -> User:
    settings.MAIL_SERVER = parse_mail_server("smtps://us:secret@mail.example")
    settings.DEFAULT_FROM_EMAIL = "healthtrack@hospital.example"
    person = factories.staff(username="kamala")
    person.email = "kamala@hospital.example"
    person.save()
    return person


@pytest.fixture
def client(person: User) -> Client:
    return client_for(person)


def finish(person: User, state: State) -> ImportRun:
    run = factories.import_run(State.APPLYING, started_by=person)
    runs.end(run, state)
    mail_result(run)
    return run


@pytest.mark.parametrize(("state", "word"), [(State.APPLIED, "imported"), (State.FAILED, "failed")])
def test_who_wants_it_is_mailed_how_the_import_ended(
    client: Client, person: User, mailoutbox: list[EmailMessage], state: State, word: str
) -> None:
    client.post(PAGE, {"time_zone": "", "date_format": "", "mails_of_imports": "on"})
    run = finish(person, state)
    (mail,) = mailoutbox
    assert mail.to == ["kamala@hospital.example"]
    assert mail.subject == f"Import {run.run_id}: {word}"
    assert all(file.name not in mail.body for file in run.files.all())


@pytest.mark.usefixtures("catalogue_steward")
class TestWorker:
    """The jobs that check and import files mail how they ended."""

    @pytest.fixture
    def catalogue_steward(self, person: User) -> None:
        Preferences.objects.create(user=person, time_zone="", date_format="", mails_of_imports=True)
        person.groups.add(Group.objects.get(name="Data steward"))

    def test_a_check_and_an_import_mail_when_they_end(
        self, client: Client, mailoutbox: list[EmailMessage], tmp_path: Path
    ) -> None:
        page = upload(client, CATALOGUE, write_csv(tmp_path / "rows.csv", CATALOGUE.rows({})))
        assert [mail.subject.partition(": ")[2] for mail in mailoutbox] == ["ready to import"]
        press_import(client, page)
        assert [mail.subject.partition(": ")[2] for mail in mailoutbox] == ["ready to import", "imported"]

    def test_a_check_that_a_bug_ends_mails_that_it_failed(
        self,
        client: Client,
        mailoutbox: list[EmailMessage],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(registry.get(CATALOGUE.importer), "check", fail)
        with pytest.raises(RuntimeError):
            upload(client, CATALOGUE, write_csv(tmp_path / "rows.csv", CATALOGUE.rows({})))
        assert [mail.subject.partition(": ")[2] for mail in mailoutbox] == ["failed"]


def test_nobody_is_mailed_without_having_chosen_it(person: User, mailoutbox: list[EmailMessage]) -> None:
    finish(person, State.APPLIED)
    Preferences.objects.create(user=person, time_zone="", date_format="")
    finish(person, State.APPLIED)
    assert not mailoutbox


def test_what_a_person_did_themselves_is_not_mailed(person: User, mailoutbox: list[EmailMessage]) -> None:
    Preferences.objects.create(user=person, time_zone="", date_format="", mails_of_imports=True)
    finish(person, State.CANCELLED)
    assert not mailoutbox


def test_the_choice_is_only_offered_where_mails_can_be_sent(
    client: Client, person: User, settings: LazySettings
) -> None:
    assert Page.get(client, PAGE).all("#id_mails_of_imports")
    settings.MAIL_SERVER = None
    assert not Page.get(client, PAGE).all("#id_mails_of_imports")
