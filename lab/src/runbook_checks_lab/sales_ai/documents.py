"""The Workers' JSON documents, from which the OpenAPI document is made."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class Component(BaseModel):
    status: str


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    components: dict[str, Component]


class Version(BaseModel):
    name: str
    version: str


class Conversation(BaseModel):
    id: UUID
    lead: str
    status: Literal["pending", "transcribing", "completed", "failed"]
    audio_key: str
    created_at: datetime


class Conversations(BaseModel):
    conversations: list[Conversation]


class Reply(BaseModel):
    """The message that Slack shows only to the user who typed the command."""

    response_type: Literal["ephemeral", "in_channel"] = "ephemeral"
    text: str


class Refusal(BaseModel):
    error: str
