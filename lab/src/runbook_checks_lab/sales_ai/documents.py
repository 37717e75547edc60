"""What do the Workers' documents look like? (The OpenAPI document is made from these.)"""

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
    """What Slack shows to whoever typed the command, and to nobody else."""

    response_type: Literal["ephemeral", "in_channel"] = "ephemeral"
    text: str


class Refusal(BaseModel):
    error: str
