from datetime import date


def completed_years(born: date, day: date) -> int:
    """Age on a day; who is born on 29 February turns a year older on 1 March in a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
