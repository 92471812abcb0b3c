"""Files and requests that mean harm: each is refused with a clear 4xx, or its job ends with a clear error."""

import io
import json
import secrets
import zipfile

import httpx
import pytest

from flows.runner import run_here
from gateway.settings import GatewaySettings
from sluice.errors import InputError
from sluice.jobs import ledger
from sluice.settings import settings
from tests.gateway.test_uploads import TUS, announce, status

NAMES = {
    "path": "../../etc/passwd",
    "windows path": "C:\\Windows\\system32\\projects.csv",
    "device": "CON",
    "device with an ending": "nul.csv",
    "right to left": "projects\u202egpj.csv",
    "newline": "projects\r\nSet-Cookie: a=b.csv",
    "dots": "..",
    "blank": "   ",
    "long": "p" * 300 + ".csv",
    "long in bytes": "\U0001f600" * 120 + ".csv",
    "option": "--help.csv",
    "markup": "<script>alert(1)</script>.csv",
    "format": "%s%n{0}.csv",
}
EMPTY = b""
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\x06\0\0\0\x1f\x15\xc4\x89" + bytes(range(256)) * 8
EXE = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 48 + b"PE\0\0" + bytes(range(256)) * 8
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def content():
    return f"id,name\n{secrets.token_hex(8)},x\n".encode()


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("projects.csv", b"id,name\n" + b"1,2\n" * 2_000_000)
    return packed.getvalue()


