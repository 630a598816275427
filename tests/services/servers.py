"""Real servers on the loopback interface: PostgreSQL, an S3 object store, MLflow with users."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BUCKET = "birdml"
USERS = ("ada", "carl")
TOOLS = Path(sys.executable).parent  # mlflow and moto_server of this environment


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def postgres_programs() -> Path:
    """The folder of initdb and postgres, newest version first. Raises FileNotFoundError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise FileNotFoundError("no PostgreSQL in /usr/lib/postgresql: run `make services`")
    return found[-1].parent


def wait_for(ready, what: str, seconds: float = 900.0) -> None:
    """Waits until `ready()` is true; TimeoutError, naming what it was, where it never is."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come up within {seconds:.0f} s")
        time.sleep(0.2)


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen, how: signal.Signals = signal.SIGTERM) -> None:
    """Ends a process that was started in a session of its own, with all its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    process.wait(timeout=60)


@contextlib.contextmanager
def postgres(password: str) -> Iterator[int]:
    """A PostgreSQL server with an empty cluster and two databases; yields its port.

    PostgreSQL refuses to run as root: then it runs as the user that Debian's package made.
    """
    programs = postgres_programs()
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="birdml-postgres-"))
    if user:
        shutil.chown(folder, user)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PGPASSWORD": password}
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(password)
    if user:
        shutil.chown(secret, user)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, user=user, cwd=folder, env=environment, stdout=subprocess.DEVNULL
        )

    port = free_port()
    run(
        str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", "birdml",
        "--auth", "scram-sha-256", "--pwfile", str(secret), "--encoding", "UTF8", "--no-sync",
    )  # fmt: skip
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [
                programs / "postgres", "-D", folder / "data", "-p", str(port),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            ],
            user=user, cwd=folder, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(lambda: listens(port), "PostgreSQL")
        for database in ("birdml", "users"):
            run(
                str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "birdml",
                database,
            )  # fmt: skip
        yield port
    finally:
        end(server, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def object_store(keys: dict[str, str], port: int = 0) -> Iterator[str]:
    """An S3 server with an empty bucket; yields its address."""
    import boto3

    port = port or free_port()
    server = subprocess.Popen(
        [TOOLS / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: listens(port), "the S3 server")
        address = f"http://127.0.0.1:{port}"
        boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        ).create_bucket(Bucket=BUCKET)
        yield address
    finally:
        end(server)


@dataclass
class Team:
    """A tracking server, its users, and where it keeps what; can be killed and started again."""

    port: int
    folder: Path
    postgres_port: int
    store: str
    passwords: dict[str, str]  # of the users, the database, the object store
    process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """Without the password, which libpq takes from PGPASSWORD."""
        return f"postgresql+psycopg://birdml@127.0.0.1:{self.postgres_port}"

    def environment_of(self, user: str) -> dict[str, str]:
        """What a user's own processes need: an address, a name, a password."""
        return {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": self.passwords[user],
        }

    def start(self) -> None:
        """Starts `mlflow server` as docs/server.md says, and waits until it answers."""
        environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
            "PGPASSWORD": self.passwords["database"],
            "AWS_ACCESS_KEY_ID": "birdml",
            "AWS_SECRET_ACCESS_KEY": self.passwords["store"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_S3_ENDPOINT_URL": self.store,
            "MLFLOW_AUTH_CONFIG_PATH": str(self.folder / "users.ini"),
            "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
            "MLFLOW_AUTH_ADMIN_PASSWORD": self.passwords["admin"],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": self.passwords["session"],
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        (self.folder / "users.ini").write_text(
            "[mlflow]\ndefault_permission = MANAGE\nauth_cache_ttl_seconds = 60\n"
            f"database_uri = {self.database}/users\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    TOOLS / "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                    "--backend-store-uri", f"{self.database}/birdml",
                    "--serve-artifacts", "--artifacts-destination", f"s3://{BUCKET}/artifacts",
                    "--app-name", "basic-auth", "--workers", "2",
                ],
                cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            wait_for(self.answers, "mlflow server")
        except TimeoutError:
            print((self.folder / "server.log").read_text()[-4000:])
            raise

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """As a power cut does: no chance to finish anything."""
        assert self.process is not None
        end(self.process, signal.SIGKILL)
        self.process = None

    def add_users(self) -> None:
        """Makes the accounts of the team, as its administrator."""
        import base64
        import json

        login = base64.b64encode(f"admin:{self.passwords['admin']}".encode()).decode()
        for user in USERS:
            body = json.dumps({"username": user, "password": self.passwords[user]}).encode()
            request = urllib.request.Request(
                f"{self.address}/api/2.0/mlflow/users/create",
                data=body,
                headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
            )
            urllib.request.urlopen(request, timeout=60).close()


@contextlib.contextmanager
def team(folder: Path) -> Iterator[Team]:
    """All three servers, with fresh passwords, and two users."""
    names = ("admin", "session", "database", "store", *USERS)
    passwords = {name: secrets.token_urlsafe(18) for name in names}
    keys = {"AWS_ACCESS_KEY_ID": "birdml", "AWS_SECRET_ACCESS_KEY": passwords["store"]}
    with postgres(passwords["database"]) as port, object_store(keys) as store:
        one = Team(free_port(), folder, port, store, passwords)
        one.start()
        try:
            one.add_users()
            yield one
        finally:
            if one.process is not None:
                one.kill()
