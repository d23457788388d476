"""Where settings come from, and the one line that says what is wrong with one."""

from pathlib import Path

import pytest

from stationmaster.app.config_sources import ConfigError, each_field, environment_name, load_settings
from stationmaster.app.config_text import configuration_document, shown

ROOT = Path(__file__).parents[2]
TILES = "is not right: tiles come from an address like https://tiles.example.org/{z}/{x}/{y}.png"


def test_everything_has_a_default_that_works() -> None:
    settings = load_settings().settings
    assert (settings.ocpp.port, settings.http.port) == (9000, 8080)
    assert settings.node.data == Path("data")
    assert not settings.ocpp.accept_unknown


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "sm.toml"
    file.write_text("[ocpp]\nport = 1\n[http]\nport = 2\n[log]\nlevel = 'debug'\n")
    loaded = load_settings(
        flags={"ocpp.port": 5, "http.port": None},
        environment={"STATIONMASTER_OCPP_PORT": "3", "STATIONMASTER_HTTP_PORT": "4"},
        file=file,
    )
    assert (loaded.settings.ocpp.port, loaded.settings.http.port, loaded.settings.log.level) == (5, 4, "debug")
    assert loaded.sources == {
        "ocpp.port": "--ocpp-port",
        "http.port": "STATIONMASTER_HTTP_PORT",
        "log.level": str(file),
    }


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sm.toml"
    file.write_text("[ocpp]\nport = 7\n")
    assert load_settings(environment={"STATIONMASTER_CONFIG": str(file)}).settings.ocpp.port == 7


def test_an_empty_variable_unsets_what_may_be_unset(tmp_path: Path) -> None:
    file = tmp_path / "sm.toml"
    file.write_text("[bus]\nurl = 'nats://broker:4222'\n")
    assert load_settings(file=file).settings.bus.url is not None
    assert load_settings(environment={"STATIONMASTER_BUS_URL": ""}, file=file).settings.bus.url is None


def test_a_secret_may_be_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "database_url"
    secret.write_text("postgresql://me:hunter2@db/stationmaster\n")
    url = load_settings(environment={"STATIONMASTER_DATABASE_URL_FILE": str(secret)}).settings.database.url
    assert url is not None
    assert url.get_secret_value() == "postgresql://me:hunter2@db/stationmaster"


def test_what_others_put_into_the_environment_is_none_of_our_settings() -> None:
    theirs = (
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_9000_TCP",
        "PORT_9000_TCP_ADDR",
        "TEST_X",
    )
    load_settings(environment={f"STATIONMASTER_{each}": "tcp://10.0.0.1:80" for each in theirs})


