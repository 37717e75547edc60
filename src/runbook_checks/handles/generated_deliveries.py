"""Which changes must a signature notice? Generated with hypothesis: bounded, the same every time, nothing stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.probes.core import hypothesis_home

if TYPE_CHECKING:
    from collections.abc import Iterator

Delivery = tuple[bytes, str, str]  # body, timestamp, signature


def changed_deliveries(original: Delivery, examples: int) -> Iterator[tuple[str, bytes, str, str]]:
    """Deliveries with one part changed: what was changed, body, timestamp, signature.

    Each kind of change comes at least once; `examples` is how many there are in all. An upper-case
    signature is the same number written differently, and no change.
    """
    hypothesis_home.settle()
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    body, timestamp, signature = original
    position = st.integers(0, len(signature) - 1)
    digits = st.sampled_from("0123456789abcdef")
    kinds = {
        "its body": st.binary(min_size=1, max_size=24).map(lambda tail: (body + b" " + tail, timestamp, signature)),
        "its timestamp": st.integers(1, 60).map(lambda s: (body, str(int(timestamp) - s), signature)),
        "its signature": st.tuples(position, digits).map(
            lambda at: (body, timestamp, signature[: at[0]] + at[1] + signature[at[0] + 1 :])
        ),
    }
    each = max(1, -(-examples // len(kinds)))
    bounded = settings(
        max_examples=each,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def several(strategy: st.SearchStrategy[Delivery]) -> list[Delivery]:
        changes: list[Delivery] = []

        @bounded
        @given(strategy.filter(lambda changed: changed != original))
        def collect(changed: Delivery) -> None:
            changes.append(changed)

        collect()
        return changes

    for what, strategy in kinds.items():
        yield from ((what, *changed) for changed in dict.fromkeys(several(strategy)))
