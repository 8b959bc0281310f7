"""Two EHRs that an installation in production serves: their files, and clients that sign as they do."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from cds_service.app import create_app, random_uuid
from cds_service.settings import Settings
from tests.conftest import NOW, Client
from tests.trust.tokens import key_set, signer, token

BASE_URL = "https://cds.example.no"
SECONDS = int(NOW.timestamp())


@dataclass(frozen=True)
class Ehr:
    """An EHR: the name of its file, what it signs with, and what its file says beside that."""

    name: str
    algorithm: str = "RS384"
    more: str = ""
    key: str = ""
    """The name of its key, where that is not its own."""

    @property
    def issuer(self) -> str:
        return f"https://{self.name}.example.no"

    @property
    def signer(self):
        return signer(self.algorithm, self.key or self.name)

    def write(self, folder: Path) -> None:
        keys = folder / f"{self.name}.json"
        keys.write_bytes(key_set(self.signer))
        lines = [f'issuer = "{self.issuer}"', f'key_set_file = "{keys}"', self.more]
        (folder / f"{self.name}.toml").write_text("\n".join(lines), "utf-8")

    def token(self, path, at=SECONDS, **changes):
        """A token for that path; `changes` are claims."""
        rows = {"iss": self.issuer, "aud": f"{BASE_URL}{path}", "iat": at, "exp": at + 300}
        return token(self.signer, **{**rows, **changes})

    def authorization(self, path, at=SECONDS, **changes):
        return {"Authorization": f"Bearer {self.token(path, at, **changes)}"}


NORTH = Ehr(
    "north", more='origins = ["https://ehr.north.example.no"]\nfhir_bases = ["https://fhir.north.example.no/r4"]'
)
SOUTH = Ehr("south", "ES384", 'language = "en"\nfhir_bases = ["https://fhir.south.example.no/r4"]')


def environment(folder: Path, *ehrs: Ehr) -> dict[str, str]:
    """The variables of an installation in production that serves these EHRs, without the prefix CNO_CDS_."""
    tenants = folder / "tenants"
    tenants.mkdir(exist_ok=True)
    for ehr in ehrs:
        ehr.write(tenants)
    return {
        "PROFILE": "production",
        "BASE_URL": BASE_URL,
        "TENANTS_DIR": str(tenants),
        "DATABASE_URL": f"sqlite:///{folder / 'cno-cds.db'}",
    }


@dataclass(frozen=True)
class Installation:
    """An app in production, and requests to it as its EHRs send them."""

    client: Client

    def post(self, path, content, ehr=NORTH, **options) -> httpx.Response:
        headers = {"Host": "cds.example.no", "Content-Type": "application/json", **options.pop("headers", {})}
        if ehr is not None:
            headers = {**ehr.authorization(path), **headers}
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(path, content=content, headers=headers, **options)

    def request(self, method, path, **options) -> httpx.Response:
        headers = {"Host": "cds.example.no", **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)


def installation(settings: Settings, clock=lambda: NOW) -> Installation:
    """The app of these settings; `clock` gives the moment."""
    return Installation(Client(create_app(settings, clock=clock, new_uuid=random_uuid)))


def moment(seconds: float) -> datetime:
    """So long after NOW."""
    return datetime.fromtimestamp(SECONDS + seconds, NOW.tzinfo)
