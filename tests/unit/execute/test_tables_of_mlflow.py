"""The empty tables of MLflow's store: made once, then copied."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.execute import tracking

utils = pytest.importorskip("mlflow.store.db.utils")
sqlalchemy = pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # of MLflow's own classes


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes a store's tables in a folder of its own; gives how often MLflow was asked to."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(tmp_path / "cache"))
    asked = []

    def make(name):
        store = f"sqlite:///{tmp_path}/{name}.db"
        module = SimpleNamespace(_initialize_tables=lambda engine: asked.append(name) or utils._initialize_tables(engine))
        monkeypatch.setattr(tracking._given, "store", store)
        tracking.keep_tables(module)
        engine = sqlalchemy.create_engine(store)
        module._initialize_tables(engine)
        utils._verify_schema(engine)
        with engine.connect() as connection:
            assert utils._all_tables_exist(engine)
            assert connection.execute(sqlalchemy.text("SELECT count(*) FROM experiments")).scalar() == 0
        return asked

    return make


def test_tables_are_made_once(made):
    """The next store's are a copy, as MLflow would have made them, and empty."""
    assert made("first") == ["first"]
    assert made("second") == ["first"]


def test_a_broken_copy_is_made_anew(made, tmp_path):
    """A full disk may have cut it off."""
    made("first")
    (kept,) = (tmp_path / "cache").glob("mlflow-*.sqlite")
    kept.write_bytes(b"no database" * 1000)

    assert made("second") == ["first", "second"]
    assert made("third") == ["first", "second"]


def test_a_store_of_the_notebooks_own_is_its_own(tmp_path, monkeypatch):
    """MLflow makes its tables."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(tmp_path / "cache"))
    asked = []
    module = SimpleNamespace(_initialize_tables=asked.append)

    monkeypatch.setattr(tracking._given, "store", "sqlite:////ours.db")
    tracking.keep_tables(module)
    module._initialize_tables(engine := SimpleNamespace(url="sqlite:///m.db"))

    assert asked == [engine]
