"""The suite's plugins, in the order in which a run goes through them."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.selection",
    "fixtures.listing",
    "reports.plugin",
    "fixtures.lab",
    "fixtures.hushing",
    "fixtures.engine",
    "fixtures.telling",
    "fixtures.progress",
]
