"""Webhooks, both ways: signed, heard once, tried again, and kept on failure."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from gateway.deliverer import Deliverer
from gateway.settings import GatewaySettings
from sluice.errors import InputError
from sluice.jobs import ledger
from sluice.security.signing import Forged, check, new_secret, signed
from sluice.sources.guard import Guard
from tests.gateway.conftest import serving
from tests.gateway.test_uploads import announce, status


@pytest.fixture(scope="module")
def gateway_settings(gateway_settings):
    return gateway_settings.model_copy(update={"private_addresses": True})


class Receiver:
    """A webhook that answers as it is told."""

    def __init__(self):
        self.heard, self.answers, self.usual = [], [], 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.heard.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else receiver.usual)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()


@pytest.fixture
def secret(client, receiver):
    return set_webhook(client, receiver)


def set_webhook(client, receiver):
    reply = client().put("/api/pipeline/webhook", json={"url": receiver.url})
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]["secret"]


def call(gateway, secrets, message_id="msg_1", tamper=b"", **told):
    body = json.dumps(told)
    headers = signed(secrets, message_id, body)
    return httpx.post(
        f"{gateway}/api/pipeline/callback", content=body.encode() + tamper, headers=headers, trust_env=False
    )


def test_a_signed_callback_completes_a_job_once(client, gateway, secret):
    job = announce(client())["job_id"]
    for n in range(2):
        told = {"status": "completed", "result_url": "https://x/r.json", "result_data": {"rows_processed": 5}}
        reply = call(gateway, [secret], f"{job}-1", job_id=job, **told)
        assert reply.status_code == 200, reply.text
        assert reply.json()["data"] == {"job_id": job, "repeated": n == 1}
    found = status(client(), job)
    assert (found["status"], found["result_data"]) == ("completed", {"rows_processed": 5})
    assert found["result_url"] == "https://x/r.json"


def test_a_callback_may_tell_of_each_step(client, gateway, secret):
    job = announce(client())["job_id"]
    assert call(gateway, [secret], f"{job}-1", job_id=job, status="processing").status_code == 200
    assert status(client(), job)["status"] == "processing"
    reply = call(gateway, [secret], f"{job}-2", job_id=job, status="failed", error_message="It is no table.")
    assert reply.status_code == 200
    found = status(client(), job)
    assert (found["status"], found["error_message"]) == ("failed", "It is no table.")


@pytest.mark.parametrize("after", ["completed", "failed", "processing"])
def test_a_move_that_a_job_can_not_make_is_refused(client, gateway, secret, after):
    job = announce(client())["job_id"]
    assert call(gateway, [secret], f"{job}-1", job_id=job, status="completed").status_code == 200
    reply = call(gateway, [secret], f"{job}-2", job_id=job, status=after)
    assert reply.status_code == 409
    assert status(client(), job)["status"] == "completed"


def test_a_forged_callback_is_refused(client, gateway, secret):
    job = announce(client())["job_id"]
    told = {"job_id": job, "status": "completed"}
    assert call(gateway, [new_secret()], f"{job}-1", **told).status_code == 404
    assert call(gateway, [secret], f"{job}-1", tamper=b" ", **told).status_code == 404
    reply = httpx.post(f"{gateway}/api/pipeline/callback", json=told, trust_env=False)
    assert reply.status_code == 404
    assert status(client(), job)["status"] == "pending"


def test_the_secret_before_the_last_is_still_good(client, gateway, receiver):
    first, second, third = (set_webhook(client, receiver) for _ in range(3))
    job = announce(client())["job_id"]
    for secret, code in ((first, 404), (second, 200), (third, 200)):
        reply = call(gateway, [secret], f"{job}-{secret[:12]}", job_id=job, status="processing")
        assert reply.status_code == code


def test_only_a_development_setting_opens_callbacks(client, gateway, gateway_settings):
    job = announce(client())["job_id"]
    told = {"job_id": job, "status": "completed", "result_data": {"rows_processed": 1}}
    opened = gateway_settings.model_copy(update={"open_callbacks": True})
    assert GatewaySettings().open_callbacks is False
    with serving(opened) as url:
        assert httpx.post(f"{url}/api/pipeline/callback", json=told, trust_env=False).status_code == 200
    assert status(client(), job)["status"] == "completed"


def test_the_end_of_a_job_is_posted_and_signed(client, module_warehouse, receiver, secret):
    job = announce(client())["job_id"]
    with module_warehouse.connect(autocommit=True) as connection:
        deliverer = Deliverer(module_warehouse, Guard(anywhere=True))
        while deliverer.deliver(connection):
            pass
        ledger.cancel(connection, job)
        receiver.answers = [500]
        while deliverer.deliver(connection):
            pass
        (waiting,) = connection.execute(
            "SELECT tries FROM sluice.deliveries WHERE job_id = %s AND delivered_at IS NULL", [job]
        ).fetchone()
        assert waiting == 1
        connection.execute("UPDATE sluice.deliveries SET due_at = now()")
        while deliverer.deliver(connection):
            pass
    ours = [one for one in receiver.heard if job in one[1].decode()]
    assert len({headers["webhook-id"] for headers, _ in ours}) == 1
    headers, body = ours[-1]
    check([secret], {name.lower(): value for name, value in headers.items()}, body)
    told = json.loads(body)
    assert (told["type"], told["data"]["job_id"]) == ("job.cancelled", job)


def test_a_delivery_that_fails_to_the_last_is_kept(client, module_warehouse, receiver, secret):
    job = announce(client())["job_id"]
    with module_warehouse.connect(autocommit=True) as connection:
        ledger.cancel(connection, job)
        receiver.usual = 503
        deliverer = Deliverer(module_warehouse, Guard(anywhere=True))
        for _ in range(12):
            while deliverer.deliver(connection):
                pass
            connection.execute("UPDATE sluice.deliveries SET due_at = now()")
        query = "SELECT tries, given_up_at IS NOT NULL, answer FROM sluice.deliveries WHERE job_id = %s"
        assert connection.execute(query, [job]).fetchone() == (9, True, "503")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost/", "http://10.0.0.1/x", "http://[::1]/"]
)
def test_private_addresses_are_not_asked(url):
    with pytest.raises(InputError, match="public address"):
        Guard().check(url)


@pytest.mark.parametrize("mark", ["", "v1", "v1,x", "v2,aaaa", "é", "v1,=== v1,"])
def test_a_broken_signature_is_refused(mark):
    secret = new_secret()
    headers = {**signed([secret], "a", "{}"), "webhook-signature": mark}
    with pytest.raises(Forged):
        check([secret], headers, b"{}")
