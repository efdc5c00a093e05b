from __future__ import annotations

import pytest

from harness.environments import Compute, environment_of, found_at, known_environments, of_one_place, table_of
from harness.errors import OnePlaceError, SettingsError
from harness.settings import settings_from

PPS = {"host": "https://adb-1.1.azuredatabricks.net/", "catalog": "pps"}


@pytest.fixture
def settings_of(tmp_path):
    """Settings with these environments."""

    def make(**tables):
        return settings_from({"env": tables}, str(tmp_path))

    return make


def test_a_table_with_defaults_for_the_rest(settings_of):
    """Host and catalog are enough; each value knows where it came from."""
    environment = environment_of("pps", settings_of(pps=PPS, prd={"catalog": "prd"}), variables={})

    assert environment.host == "https://adb-1.1.azuredatabricks.net"
    assert (environment.catalog, environment.other_catalogs) == ("pps", ("prd",))
    assert (environment.compute, environment.timeout_s, environment.concurrency) == (Compute("serverless"), 3600.0, 8)
    assert dict(environment.origins) == dict.fromkeys(PPS, "pyproject.toml, [tool.nbh.env.pps]")


def test_variables_and_options_come_before_the_file(settings_of):
    """The command line first, then variables, then the file."""
    settings = settings_of(pps={**PPS, "concurrency": 2, "compute": {"serverless": True}})
    variables = {"NBH_CATALOG": "sandbox", "NBH_CONCURRENCY": "4", "NBH_CLUSTER_ID": "0123-abc"}

    environment = environment_of("pps", settings, variables=variables, options={"concurrency": 16})

    assert (environment.catalog, environment.concurrency) == ("sandbox", 16)
    assert environment.compute == Compute("existing", "0123-abc")
    assert environment.origins["catalog"] == "NBH_CATALOG"
    assert environment.origins["concurrency"] == "the command line"


BUNDLE = """
bundle: {name: churn, compute_id: 0123-all}
include: [targets/*.yml]
workspace: {host: https://adb-2.2.azuredatabricks.net}
variables:
  cluster: {default: "0123-${bundle.target}"}
  team: {lookup: {cluster: team}}
targets:
  pps: {cluster_id: "${var.cluster}"}
  plain:
"""
INCLUDED = """
targets:
  dev: {cluster_id: "${var.team}"}
  live: {mode: production, workspace: {host: https://adb-3.3.azuredatabricks.net}}
"""


@pytest.fixture
def bundle(tmp_path):
    """A bundle with targets in two files."""
    pytest.importorskip("yaml")
    (tmp_path / "targets").mkdir()
    (tmp_path / "databricks.yml").write_text(BUNDLE)
    (tmp_path / "targets" / "more.yml").write_text(INCLUDED)


def test_a_bundles_target_is_the_weakest(settings_of, bundle):
    """Hosts and clusters are written once, with the values of variables in their places."""
    settings = settings_of(pps={"catalog": "pps"})

    environment = environment_of("pps", settings, variables={})

    assert environment.host == "https://adb-2.2.azuredatabricks.net"
    assert environment.compute == Compute("existing", "0123-pps")
    assert environment.origins["host"] == "databricks.yml, target pps"
    assert environment_of("pps", settings, variables={"NBH_HOST": PPS["host"]}).host == PPS["host"].rstrip("/")
    assert environment_of("pps", settings, variables={"BUNDLE_VAR_cluster": "9"}).compute == Compute("existing", "9")


def test_a_bundles_profile_goes_with_its_host(settings_of, bundle, tmp_path):
    """It says how to sign in there; a host that is given nearer to the run has its own sign-in."""
    (tmp_path / "databricks.yml").write_text(BUNDLE.replace("net}", "net, profile: work}"))
    settings = settings_of(pps={"catalog": "pps"})

    environment = environment_of("pps", settings, variables={})
    nearer = environment_of("pps", settings, variables={"NBH_HOST": PPS["host"]})

    assert (environment.host, environment.profile) == ("https://adb-2.2.azuredatabricks.net", "work")
    assert (nearer.host, nearer.profile) == (PPS["host"].rstrip("/"), "")


