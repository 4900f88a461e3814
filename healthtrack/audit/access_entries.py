"""The access log in sentences: who viewed or exported what, how often, and with which filters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse

from healthtrack.audit.account_names import label_person
from healthtrack.audit.models import Access
from healthtrack.audit.registry import filter_labels, page_names, run_address
from healthtrack.audit.subjects import get_access_logged_model
from healthtrack.core.navigation import get_links
from healthtrack.core.permissions import Person, can_view

MAX_PATIENTS_PER_ENTRY = 10


@dataclass(frozen=True)
class AccessEntry:
    """One access, or several of one kind.

    `what` is the end of a sentence that begins with the person, and `page_href` the page that it names, if the reader
    may open that. A sentence that names an import goes on with that and `after_run`. `patients` are the first numbers
    that it showed, each with the address of the record or ''; `others` counts the rest. `code` identifies a group, and
    is empty for a single access.
    """

    newest: Access
    oldest: Access
    count: int
    what: str
    after_run: str
    page_href: str
    patients: Mapping[str, str]
    others: int
    filters: Sequence[str]
    code: str

    @property
    def who(self) -> str:
        """The person by the name of that time, with the full name of now; '' if nobody was signed in."""
        return label_person(self.newest.person_name or "", self.newest.full_name)  # type: ignore[attr-defined]  # annotated

    @property
    def run_href(self) -> str:
        return run_address(self.newest.run_id) if self.newest.run_id else ""

    @property
    def began_at(self) -> datetime:
        return self.oldest.seen_at


def make_entries(
    reader: Person, groups: Sequence[Sequence[Access]], patient: str, codes: Sequence[str] = ()
) -> list[AccessEntry]:
    """Return an entry for each group of accesses, newest first; with a patient, only this one is shown of them."""
    builder = _Builder(page_names(), filter_labels(), set(_list_addresses(reader)), _record_page(reader), patient)
    codes = codes or [""] * len(groups)
    return [builder.build(group, code) for group, code in zip(groups, codes, strict=True)]


@dataclass(frozen=True)
class _Builder:
    names: Mapping[str, str]
    labels: Mapping[str, str]
    open_addresses: Collection[str]
    record_page: str
    patient: str

    def build(self, accesses: Sequence[Access], code: str) -> AccessEntry:
        newest = accesses[0]
        numbers = list(dict.fromkeys(number for access in accesses for number in access.patient_ids))
        shown = [self.patient] if self.patient else numbers[:MAX_PATIENTS_PER_ENTRY]
        count = len(numbers) if newest.file_rows is None or not shown else newest.file_rows
        name = self.names.get(newest.page, newest.page)
        what, _, after_run = name.partition(" an import") if newest.run_id else (name, "", "")
        filters = dict.fromkeys(name for access in accesses for name in access.filters)
        return AccessEntry(
            newest=newest,
            oldest=accesses[-1],
            count=len(accesses),
            what=what[:1].lower() + what[1:],
            after_run=after_run,
            page_href=self._find_address(newest.page),
            patients={number: self._get_record(number) for number in shown},
            others=count - len(shown),
            filters=[self.labels.get(each, each.replace("_", " ").capitalize()) for each in filters],
            code=code if len(accesses) > 1 else "",
        )

    def _find_address(self, page: str) -> str:
        """Return the address of the page if it is one that the reader's navigation leads to."""
        try:
            address = reverse(page)
        except NoReverseMatch:
            return ""
        return address if address in self.open_addresses else ""

    def _get_record(self, number: str) -> str:
        return reverse(self.record_page, args=[quote(number)]) if self.record_page else ""


def _list_addresses(reader: Person) -> Iterator[str]:
    for section in get_links(reader, ""):
        yield section.address
        yield from (entry.address for entry in section.entries)


def _record_page(reader: Person) -> str:
    """Return the name of the page of a record, '' if the reader may not open records."""
    model: Any = get_access_logged_model()
    if not model or not can_view(reader, model):
        return ""
    return f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
