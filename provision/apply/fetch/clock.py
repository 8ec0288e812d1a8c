"""How long one fetch may take, with all its attempts."""

from math import inf
from time import monotonic


class Clock:
    """Runs from its making on for `total_s` seconds; 0 never ends."""

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self.end = monotonic() + total_s if total_s else inf

    def left(self) -> float:
        """Seconds that are left; not more than 0 when the time is over."""
        return self.end - monotonic()

    def until(self, seconds: float) -> float:
        """When a step that may take so long has to be done; one of 0 seconds ends with the whole."""
        return min(self.end, monotonic() + seconds) if seconds > 0 else self.end


FOREVER = Clock(0)