@pytest.mark.parametrize(
    "environment, line",
    [
        (
            {"STATIONMASTER_MAP_TILE_URL": "https://tiles.example.org/{z}/{x}.png"},
            f"map.tile_url (from STATIONMASTER_MAP_TILE_URL): 'https://tiles.example.org/{{z}}/{{x}}.png' {TILES}",
        ),
        (
            {"STATIONMASTER_MAP_TILE_URL": "https://x; script-src */{z}/{x}/{y}"},
            f"map.tile_url (from STATIONMASTER_MAP_TILE_URL): 'https://x; script-src */{{z}}/{{x}}/{{y}}' {TILES}",
        ),
        ({"STATIONMASTER_OCPP_PORT": "99999"}, "ocpp.port (from STATIONMASTER_OCPP_PORT): '99999' is more than 65535"),
        ({"STATIONMASTER_OCPP_PORT": "-1"}, "ocpp.port (from STATIONMASTER_OCPP_PORT): '-1' is less than 0"),
        (
            {"STATIONMASTER_HTTP_PORT": "tcp://10.0.0.1:80"},
            "http.port (from STATIONMASTER_HTTP_PORT): 'tcp://10.0.0.1:80' is not a whole number",
        ),
        ({"STATIONMASTER_OCPP_PORT": ""}, "ocpp.port (from STATIONMASTER_OCPP_PORT): '' is not a whole number"),
        (
            {"STATIONMASTER_DATABASE_MIGRATE": "perhaps"},
            "database.migrate (from STATIONMASTER_DATABASE_MIGRATE): 'perhaps' is neither true nor false",
        ),
        (
            {"STATIONMASTER_LOG_LEVEL": "loud"},
            "log.level (from STATIONMASTER_LOG_LEVEL): 'loud' is none of 'debug', 'info', 'warning' or 'error'",
        ),
        (
            {"STATIONMASTER_HTTP_BODY_TIMEOUT_S": "nan"},
            "http.body_timeout_s (from STATIONMASTER_HTTP_BODY_TIMEOUT_S): 'nan' is not a finite number",
        ),
        (
            {"STATIONMASTER_NODE_ID": "a b"},
            "node.id (from STATIONMASTER_NODE_ID): 'a b' holds characters that are not allowed here",
        ),
        (
            {"STATIONMASTER_OCPP_PROT": "9000"},
            "unknown setting STATIONMASTER_OCPP_PROT in the environment; did you mean STATIONMASTER_OCPP_PORT?",
        ),
        (
            {"STATIONMASTER_DATA": "/srv"},
            "unknown setting STATIONMASTER_DATA in the environment; did you mean STATIONMASTER_NODE_DATA?",
        ),
        (
            {"STATIONMASTER_NODE_DATA": ""},
            "node.data (from STATIONMASTER_NODE_DATA): '' is not right: it is empty, or holds a NUL",
        ),
        (
            {"STATIONMASTER_OCPP_HOST": "ä" * 100},
            f"ocpp.host (from STATIONMASTER_OCPP_HOST): '{'ä' * 59}... is not right: it is no name of a machine",
        ),
        (
            {"STATIONMASTER_CONFIG": "/nowhere/at/all.toml"},
            "cannot read the configuration file /nowhere/at/all.toml: No such file or directory",
        ),
        (
            {"STATIONMASTER_DATABASE_URL_FILE": "/nowhere/url"},
            "STATIONMASTER_DATABASE_URL_FILE names /nowhere/url, which cannot be read: No such file or directory",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_one_line(environment: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(environment=environment)
    assert str(error.value) == line


@pytest.mark.parametrize(
    "text, line",
    [
        ("[ocpp]\nprot = 1\n", "{file}: unknown setting ocpp.prot; did you mean ocpp.port?"),
        ("[ocpq]\nport = 1\n", "{file}: unknown section [ocpq]; did you mean ocpp?"),
        ("ocpp = 1\n", "{file}: ocpp is a section; write [ocpp] and its settings below it"),
        ("[ocpp]\nport = 'x'\n", "ocpp.port (from {file}): 'x' is not a whole number"),
        ("[ocpp]\nport = [1]\n", "ocpp.port (from {file}): [1] is not a whole number"),
        ("[ocpp]\nport = 1.5\n", "ocpp.port (from {file}): 1.5 is not a whole number"),
        (
            "[ocpp]\nport = true\n",
            "ocpp.port (from {file}): True is not right: true and false are no value of this setting",
        ),
        (
            "[node]\nhost = 'a\\u0000b'\n".replace("'", '"'),
            "node.host (from {file}): 'a\\x00b' is not right: it is empty, or holds a NUL",
        ),
        ("[ocpp\n", "{file} is not TOML: Expected ']' at the end of a table declaration (at line 1, column 6)"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "sm.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings(file=file)
    assert str(error.value) == line.format(file=file)


def test_a_file_may_begin_with_the_mark_that_editors_of_windows_write(tmp_path: Path) -> None:
    file = tmp_path / "stationmaster.toml"
    file.write_bytes(b"\xef\xbb\xbf[ocpp]\nport = 9001\n")
    assert load_settings(file=file).settings.ocpp.port == 9001


def test_a_file_that_is_no_text_or_far_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sm.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not written in UTF-8"):
        load_settings(file=file)
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="no configuration file"):
        load_settings(file=file)


def test_a_wrong_flag_is_named_as_it_was_typed() -> None:
    with pytest.raises(ConfigError, match=r"^ocpp\.port \(from --ocpp-port\): 70000 is more than 65535$"):
        load_settings(flags={"ocpp.port": 70000})


@pytest.mark.parametrize(
    "variable, value",
    [
        ("STATIONMASTER_DATABASE_URL", "mysql://me:hunter2@db/x"),
        ("STATIONMASTER_BUS_URL", "http://me:hunter2@broker"),
        ("STATIONMASTER_SECURITY_PEPPER", "hunter2"),
    ],
)
def test_a_secret_is_not_shown_even_when_it_is_wrong(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(environment={variable: value})
    assert "hunter2" not in str(error.value)
    assert variable in str(error.value)


def test_names_that_are_not_ours_are_left_alone() -> None:
    kubernetes_and_tests = {
        "STATIONMASTER_SERVICE_HOST": "10.0.0.1",
        "STATIONMASTER_TEST_REQUIRE_ALL": "1",
        "HOME": "/",
    }
    assert load_settings(environment=kubernetes_and_tests).sources == {}


def test_show_tells_every_setting_with_source_and_hides_secrets() -> None:
    text = shown(
        load_settings(
            flags={"ocpp.port": 9100},
            environment={
                "STATIONMASTER_DATABASE_URL": "postgresql://me:hunter2@db/x",
                "STATIONMASTER_SECURITY_PEPPER": "hunter2" * 4,
            },
        )
    )
    for _section, name, info in each_field():
        assert f"{name} = " in text
        assert (info.description or "?").split()[0] in text
    assert "# default: 9000; from: --ocpp-port\nport = 9100\n" in text
    assert "from: STATIONMASTER_DATABASE_URL\n# url = ********\n" in text
    assert "hunter2" not in text


def test_what_show_prints_is_a_configuration_file(tmp_path: Path) -> None:
    first = load_settings(flags={"ocpp.port": 9100, "node.data": "/srv/x", "log.level": "error", "http.host": "::1"})
    file = tmp_path / "sm.toml"
    file.write_text(shown(first))
    assert load_settings(file=file).settings == first.settings


def test_the_document_tells_every_setting_and_is_up_to_date() -> None:
    document = configuration_document()
    for section, name, info in each_field():
        assert environment_name(section, name) in document
        assert info.description
        assert info.description in document
    assert (ROOT / "docs" / "configuration.md").read_text() == document
