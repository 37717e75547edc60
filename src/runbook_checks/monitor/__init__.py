"""The monitor: scheduled runs with a history, alerts with retries, a status page and metrics."""
