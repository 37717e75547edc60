"""Settings of a front end: its page, the origins that may call its API, load times, uploads."""

from __future__ import annotations

from dataclasses import field

from runbook_checks.config.capabilities.rules import PositiveFloat, PositiveInt, patterns, settings
from runbook_checks.config.secrets import Text


@settings
class Cors:
    """Which pages may call the API from a browser."""

    path: str
    """An address of the API that the front end calls."""
    origin: Text | None = None
    """The front end's origin, such as https://app.example.com; else that of http.base_url."""
    methods: list[str] = field(default_factory=lambda: ["GET", "POST"])
    """The methods it uses."""
    headers: list[str] = field(default_factory=lambda: ["content-type"])
    """The headers it sends."""
    credentials: bool = True
    """It sends cookies or other credentials along."""


@settings
class Assets:
    """How many files of a page are requested."""

    other_origins: list[str] = field(default_factory=list)
    """Other origins to request files from, such as https://cdn.example.com; no credentials are sent there."""
    most: PositiveInt = 200
    """No more files than this."""
    most_bytes: PositiveInt = 32 << 20
    """No more bytes than this, and no file larger than a quarter of it."""
    within_s: PositiveFloat = 15
    """No longer than this."""


@settings
class Upload:
    """The address of uploads; needs a user (auth)."""

    path: str
    """The address."""
    file_field: str = "file"
    """The form's field with the file."""
    limit_bytes: PositiveInt = 10 << 20
    """The largest file that must be accepted."""
    within_s: PositiveFloat = 30
    """It must be accepted within this time."""
    accepted: list[int] = field(default_factory=lambda: [200, 201, 202])
    """The statuses that mean it was accepted."""
    id_field: str = "id"
    """The field of the answer with the upload's ID."""
    clean_up: str | None = None
    """The address to DELETE it; {id} is the upload's ID."""


@settings
class Web:
    """A front end in a browser, and the proxy before it."""

    page: str = "/"
    """The front page."""
    plain_url: Text | None = None
    """The plain HTTP address that must redirect to HTTPS."""
    cors: Cors | None = None
    """Which pages may call the API."""
    assets: Assets = field(default_factory=Assets)
    """How much of what the page refers to is looked at."""
    first_paint_ms: PositiveFloat = 2000
    """The first paint must come within this time."""
    load_ms: PositiveFloat = 5000
    """The page must be loaded within this time."""
    ignore: list[str] = field(default_factory=list)
    """Regular expressions of harmless errors in the browser's console; an error of a file ends with its address."""
    browser_sandbox: bool = True
    """Chromium runs in its sandbox, except as root; false where the kernel allows none and the page is your own."""
    upload: Upload | None = None
    """The address of uploads."""

    def __post_init__(self) -> None:
        patterns(ignore={"": self.ignore})
