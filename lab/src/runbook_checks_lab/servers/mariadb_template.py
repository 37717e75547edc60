"""Create a MariaDB data directory quickly: a template is made once and copied for every run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_checks_lab import toolbox
from runbook_checks_lab.folders import cache_folder, key_of
from runbook_checks_lab.servers import templates

# The scripts that mariadb-install-db passes to a server without network and accounts.
SCRIPTS = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
)
BEGIN = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
# The superuser can log in only through the lab's socket.
END = "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';\n"
SETTINGS = (
    "--character-set-server=utf8mb4",
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
)


@dataclass(frozen=True)
class Programs:
    """The server, the environment in which it finds its libraries, and the folder of its own files."""

    server: Path
    environment: dict[str, str]
    share: Path

    def command(self, data: Path, *arguments: str) -> list[str]:
        messages = next(self.share / name for name in ("english", ".") if (self.share / name / "errmsg.sys").exists())
        return [
            str(self.server),
            "--no-defaults",
            f"--datadir={data}",
            f"--lc-messages-dir={messages}",
            f"--character-sets-dir={self.share / 'charsets'}",
            # Nothing is loaded from there, and the default may belong to another installation.
            f"--plugin-dir={data}",
            *SETTINGS,
            *(["--user=root"] if os.geteuid() == 0 else []),
            *arguments,
        ]


def programs() -> Programs:
    """Return the MariaDB on PATH, otherwise the one in the toolbox; NotHere if there is neither."""
    server = toolbox.find("mariadbd")
    for name in ("mysql", "mariadb"):
        share = toolbox.root_of(server) / "usr/share" / name
        if (share / SCRIPTS[0]).is_file():
            return Programs(server, toolbox.libraries(server), share)
    raise toolbox.NotHere(f"{server} is installed without the scripts that create its system tables")


def data_directory(found: Programs, target: Path, databases: Sequence[tuple[str, str]]) -> None:
    """Copy the template; without one, create the directory and keep a copy as the next run's template."""
    version = subprocess.run(
        [found.server, "--version"], env=found.environment, capture_output=True, text=True, check=False
    ).stdout
    key = key_of(version, BEGIN, END, *SETTINGS, *(part for pair in databases for part in pair))
    template = cache_folder() / f"mariadb-{key}"
    if (template / "ibdata1").is_file():
        templates.copy(template, target)
        return
    _make(found, target, databases)
    templates.keep(target, template)


def _make(found: Programs, target: Path, databases: Sequence[tuple[str, str]]) -> None:
    target.mkdir(mode=0o700)
    own = "\n".join((found.share / name).read_text(encoding="utf-8") for name in SCRIPTS)
    created = "\n".join(f"CREATE DATABASE {name};\nUSE {name};\n{sql}\n" for name, sql in databases)
    done = subprocess.run(
        found.command(target, "--bootstrap", f"--tmpdir={target}"),
        input=f"{BEGIN}{own}\nUSE mysql;\n{END}{created}".encode(),
        env=found.environment,
        capture_output=True,
        check=False,
        cwd="/",
        start_new_session=True,  # Ctrl-C goes to the lab
    )
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if "ERROR" in line]
    if done.returncode or said:
        raise OSError(f"mariadbd --bootstrap failed: {' '.join(said)[-500:] or done.returncode}")
