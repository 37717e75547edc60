"""The service's JSON documents, from which the OpenAPI document is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

Status = Literal["open", "assigned", "resolved", "closed"]
State = Literal["UP", "DOWN"]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class Component(BaseModel):
    status: State


class Health(BaseModel):
    status: State
    components: dict[str, Component] = {}


class App(BaseModel):
    name: str
    version: str


class Info(BaseModel):
    app: App


class Message(BaseModel):
    channel: Text
    message_id: Text
    open_id: Text
    content: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
    timestamp: datetime


class Received(BaseModel):
    session_id: UUID
    ticket_id: UUID
    duplicate: bool


class Step(BaseModel):
    actor: Text = "clerk-1"


class Stepped(BaseModel):
    session_id: UUID
    status: Status


class Session(BaseModel):
    id: UUID
    channel: str
    status: Status
    assignee: str | None
    created_at: datetime
    updated_at: datetime


class Ticket(BaseModel):
    id: UUID
    session_id: UUID
    subject: str
    priority: Annotated[int, Field(ge=1, le=4)]
    status: Status
    created_at: datetime


class Sessions(BaseModel):
    sessions: list[Session]


class Tickets(BaseModel):
    tickets: list[Ticket]


class Refusal(BaseModel):
    code: str
    message: str
