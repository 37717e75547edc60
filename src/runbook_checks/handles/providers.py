"""Handles for the providers that a system depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook_checks.handles.base import Handle

if TYPE_CHECKING:
    from runbook_checks.config import capabilities
    from runbook_checks.probes.providers.groq import Standing
    from runbook_checks.probes.providers.object_storage import Bucket
    from runbook_checks.probes.providers.status_pages import Page


class StatusPages(Handle):
    """The providers' public status pages."""

    needs = ("providers",)
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Providers

    def page(self, provider: str) -> Page:
        """One provider's page."""
        from runbook_checks.probes.providers.status_pages import read_page

        page = self.settings.pages[provider]
        url = self.bound.value(page.url, "providers") or ""
        http = self.bound.opened(f"status {provider}", lambda: self.bound.http_at(url, "providers", max_body=8 << 20))
        return read_page(http, page.kind)


class Groq(Handle):
    """Groq's API."""

    needs = ("groq",)
    libraries = ("runbook_checks.probes.http.transport",)
    settings: capabilities.Groq

    def standing(self) -> Standing:
        """The key and its quotas, by one request."""
        from runbook_checks.probes.providers.groq import standing

        key = self.bound.value(self.settings.key, "groq") or ""
        url = self.bound.value(self.settings.api_url, "groq") or ""
        headers = {"Authorization": f"Bearer {key}"}
        http = self.bound.opened("groq", lambda: self.bound.http_at(url, "groq", headers=headers))
        return standing(http, self.settings.path)


class ObjectStorage(Handle):
    """The bucket."""

    needs = ("storage",)
    libraries = ("boto3", "botocore.config", "runbook_checks.probes.providers.object_storage")
    settings: capabilities.Storage

    @property
    def bucket(self) -> Bucket:
        return self.bound.opened("storage", self._bucket)

    def _bucket(self) -> Bucket:
        from runbook_checks.probes.providers.object_storage import Bucket

        rule = self.settings
        return Bucket(
            self.bound.value(rule.endpoint, "storage") or "",
            self.bound.value(rule.bucket, "storage") or "",
            key_id=self.bound.value(rule.access_key_id, "storage") or "",
            secret=self.bound.value(rule.secret_access_key, "storage") or "",
            region=rule.region,
            session_token=self.bound.value(rule.session_token, "storage"),
            addressing=rule.addressing,
            ca_file=self.bound.ca_file,
            proxy=self.bound.value(self.chosen.settings.proxy, "storage"),
            resolver=self.bound.resolver,
            clear_text=self.bound.clear_text,
        )
