"""The back end's JSON documents, from which the OpenAPI document is made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Role = Literal["user", "admin"]


class Component(BaseModel):
    status: Literal["ok", "down"]


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    version: str
    components: dict[str, Component] = {}


class Quota(BaseModel):
    used: int
    limit: int


class Cost(BaseModel):
    today: float
    daily_limit: float


class AiStatus(BaseModel):
    provider: str
    provider_status: Literal["ok", "down"] = "ok"
    quota: Quota
    cost: Cost
    degraded: bool


class Credentials(BaseModel):
    email: Annotated[str, Field(min_length=3, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class User(BaseModel):
    id: int
    email: str
    role: Role


class LoggedIn(BaseModel):
    token: str
    expires_in: int
    user: User


class Users(BaseModel):
    users: list[User]


class Plan(BaseModel):
    id: str
    title: str
    price: Annotated[float, Field(ge=0)]


class Plans(BaseModel):
    plans: list[Plan]


class Question(BaseModel):
    text: Annotated[str, Field(min_length=1, max_length=2000)]


class Insight(BaseModel):
    topic: str
    score: Annotated[float, Field(ge=0, le=1)]


class Insights(BaseModel):
    status: Literal["ready"]
    insights: list[Insight]


class Uploaded(BaseModel):
    id: str
    size: int


class Refusal(BaseModel):
    error: str
