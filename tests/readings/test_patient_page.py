"""A patient's page of readings: charts, tables, the file, and who sees them."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from healthtrack.audit.models import Access
from patients import follows
from patients.models import FormerNumber
from readings.charts.drawing import HEIGHT
from readings.charts.figures import MAX_POINTS
from readings.devices.attribution import BEGINNING, attribute
from readings.models import Consent, Device, DeviceAssignment, Episode, Metric, ReadingStream, StreamDevice
from readings.store.staging import Stream
from tests.support import factories
from tests.support.page import Page
from tests.support.readings import Reading, streams, write_run
from tests.support.signing_in import AsRole, SignIn

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
BERLIN = 3600
MIDNIGHT = int(datetime(2026, 3, 4, 23, tzinfo=UTC).timestamp()) * SECOND  # of 5 March in Berlin
PAGE = "/readings/P1/"


@pytest.fixture(autouse=True)
def _patient() -> None:
    factories.medical_record("P1", name="Ada Byron", date_of_birth=date(1980, 1, 1))


@pytest.fixture
def viewer(as_role: AsRole) -> Client:
    return as_role("Analyst")


def heart_rates(count: int, step: int, *, begin: int = MIDNIGHT, value: int = 60, stream: int = 1) -> list[Reading]:
    """Return so many heart rates, `step` seconds apart, which rise from `value` by one every ten readings."""
    return [
        Reading(stream, begin + number * step * SECOND, value + number // 10 % 60, utc_offset=BERLIN)
        for number in range(count)
    ]


def steps_of(hours: dict[int, int]) -> list[Reading]:
    return [
        Reading(3, MIDNIGHT + hour * HOUR, value, utc_offset=BERLIN, length=900 * SECOND)
        for hour, value in hours.items()
    ]


def store(readings: list[Reading], run: int = 1, of: list[Stream] | None = None) -> None:
    write_run(run, [readings], of or streams())


def get(client: Client, span: str = "day", day: str = "2026-03-05") -> Page:
    return Page.get(client, f"{PAGE}?span={span}&day={day}")


def lines(page: Page) -> list[str]:
    return [path.get("d", "") for path in page.all(".plot path[class^=curve-]:not(.dots)")]


class TestCharts:
    def test_a_day_shows_each_metric_with_its_mean_and_range(self, viewer: Client) -> None:
        store([*heart_rates(100, 60), *steps_of({8: 500, 9: 700})])
        page = get(viewer)
        assert "Heart rate" in page.text
        assert "64 on average, 60 to 69" in page.text
        assert "1,200" in page.text

    def test_missing_readings_are_a_gap_and_one_missing_reading_is_none(self, viewer: Client) -> None:
        readings = heart_rates(200, 300)
        store([reading for number, reading in enumerate(readings) if number != 50 and not 100 <= number < 120])
        (path,) = lines(get(viewer))
        assert path.count("M") == 2

    def test_however_many_readings_there_are_a_chart_has_few_points(self, viewer: Client) -> None:
        store(heart_rates(17_000, 5))
        drawn = [path.get("d", "") for path in get(viewer).all(".plot path")]
        assert 1000 < sum(path.count(",") for path in drawn) <= MAX_POINTS

    def test_the_lowest_and_highest_value_of_each_pixel_are_kept(self, viewer: Client) -> None:
        readings = heart_rates(17_000, 5)
        readings[8_000] = readings[8_000]._replace(value=200)
        store(readings)
        band = get(viewer).one(".band-1").get("d", "")
        heights = [float(place.split(",")[1]) for place in re.findall(r"[\d.]+,[\d.]+", band)]
        assert min(heights) < HEIGHT * 0.01

    @pytest.mark.parametrize("span", ["week", "month", "year"])
    def test_longer_spans_show_the_same_readings(self, viewer: Client, span: str) -> None:
        store([*heart_rates(100, 60), *heart_rates(100, 60, begin=MIDNIGHT + DAY, value=80), *steps_of({8: 500})])
        page = get(viewer, span)
        assert "60 to 89" in page.text
        assert "500 a day, on 1 day with readings" in page.text

    def test_glucose_in_another_unit_is_converted_and_has_its_target_range(self, viewer: Client) -> None:
        store([Reading(2, MIDNIGHT + number * HOUR, 100, decimals=1, utc_offset=BERLIN) for number in range(5)])
        page = get(viewer)
        assert "180" in page.text
        assert "mg/dL" in page.text
        assert page.all(".target")

    def test_each_source_has_a_line_of_its_own_and_nothing_is_added_up(self, viewer: Client) -> None:
        store([*steps_of({8: 500}), *heart_rates(20, 60)])
        store([*steps_of({8: 450}), *heart_rates(20, 60, value=70)], run=2, of=streams(source="Phone"))
        page = get(viewer)
        assert len(lines(page)) == 2
        assert len({path.get("stroke-dasharray") for path in page.all(".plot path[class^=curve-]:not(.dots)")}) == 2
        assert "Watch: 500" in page.text
        assert "Phone: 450" in page.text
        assert "950" not in page.text

    def test_local_times_of_a_journey_stay_as_they_were(self, viewer: Client) -> None:
        away = [Reading(1, MIDNIGHT + 15 * HOUR, 90, utc_offset=-5 * 3600)]
        store([*heart_rates(3, 60, begin=MIDNIGHT + 8 * HOUR), *away])
        rows = get(viewer).texts("details")[0]
        assert "08:00 to 09:00" in rows
        assert "09:00 to 10:00" in rows  # 15:00 in Berlin was 09:00 there

    def test_a_change_of_device_is_marked(self, viewer: Client) -> None:
        devices = [Device.objects.create(serial_number=name) for name in ("S-1", "S-2")]
        store(heart_rates(48, 3600))
        stream = ReadingStream.objects.get()
        noon = datetime(2026, 3, 5, 12, tzinfo=UTC)
        for device, starts_at in zip(devices, (BEGINNING, noon), strict=True):
            StreamDevice.objects.create(
                patient_id="P1",
                stream_id=stream.stream_id,
                starts_at=starts_at,
                device_id=device.pk,
                decision=StreamDevice.Decision.PERSON,
            )
        page = get(viewer, "week")
        assert page.texts(".mark-name") == ["S-2"]
        assert "Change of device: S-2." in page.text

    def test_values_of_whole_days_need_no_chart_of_a_day(self, viewer: Client) -> None:
        resting = Stream("P1", Metric.objects.get(code="resting_heart_rate").metric_id, "Watch", "/min")
        store([Reading(1, MIDNIGHT + DAY * day, 55 + day, utc_offset=BERLIN) for day in range(3)], of=[resting])
        assert "55" in get(viewer).text
        assert not lines(get(viewer))
        assert len(lines(get(viewer, "week"))) == 1


class TestPage:
    def test_it_says_what_exists(self, viewer: Client) -> None:
        device = Device.objects.create(serial_number="Watch")
        DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from=date(2026, 1, 1))
        store(heart_rates(1440, 60))
        attribute(["P1"])
        row = Page.get(viewer, PAGE).rows("streams-caption")[0]
        assert row == ["Heart rate", "Watch", "Watch", "5 Mar 2026", "5 Mar 2026", "1", "100 %", "1,440"]

    def test_nights_are_listed_although_no_chart_shows_them(self, viewer: Client) -> None:
        metric = Metric.objects.get(code="sleep")
        ReadingStream.objects.create(patient_id="P1", stream_id=7, metric_id=metric.pk, source="Watch", unit="min")
        for run in (1, 2):  # brought the same night
            Episode.objects.create(
                patient_id="P1",
                stream_id=7,
                run_id=run,
                starts_at=datetime(2026, 3, 4, 22, tzinfo=UTC),
                ends_at=datetime(2026, 3, 5, 6, tzinfo=UTC),
                start_offset=BERLIN,
                end_offset=BERLIN,
                day=date(2026, 3, 5),
            )
        row = Page.get(viewer, PAGE).rows("streams-caption")[0]
        assert row[0].startswith("Sleep")
        assert (row[1], row[3], row[5], row[7]) == ("Watch", "5 Mar 2026", "1", "1")

    def test_it_opens_at_the_last_readings_and_leads_to_the_periods_next_to_them(self, viewer: Client) -> None:
        store([*heart_rates(3, 60), *heart_rates(3, 60, begin=MIDNIGHT + 30 * DAY)])
        page = Page.get(viewer, PAGE)
        assert "30 Mar 2026 to 5 Apr 2026" in page.text
        assert page.all("[rel=prev]")
        assert not page.all("[rel=next]")
        assert "No readings in this period" not in page.text

    def test_a_metric_without_readings_in_the_period_leads_to_its_last_ones(self, viewer: Client) -> None:
        store([*heart_rates(3, 60), *steps_of({8: 5})[:1], *heart_rates(3, 60, begin=MIDNIGHT + 30 * DAY)])
        page = get(viewer, "day", "2026-04-04")
        assert "No readings in this period of: Steps (last on 5 Mar 2026)" in page.text

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("span=decade", "“decade” is not a span. Choose day, week, month, year."),
            ("day=2026-02-30", "“2026-02-30” is not a day. Write it as 2026-03-05."),
            ("day=9999-12-31", "“9999-12-31” is not a day."),
        ],
    )
    def test_a_wrong_address_gets_a_message(self, viewer: Client, query: str, words: str) -> None:
        store(heart_rates(3, 60))
        response = viewer.get(f"{PAGE}?{query}")
        assert response.status_code == 400
        assert words in Page.of(response).text

    def test_the_limits_of_the_calendar_are_no_problem(self, viewer: Client) -> None:
        store(heart_rates(3, 60))
        for span in ("day", "week", "month", "year"):
            for day in ("1900-01-01", "2199-12-31"):
                assert viewer.get(f"{PAGE}?span={span}&day={day}").status_code == 200

    def test_an_unknown_patient_has_no_page(self, viewer: Client) -> None:
        assert viewer.get("/readings/P9/").status_code == 404
        assert viewer.get("/readings/deleted_2F1/").status_code == 404

    def test_readings_of_a_deleted_record_show_nowhere(self, viewer: Client) -> None:
        store(heart_rates(3, 60))
        follows.delete(["P1"])
        assert "This patient has no readings yet." in Page.get(viewer, PAGE).text
        assert "No patient has readings yet." in Page.get(viewer, "/readings/").text

    def test_a_former_number_leads_to_the_record(self, viewer: Client) -> None:
        FormerNumber.objects.create(number="P0", patient_id="P1")
        assert viewer.get("/readings/P0/")["Location"] == PAGE

    def test_viewing_and_downloading_is_in_the_access_log(self, viewer: Client) -> None:
        store(heart_rates(3, 60))
        for address, name in (
            (PAGE, "readings:patient"),
            (f"{PAGE}file/", "readings:file"),
            ("/readings/", "readings:patients"),
        ):
            b"".join(viewer.get(address))
            access = Access.objects.latest("pk")
            assert (access.page, access.patient_ids) == (name, ["P1"])

    def test_more_streams_and_days_need_no_more_queries(
        self, viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for run in range(1, 5):
            of = streams(source=f"Source {run}")
            store([*heart_rates(24 * 20, 3600), *steps_of({8: 500, 9: 100})], run=run, of=of)
        for span in ("day", "week", "month", "year"):
            with django_assert_max_num_queries(16):
                get(viewer, span)


class TestPermissions:
    def test_only_people_who_may_view_readings_see_them(self, client: Client, sign_in: SignIn) -> None:
        for address in (PAGE, f"{PAGE}file/", "/readings/"):
            assert client.get(address).status_code == 302
        strangers = sign_in("patients.view_medicalrecord")
        for address in (PAGE, f"{PAGE}file/", "/readings/"):
            assert strangers.get(address).status_code == 403

    def test_the_record_links_to_them_only_for_people_who_may_view_them(self, as_role: AsRole, sign_in: SignIn) -> None:
        store(heart_rates(3, 60))
        record = reverse("admin:patients_medicalrecord_change", args=["P1"])
        page = Page.get(as_role("Analyst"), record)
        assert page.addresses().count(PAGE) == 2
        assert "last on 5 Mar 2026" in page.text
        assert PAGE not in Page.get(sign_in("patients.view_medicalrecord"), record).addresses()

    def test_only_people_who_may_export_get_the_file(self, as_role: AsRole) -> None:
        store(heart_rates(3, 60))
        keeper = as_role("Record keeper")
        assert keeper.get(f"{PAGE}file/").status_code == 403
        assert "Download as CSV" not in Page.get(keeper, PAGE).text


class TestFile:
    def test_it_has_the_readings_exactly_and_can_be_imported_again(self, viewer: Client) -> None:
        begin = MIDNIGHT + 8 * HOUR
        store(
            [
                Reading(1, begin + 250_000, 72, utc_offset=BERLIN),
                Reading(2, begin + SECOND, 5, decimals=1, utc_offset=-12_600),
                Reading(3, begin + 2 * SECOND, 40, utc_offset=BERLIN, length=900 * SECOND),
            ]
        )
        response: Any = viewer.get(f"{PAGE}file/?span=day&day=2026-03-05")
        text = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
        assert response["Content-Disposition"] == 'attachment; filename="readings-day-2026-03-05.csv"'
        assert text == [
            "patient_id,metric,start,end,value,unit,device",
            "P1,heart_rate,2026-03-05T08:00:00.25+01:00,,72,/min,Watch",
            "P1,glucose,2026-03-05T03:30:01-03:30,,0.5,mmol/L,Watch",
            "P1,steps,2026-03-05T08:00:02+01:00,2026-03-05T08:15:02+01:00,40,{steps},Watch",
        ]

    def test_a_wrong_address_leads_back_with_a_message(self, viewer: Client) -> None:
        assert "is not a day" in Page.of(viewer.get(f"{PAGE}file/?day=x", follow=True)).text


def test_patients_are_listed_in_pages(viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(60):
        factories.medical_record(f"Q{number:02}")
        write_run(number + 1, [heart_rates(2, 60)], streams(f"Q{number:02}"))
    with django_assert_max_num_queries(9):
        page = Page.get(viewer, "/readings/")
    assert len(page.rows()) == 50
    assert page.rows()[0][0] == "Q00"
    rest = Page.get(viewer, "/readings/?from=Q50")
    assert [row[0] for row in rest.rows()] == [f"Q{number}" for number in range(50, 60)]


def test_withdrawn_readings_are_listed_without_details(viewer: Client) -> None:
    store(heart_rates(3, 60))
    Consent.objects.create(patient_id="P1", since=date(2026, 3, 1), is_given=False)
    assert Page.get(viewer, "/readings/").rows() == [["P1", "Ada Byron", "Consent withdrawn: readings are hidden"]]
