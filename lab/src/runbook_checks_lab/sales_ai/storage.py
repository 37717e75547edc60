"""The bucket of recordings, in moto's S3 with R2's behaviour."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from runbook_checks_lab.servers.certificates import ChainPlan
from runbook_checks_lab.servers.front import Front

if TYPE_CHECKING:
    from runbook_checks_lab.shared_servers import SharedServers

BUCKET = "sales-recordings"
PREFIX = "recordings/"
RECORDING = PREFIX + "call-{:04}.mp3"
COUNT = 12
SOUND = b"ID3\x04" + bytes(2048)


class Storage:
    """The bucket and a key that may read it, behind its own port."""

    def __init__(self, shared: SharedServers) -> None:
        self._moto = shared.moto
        self.key_id, self.secret = secrets.token_hex(16), secrets.token_hex(32)
        self.front = Front(self._moto.port, shared.authority.context)
        self.front.behaviour.chain = ChainPlan(names=("localhost",))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.front.port}"

    async def start(self) -> None:
        self._moto.behaviour.keys[self.key_id] = self.secret
        await self._moto.start()
        await asyncio.to_thread(self.fill)

    def fill(self) -> None:
        self._moto.client("s3").create_bucket(Bucket=BUCKET)
        self.put_back()

    def remove(self, prefix: str = PREFIX) -> None:
        client = self._moto.client("s3")
        for entry in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=entry["Key"])

    def put_back(self) -> None:
        client = self._moto.client("s3")
        for number in range(COUNT):
            client.put_object(Bucket=BUCKET, Key=RECORDING.format(number), Body=SOUND)

    def remove_bucket(self) -> None:
        self.remove("")
        self._moto.client("s3").delete_bucket(Bucket=BUCKET)
