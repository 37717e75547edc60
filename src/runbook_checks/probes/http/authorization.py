"""How does a client say who it is? (RFC 7617 and RFC 6750)"""

from __future__ import annotations

import base64


def basic(user: str, password: str) -> dict[str, str]:
    """The header for a name and a password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header for a token."""
    return {"Authorization": f"Bearer {token}"}