def test_a_target_is_an_environment_without_a_table(settings_of, bundle):
    """Of a file that is included, too; what stands for all targets counts for one that says nothing."""
    settings = settings_of(pps={"catalog": "pps"})

    assert known_environments(settings) == ("local", "rehearsal", "pps", "plain", "dev", "live")
    assert environment_of("plain", settings, variables={}).compute == Compute("existing", "0123-all")


def test_a_target_of_production_is_protected(settings_of, bundle):
    """As long as no table says that tests may write there."""
    assert environment_of("live", settings_of(), variables={}).protected
    assert not environment_of("live", settings_of(live={"catalog": "live"}), variables={}).protected


def test_a_variable_without_a_value_is_told_where_it_counts(settings_of, bundle):
    """Tests must not run on other compute than the bundle means; what is overridden needs no value."""
    with pytest.raises(SettingsError, match=r"nothing gives \$\{var\.team\} a value(.|\n)*set BUNDLE_VAR_team"):
        environment_of("dev", settings_of(), variables={})

    table = {"compute": {"serverless": True}}
    assert environment_of("dev", settings_of(dev=table), variables={}).compute == Compute("serverless")


@pytest.mark.parametrize(("text", "minutes"), [("2.5", 2.5), ("90", 90)])
def test_minutes_of_a_variable_may_have_a_fraction(settings_of, text, minutes):
    """As in the file."""
    environment = environment_of("pps", settings_of(pps=PPS), variables={"NBH_TIMEOUT_MINUTES": text})

    assert environment.timeout_s == minutes * 60


def test_the_nearer_of_host_and_profile_counts(settings_of):
    """A variable for this one run overrides what the file says of the workspace in the other way."""
    environment = environment_of("pps", settings_of(pps=PPS), variables={"NBH_PROFILE": "mine"})

    assert (environment.host, environment.profile) == ("", "mine")


def test_production_is_protected_unless_it_says_otherwise(settings_of):
    """Only of that name: others are what their table says."""
    settings = settings_of(pps=PPS, prd={"catalog": "prd"}, live={"catalog": "live", "protected": True})

    assert [environment_of(name, settings, variables={}).protected for name in ("pps", "prd", "live")] == [False, True, True]


def test_variables_of_a_workspace_leave_the_rehearsal_alone(settings_of):
    """They name a workspace, and the rehearsal is on this machine."""
    assert environment_of("rehearsal", settings_of(), variables={"NBH_HOST": "https://a.b"}).host == ""


def test_an_unknown_environment_names_the_near_miss(settings_of):
    """And all that are known."""
    settings = settings_of(pps=PPS)

    with pytest.raises(SettingsError, match=r'unknown environment "psp"[\s\S]*known: local, rehearsal, pps[\s\S]*mean "pps"'):
        environment_of("psp", settings)

    assert known_environments(settings) == ("local", "rehearsal", "pps")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"hosst": "x"}, "'host'"),
        ({"host": "http://plain.example"}, "it is the workspace's address"),
        ({"host": 7}, "it is the workspace's address"),
        ({**PPS, "profile": "P"}, "leave one out"),
        ({"catalog": ["pps"]}, "it is a text"),
        ({"protected_catalogs": "prd"}, "it is a list of texts"),
        ({"libraries": ["x"]}, "a list of tables"),
        ({"workspace_root": "Shared/nbh"}, "a folder of the workspace, from its root on"),
        ({"timeout_minutes": 0}, "above 0"),
        ({"concurrency": "many"}, "a whole number"),
        ({"protected": "yes"}, "true or false"),
        ({"unknown_privileges": "ask"}, '"refuse" or "allow"'),
        ({"privileges": ["SELECT"]}, "a workspace's own grants say what its identities may"),
        ({"compute": "cluster"}, "it is a table"),
        ({"compute": {"cluster_id": "a", "serverless": True}}, "existing and serverless at once"),
        ({"compute": {"num_workers": 2}}, "needs a spark_version"),
        ({"compute": {"share": "always", "cluster_id": "a"}}, 'share is "run" or "never"'),
    ],
)
def test_a_wrong_value_is_told_with_its_place(settings_of, table, told):
    """The key, what it has to be, and an example."""
    with pytest.raises(SettingsError) as caught:
        environment_of("pps", settings_of(pps=table), variables={})

    assert told in str(caught.value)
    assert "pyproject.toml" in str(caught.value)


