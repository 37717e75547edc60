"""Which sources and privileges can be taken from the checks of ReverseAI?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.faults.reverseai import system
from lab.faults.shared import metrics
from lab.registry import BlindsOf
from lab.servers.files import away

if TYPE_CHECKING:
    from lab.lab import Lab

blind = BlindsOf("reverseai")


@blind("ca-file-missing", "contract.violated")
def ca_file_gone(lab: Lab) -> Iterator[None]:
    with away(lab.authority.ca_file):
        yield


metrics.unseen(blind, system, "slo.error-rate", "slo.latency", "slo.execution-success")
