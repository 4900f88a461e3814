"""How every page writes dates and times, including the lists of the admin, and which dates forms read."""

from healthtrack.core.date_formats import EXACT_TIME, TIME, PersonalFormat

DATE_FORMAT = SHORT_DATE_FORMAT = PersonalFormat()
TIME_FORMAT = TIME
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = PersonalFormat(TIME)
EXACT_DATETIME_FORMAT = PersonalFormat(EXACT_TIME)  # our own, for logs
# Never years of two digits: 05/17/24 may be the date of birth of a child or of a person of 102 years.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%m/%d/%Y"]