def workbook():
    """A workbook whose texts unfold to a billion laughs."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{entities}]><sst><si><t>&a9;</t></si></sst>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", text)
        archive.writestr("xl/sharedStrings.xml", text)
        archive.writestr("xl/worksheets/sheet1.xml", text)
    return packed.getvalue()


def by_put(http, name, data):
    told = announce(http, filename=name, dataset="projects", force=True)
    reply = httpx.put(told["upload_url"], content=data, trust_env=False)
    return reply, told["job_id"]


def by_tus(http, name, data):
    told = announce(http, len(data), filename=name, dataset="projects", force=True)
    headers = {**TUS, "Upload-Offset": "0"}
    return httpx.patch(told["upload_url"], content=data, headers=headers, trust_env=False), told["job_id"]


@pytest.mark.parametrize("send", [by_put, by_tus])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_an_odd_name_is_only_a_name(client, gateway_settings, name, send):
    data = content()
    reply, job = send(client(), name, data)
    assert reply.status_code in (200, 204)
    assert status(client(), job)["filename"] == name
    landing = gateway_settings.root / "landing"
    (file,) = [one for one in landing.rglob("*") if one.is_file() and one.read_bytes() == data]
    assert file.parent.parent == landing
    assert len(file.name.encode()) <= 255
    assert file.name.isprintable()


def test_a_form_with_an_odd_name_is_taken_too(client, gateway_settings):
    head = b'--b\r\nContent-Disposition: form-data; name="dataset"\r\n\r\nprojects\r\n--b\r\n'
    for name in (b"../../etc/passwd", b"CON", "\u202egpj.csv".encode(), b"p" * 300, b"\xff\xfe.csv"):
        data = content()
        body = head + b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\n\r\n' + data
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        reply = client().post("/api/ingest/csv", content=body + b"\r\n--b--\r\n", headers=kind)
        assert reply.status_code == 202, reply.text
        landing = gateway_settings.root / "landing"
        assert [one for one in landing.glob("*/*") if one.read_bytes() == data]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n",
        b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\0.csv"\r\n\r\nid\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="dataset"\r\n\r\n' + b"x" * 20_000 + b"\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 30 + b"--b--\r\n",
    ],
    ids=["empty", "begun", "no header", "no name", "zero byte", "no file", "large field", "many fields"],
)
def test_a_broken_form_is_refused(client, body):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    reply = client().post("/api/ingest/csv", content=body, headers=kind)
    assert reply.status_code in (400, 422), reply.text
    assert reply.json()["error"]["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1e999",
        b"{",
        b'"\xff"',
        b'{"filename": "\\ud800", "dataset": "projects"}',
        b'{"filename": "a", "\\udfff": 1}',
        b'{"filename": "projects.csv", "file_size": 1' + b"0" * 5000 + b"}",
        b'{"filename": "projects.csv", "file_size": NaN}',
        b'{"filename": "projects.csv", "file_size": -1}',
        b'{"filename": "projects.csv", "options": {"a\\u0000": "b"}}',
        b"[" * 100_000,
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_a_broken_body_is_refused(client, body):
    kind = {"Content-Type": "application/json"}
    for path in ("/api/ingest/init", "/api/pipeline/jobs", "/api/pipeline/callback", "/api/data/ingest"):
        reply = client().post(path, content=body, headers=kind)
        assert reply.status_code in (400, 404, 413, 422), (path, reply.text)
        assert reply.json()["error"]["status"] == reply.status_code


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a:b", "http://a:99999", "http://\u2488.com"])
def test_a_broken_address_is_refused(client, url):
    told = {"endpoint": url, "dataset": "projects"}
    assert client().post("/api/data/ingest", json=told).status_code == 422
    assert client().put("/api/pipeline/webhook", json={"url": url}).status_code == 422


def test_more_bytes_than_allowed_are_refused_by_each_way(client, gateway_settings):
    large = b"x" * 2_000_001
    http = client()
    assert by_put(http, "projects.csv", large)[0].status_code == 413
    told = announce(http, 2_000_000)
    headers = {**TUS, "Upload-Offset": "0"}
    reply = httpx.patch(told["upload_url"], content=large, headers=headers, trust_env=False)
    assert reply.status_code == 413
    assert http.post("/api/ingest/csv", files={"file": ("projects.csv", large)}).status_code == 413
    assert not [one for one in (gateway_settings.root / "landing").glob("*/*") if one.stat().st_size > 10**6]


@pytest.mark.parametrize("offset", ["5", "-1", "x", "9" * 30, "1, 0", ""])
def test_a_lie_about_the_offset_changes_nothing(client, offset):
    told = announce(client(), 100)
    headers = {**TUS, "Upload-Offset": offset}
    reply = httpx.patch(told["upload_url"], content=b"x", headers=headers, trust_env=False)
    assert reply.status_code in (400, 409, 422)
    assert httpx.head(told["upload_url"], trust_env=False).headers["upload-offset"] == "0"


@pytest.fixture
def project(gateway_settings: GatewaySettings, module_warehouse, prefect_server, monkeypatch):
    """Runs work in the gateway's warehouse and home."""
    monkeypatch.setenv("SLUICE_HOME", str(gateway_settings.root))
    monkeypatch.setenv("SLUICE_DATABASE_URL", module_warehouse.url)
    monkeypatch.setattr("sluice.readers.packed.wrappers.RATIO_COUNTS_FROM", 2_000_000)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("projects.csv", EMPTY, "empty"),
        ("projects.csv", PNG, "PNG"),
        ("projects.csv", EXE, ""),
        ("projects.csv", PDF, "PDF"),
        ("projects.zip", bomb(), "zip bomb"),
        ("projects.csv", bomb(), "zip bomb"),
        ("projects.xlsx", workbook(), ""),
    ],
    ids=["empty", "PNG", "EXE", "PDF", "bomb", "bomb named csv", "XML bomb"],
)
def test_a_hostile_file_ends_its_job_with_a_clear_error(client, module_warehouse, project, name, data, said):
    reply, job = by_put(client(), name, data)
    assert reply.status_code == 200, reply.text
    with module_warehouse.connect() as connection:
        request = ledger.get(connection, job)["details"]["request"]
    with pytest.raises(InputError):
        run_here(request)
    found = status(client(), job)
    assert found["status"] == "failed"
    assert said in found["error_message"]
    assert "Traceback" not in json.dumps(found)
    assert str(settings().root) not in json.dumps(found)
