"""Find paid orders that are not shipped."""

from __future__ import annotations

from runbook_checks import Found, symptom

from ._warehouse import Warehouse

MOST_WAITING = 20


@symptom("orders.stuck")
def check_paid_orders_are_shipped(warehouse: Warehouse) -> None:
    """Customers wait, and the shop learns of it only when they complain."""
    picking = warehouse.picking()
    if picking.waiting <= MOST_WAITING:
        return
    cause = "picker-stopped" if picking.stopped_s else "shelf-empty" if picking.missing else None
    raise Found(
        cause,
        seen=f"{picking.waiting} paid orders wait",
        wanted=f"at most {MOST_WAITING}",
        picker=picking.picker,
        stopped_s=picking.stopped_s,
        missing=picking.missing,
    )