@pytest.mark.parametrize("text", ["targets: [", "\x00"])
def test_a_broken_bundle_is_told(settings_of, tmp_path, text):
    """With the file's name."""
    pytest.importorskip("yaml")
    (tmp_path / "databricks.yml").write_text(text)

    with pytest.raises(SettingsError, match=r"databricks\.yml can't be read"):
        environment_of("pps", settings_of(pps=PPS), variables={})


@pytest.mark.parametrize("name", ["local", "a b", "", "-x"])
def test_a_name_that_no_environment_can_have(settings_of, name):
    """The machine itself has nothing to set."""
    with pytest.raises(SettingsError, match="environment"):
        settings_of(**{name: {}})


def test_a_table_for_people(settings_of):
    """Every value with where it came from, defaults and what isn't set too."""
    rows = {name: (text, origin) for name, text, origin in table_of(environment_of("pps", settings_of(pps=PPS), variables={}))}

    assert rows["catalog"] == ("pps", "pyproject.toml, [tool.nbh.env.pps]")
    assert rows["timeout_minutes"] == ("60", "default")
    assert rows["profile"] == ("", "not set")


PRD = {"host": "https://ADB-1.1.azuredatabricks.net", "catalog": "prd"}


@pytest.mark.parametrize(
    ("pps", "prd", "variables"),
    [
        ({**PPS, "catalog": "PRD"}, PRD, {}),
        (PPS, {"host": PRD["host"]}, {}),
        ({"host": PPS["host"]}, PRD, {}),
        ({"catalog": "prd", "host": "https://adb-2.2.azuredatabricks.net"}, PRD, {"NBH_HOST": PPS["host"]}),
        ({"catalog": "prd", "profile": "work"}, {"catalog": "prd", "profile": "work"}, {}),
    ],
    ids=["one catalog", "none there", "none here", "by a variable", "one profile"],
)
def test_a_protected_environment_under_another_name(settings_of, pps, prd, variables):
    """Its tests would write there; a variable is for the environment of the run alone."""
    for name in ("pps",) if variables else ("pps", "prd"):
        with pytest.raises(OnePlaceError, match="are one place, and only 'prd' is protected") as caught:
            environment_of(name, settings_of(pps=pps, prd=prd), variables=variables)

        assert caught.value.code == "NBH386"


@pytest.mark.parametrize("pps", [{"catalog": "prd"}, {}, {"profile": "mine", "catalog": "PRD"}])
def test_a_protected_environment_that_only_the_sign_in_tells(settings_of, pps):
    """A profile, or DATABRICKS_HOST, leads to its workspace."""
    environment = environment_of("pps", settings_of(pps=pps, prd=PRD), variables={})

    with pytest.raises(OnePlaceError, match=r"are one place(.|\n)*has its host from the sign-in"):
        found_at(environment, PRD["host"].upper().replace("HTTPS", "https"))

    assert found_at(environment, "https://adb-9.9.azuredatabricks.net") == environment


def test_the_catalog_of_one_that_only_the_sign_in_tells_is_protected(settings_of):
    """As if the host had been named."""
    environment = environment_of("pps", settings_of(pps={"catalog": "pps"}, prd=PRD), variables={})

    assert environment.protected_catalogs == ()
    assert found_at(environment, PRD["host"]).protected_catalogs == ("prd",)


def test_one_workspace_for_all(settings_of):
    """Then catalogs keep environments apart, and the protected one's is looked at before each run."""
    settings = settings_of(pps=PPS, prd=PRD, quick={**PPS, "compute": {"serverless": True}})

    assert environment_of("pps", settings, variables={}).protected_catalogs == ("prd",)
    assert environment_of("quick", settings, variables={}).catalog == "pps"
    assert environment_of("prd", settings, variables={}).protected_catalogs == ()


def test_environments_of_one_place_are_known(settings_of):
    """By workspace and catalog, however the address is written; another catalog is another place."""
    same = {"host": PPS["host"].rstrip("/").replace("adb", "ADB"), "catalog": "PPS"}
    settings = settings_of(pps=PPS, ci=same, dev={**PPS, "catalog": "dev"})

    assert of_one_place(environment_of("pps", settings, variables={}), settings, variables={}) == ("ci",)
    assert of_one_place(environment_of("dev", settings, variables={}), settings, variables={}) == ()
