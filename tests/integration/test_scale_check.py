"""What `runbooks scale check` sees: servers that would not be one, and pools that Prefect would not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments import pools, scale
from deployments.pools import Pool
from ops import embedded
from tests import fix_command
from tests.fix_postgres import fresh_database
from tests.fix_redis import PASSWORD, Server


def checked(**variables: str) -> tuple[int, str]:
    done = fix_command.run("scale", "check", **variables)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def test_settings_with_which_servers_are_one_pass_and_each_that_is_wrong_is_named(
    server: embedded.Server, redis_server: Server
):
    with fresh_database(server) as name:
        url = server.dsn(name).replace("postgresql:", "postgresql+asyncpg:")
        well = scale.settings(url, redis_server.url.rpartition("/")[0])
        code, said = checked(**well)
        assert code == 1
        assert "Postgres has no tables of Prefect yet; run: prefect server database upgrade -y" in said
        assert said.count("FAIL") == 1
        with embedded.database.connect(server.dsn(name)) as connection:
            connection.execute("create table alembic_version (version_num text)")
        code, said = checked(**well)
        assert (code, said.count("FAIL")) == (0, 0), said

        for key, module in scale.MODULES.items():
            code, said = checked(**{**well, key: "prefect.server.utilities.messaging.memory"})
            assert code == 1
            assert f"FAIL {key} is prefect.server.utilities.messaging.memory; set it to {module}" in said
        code, said = checked(**{**well, scale.MIGRATE: "true"})
        assert (code, said.count("FAIL")) == (1, 1)
        code, said = checked(**{**well, scale.DATABASE: "sqlite+aiosqlite:///prefect.db"})
        assert "several servers need a Postgres" in said
        assert code == 1
        redis_server.stop()
        code, said = checked(**well)
        assert (code, said.count("FAIL")) == (1, 3)
        assert "Redis does not answer" in said
        assert PASSWORD not in said


def test_the_pools_of_this_repository_are_what_prefect_takes():
    found = pools.load(Path(__file__).parents[2] / "deployments" / "work-pools.yaml")
    assert [pool.type for pool in found] == ["process", "docker", "kubernetes"]
    assert [list(pools.problems(pool)) for pool in found] == [[], [], []]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"type": "dokcer"}, "There is no type 'dokcer' of work pools. Did you mean 'docker'?"),
        (
            {"job_variables": {"imge": "a"}},
            "A pool of the type docker has no variable 'imge'. Did you mean 'image'?",
        ),
        ({"job_variables": {"image_pull_policy": "Sometimes"}}, "image_pull_policy: 'Sometimes' is not"),
        ({"job_variables": {"privileged": "no"}}, "privileged: 'no' is not of type 'boolean'"),
        ({"queues": {"default": 0}}, "lets 0 runs begin"),
    ],
)
def test_what_prefect_would_not_take_or_pass_over_is_named(wrong: dict[str, object], said: str):
    (found,) = pools.problems(Pool.model_validate({"name": "a", "type": "docker", **wrong}))
    assert said in found
