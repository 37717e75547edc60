"""How many connections a server has room for, and what to say where it has none."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 4  # connections of one role to one server, however many systems share them
# Kinds of a refusal that another connection's end may cure.
OWN_LIMIT = "own-connection-limit"  # the role holds all it may: another run of ours, or a connection just closed
SERVER_FULL = "too-many-connections"


@dataclass(frozen=True)
class Room:
    """What a server says of its limits; None where it sets none, or doesn't say."""

    role: int | None = None  # connections our role may hold
    free: int | None = None  # places nobody holds, beside the connection that asked

    @property
    def allowed(self) -> int:
        """Half of what the role may hold, for a second run beside this one, and half of what is left to everybody."""
        limits = [MOST]
        limits += [self.role // 2] if self.role is not None else []
        limits += [1 + self.free // 2] if self.free is not None else []
        return max(1, min(limits))


def all_in_use(role: str, limit: int | None) -> str:
    """What to say where a role holds all it may, whether it is known how many these are or not."""
    if limit is None:
        return f"all the connections that {role} may hold are in use"
    return f"{role} may hold {limit} connection{'s' if limit > 1 else ''} and all are in use"
