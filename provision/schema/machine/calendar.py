"""Calendar expressions, as `OnCalendar=` has them: `Mon..Fri *-*-* 04:00:00 Europe/Berlin`. Source: systemd.time(7)."""

import re

SHORTHAND = re.compile(
    "minutely|hourly|daily|weekly|monthly|yearly|annually|anually|quarterly|(semi|bi)-?annually", re.I
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDER = [day[:2] for day in DAYS]
DAY_NAMES = frozenset((*DAYS, *(day[:3] for day in DAYS)))
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
DATE = re.compile(r"(?:([^-~]+)-)?([^-~]+)[-~]([^-~]+)")
ITEM = re.compile(r"(\*|\d+(?:\.\d+)?(?:\.\.\d+(?:\.\d+)?)?)(?:(?<!\*)/\d+(?:\.\d+)?)?")

# What each part of a date or time may be. Years of two digits are taken for those of 1970 to 2069.
YEAR, MONTH, DAY = ("year", 0, 2199), ("month", 1, 12), ("day", 1, 31)
HOUR, MINUTE, SECOND = ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59)


def calendar_fault(value: str) -> str | None:
    """What is wrong with a calendar expression; None where nothing is."""
    words = value.split()
    if len(words) == 1 and words[0].startswith("@"):
        return None if words[0][1:].isdigit() else f"`{value}` is no time since 1970"
    zone = words[-1] if len(words) > 1 and is_zone(words[-1]) else None
    parts = words[:-1] if zone else words
    if len(parts) == 1 and SHORTHAND.fullmatch(parts[0]):
        return None
    if parts and parts[0][:1].isalpha():
        weekdays = parts.pop(0)
        while parts and weekdays.endswith((",", "..")) and parts[0][:1].isalpha():
            weekdays += parts.pop(0)
        fault = weekdays_fault(weekdays, value)
        if fault:
            return fault
    if parts and ":" not in parts[0]:
        fault = date_fault(parts.pop(0), value)
        if fault:
            return fault
    if parts and (fault := time_fault(parts.pop(0), value)):
        return fault
    return f"`{value}` has more than weekdays, a date, a time and a time zone" if parts else None


def is_zone(word: str) -> bool:
    """Whether a last word is a time zone: UTC, or a name such as Europe/Berlin."""
    return bool(ZONE.fullmatch(word)) and word.lower() not in DAY_NAMES


def weekdays_fault(text: str, whole: str) -> str | None:
    """Weekdays: names, ranges, and lists of them."""
    for item in text.rstrip(",").split(","):
        days = re.split(r"\.\.|-", item.lower())
        wrong = next((day for day in days if day not in DAY_NAMES), None)
        if wrong is not None:
            return f"`{wrong}` in `{whole}` is no weekday"
        if len(days) == 2 and ORDER.index(days[0][:2]) > ORDER.index(days[1][:2]):
            return f"`{item}` in `{whole}` runs backwards: a week starts on Monday"
    return None


def date_fault(text: str, whole: str) -> str | None:
    """Year, month and day, the first of which may be left out."""
    found = DATE.fullmatch(text)
    if not found:
        return f"`{text}` in `{whole}` is no date, such as *-*-01, nor a time, such as 04:00"
    year, month, day = found.groups()
    return items_fault(year or "*", YEAR, whole) or items_fault(month, MONTH, whole) or items_fault(day, DAY, whole)


def time_fault(text: str, whole: str) -> str | None:
    """Hours, minutes and perhaps seconds."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 3:
        return f"`{text}` in `{whole}` is no time, such as 04:00 or 04:00:30"
    faults = (items_fault(part, limits, whole) for part, limits in zip(parts, (HOUR, MINUTE, SECOND), strict=False))
    return next(filter(None, faults), None)


def items_fault(text: str, limits: tuple[str, int, int], whole: str) -> str | None:
    """A list of numbers, ranges and repetitions within limits."""
    what, least, most = limits
    for item in text.split(","):
        found = ITEM.fullmatch(item)
        if not found:
            every = f"; every so many are written {least}{item[1:]}" if item.startswith("*/") else ""
            return f"`{item}` in `{whole}` is no {what}{every}"
        numbers = [float(number) for number in found[1].split("..")] if found[1] != "*" else []
        if not all(least <= number <= most for number in numbers):
            return f"`{item}` in `{whole}` is no {what}: it must be {least} to {most}"
        if numbers != sorted(numbers):
            return f"`{item}` in `{whole}` runs backwards"
    return None
