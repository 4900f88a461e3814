"""How every page writes dates and times, including the lists of the admin, and which dates forms read."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATE_FORMAT = DATE_FORMAT
SHORT_DATETIME_FORMAT = DATETIME_FORMAT
# Never years of two digits: 05/17/24 may be the date of birth of a child or of a person of 102 years.
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%m/%d/%Y"]
