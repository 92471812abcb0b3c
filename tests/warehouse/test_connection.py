"""Connections: URLs in all spellings, no passwords in sight, and failures that say what to do."""

import os
import pickle
import signal
import socket

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text

from sluice.errors import RetryError, SetupError, SluiceError
from sluice.settings import Settings
from sluice.warehouse.connection import Warehouse


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_usual_scheme_is_understood(scheme):
    found = Warehouse.from_url(f"{scheme}://me:secret@db.example:5433/sales")
    assert conninfo_to_dict(found.url)["host"] == "db.example"
    assert found.safe_url == "postgresql://me@db.example:5433/sales"


def test_the_password_is_in_no_text():
    found = Warehouse.from_url("postgresql://me:hunter2@127.0.0.1:1/sales")
    with pytest.raises(SluiceError) as caught:
        found.connect()
    seen = [repr(found), str(found), str(caught.value), str(caught.value.as_dict())]
    assert not any("hunter2" in text for text in seen)


@pytest.mark.parametrize("url", ["nonsense hunter2", "postgresql://me:hunter2@[::1", "user=a what=hunter2"])
def test_a_wrong_url_is_a_set_up_error_without_its_text(url):
    with pytest.raises(SetupError) as caught:
        Warehouse.from_url(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_may_be_tried_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RetryError, match="can't be reached"):
            Warehouse.from_url(f"postgresql://me@127.0.0.1:{port}/sales").connect()


def test_a_missing_database_or_user_is_a_set_up_error(server_url):
    with pytest.raises(SetupError, match="no_such_database"):
        Warehouse.from_url(make_conninfo(server_url, dbname="no_such_database")).connect()
    with pytest.raises(SetupError, match="no_such_user"):
        Warehouse.from_url(make_conninfo(server_url, user="no_such_user")).connect()


def test_having_no_connection_left_may_be_tried_again(empty_warehouse):
    with empty_warehouse.connect(autocommit=True) as admin:
        admin.execute("CREATE ROLE sluice_test_narrow LOGIN PASSWORD 'x' CONNECTION LIMIT 0")
        try:
            narrow = Warehouse.from_url(
                make_conninfo(empty_warehouse.url, user="sluice_test_narrow", password="x")
            )
            with pytest.raises(RetryError, match="no connection left"):
                narrow.connect()
        finally:
            admin.execute("DROP ROLE sluice_test_narrow")


def test_connections_bear_our_name_and_watch_their_peer(warehouse):
    with warehouse.connect() as connection:
        name = connection.execute("SHOW application_name").fetchone()
        assert name == ("sluice",)
        assert connection.info.get_parameters()["keepalives_idle"] == "30"


def test_the_options_of_the_url_win(warehouse):
    named = Warehouse.from_url(make_conninfo(warehouse.url, application_name="mine"))
    with named.connect() as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("mine",)


def test_the_sqlalchemy_engine_reaches_the_same_database(warehouse):
    with warehouse.engine().connect() as connection:
        database = connection.scalar(text("SELECT current_database()"))
    assert database == conninfo_to_dict(warehouse.url)["dbname"]


def test_a_warehouse_can_be_pickled(warehouse):
    with pickle.loads(pickle.dumps(warehouse)).connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_answers_tells_whether_the_server_is_there(warehouse):
    assert warehouse.answers()
    assert not Warehouse.from_url("postgresql://me@127.0.0.1:1/sales").answers()


def test_settings_choose_the_url_over_the_embedded_server(warehouse, tmp_path):
    chosen = Warehouse.from_settings(Settings(home=tmp_path, database_url=warehouse.url))
    assert chosen == Warehouse.from_url(warehouse.url)
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_server_comes_back_for_a_connection_after_it_was_killed(server):
    warehouse = Warehouse.from_settings(Settings(home=server.home, database_url=None)).prepare()
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with warehouse.connect() as connection:
        assert connection.execute("SELECT name FROM sluice.organizations").fetchone() == ("default",)
