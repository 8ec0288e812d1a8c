"""Labels of partitions, file systems and volumes: how long they may be."""


def label_fault(label: str | None, limit: int, holder: str) -> str | None:
    """Why a label does not fit; None where it does. `limit` counts bytes of UTF-8, as Ignition measures labels."""
    if not label or len(label) * 4 <= limit:
        return None
    length = len(label.encode("utf-8", "replace"))
    return f"the label takes {length} bytes; {holder} holds {limit}" if length > limit else None
