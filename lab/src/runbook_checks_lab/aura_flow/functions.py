"""Plans, insights and uploads."""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, Depends, HTTPException, Request, UploadFile

from runbook_checks_lab.aura_flow import documents as d
from runbook_checks_lab.aura_flow.accounts import REFUSED, Refusals, claims, service_of
from runbook_checks_lab.aura_flow.names import INSIGHTS, PLANS, UPLOADS

router = APIRouter(tags=["functions"])
OFFERED = (("free", "Free", 0.0), ("team", "Team", 49.0), ("company", "Company", 490.0))
TOPICS = ("focus", "rhythm", "energy")
TOO_LARGE: Refusals = {413: {"model": d.Refusal, "description": "the file is too large"}}
NOT_TAKEN: Refusals = {503: {"model": d.Refusal, "description": "the disk is full"}}
GONE: Refusals = {404: {"model": d.Refusal, "description": "there is no such upload"}}


@router.get(PLANS)
def plans() -> d.Plans:
    return d.Plans(plans=[d.Plan(id=name, title=title, price=price) for name, title, price in OFFERED])


@router.post(INSIGHTS)
def preview(question: d.Question) -> d.Insights:
    """Return an example insight; nothing is stored, and no model is called."""
    score = 0.5 + len(question.text) % 50 / 100
    return d.Insights(status="ready", insights=[d.Insight(topic=topic, score=score) for topic in TOPICS])


@router.post(UPLOADS, status_code=201, responses=REFUSED | TOO_LARGE | NOT_TAKEN, dependencies=[Depends(claims)])
async def upload(request: Request, file: UploadFile) -> d.Uploaded:
    service = service_of(request)
    size = file.size or 0
    if size > service.behaviour.upload_limit:
        raise HTTPException(service.behaviour.too_large_status, "the file is too large")
    if not service.behaviour.takes_uploads:
        raise HTTPException(503, "ENOSPC: no space left on device")
    await asyncio.sleep(service.behaviour.upload_delay_s)
    name = secrets.token_hex(8)
    service.uploads[name] = size
    return d.Uploaded(id=name, size=size)


@router.delete(f"{UPLOADS}/{{name}}", status_code=204, responses=REFUSED | GONE, dependencies=[Depends(claims)])
def remove(request: Request, name: str) -> None:
    if service_of(request).uploads.pop(name, None) is None:
        raise HTTPException(404, "there is no such upload")
