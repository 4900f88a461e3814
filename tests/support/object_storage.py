"""Object storage for tests: moto's server as a process of its own."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from healthtrack.operations.management.commands.serve import HOST
from tests.support.serving import free_port

BUCKET = "uploads"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass
class ObjectStorage:
    """A bucket of a server that runs until `stop`."""

    process: "subprocess.Popen[bytes]"
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which a program uses the bucket."""
        return {
            **CREDENTIALS,
            "HEALTHTRACK_UPLOADS_BUCKET": BUCKET,
            "HEALTHTRACK_UPLOADS_ENDPOINT": self.endpoint,
        }

    def list_objects(self) -> list[dict[str, Any]]:
        """Return what the bucket says of each object, with the encryption."""
        client = self._client
        keys = [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
        return [{"Key": key, **client.head_object(Bucket=BUCKET, Key=key)} for key in keys]

    def make_bucket(self) -> None:
        self._client.create_bucket(Bucket=BUCKET)

    def empty(self) -> None:
        for each in self.list_objects():
            self._client.delete_object(Bucket=BUCKET, Key=each["Key"])

    @property
    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """Run a server with an empty bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        storage = ObjectStorage(process, f"http://{HOST}:{port}")
        try:
            _await(storage)
            storage.make_bucket()
            yield storage
        finally:
            process.kill()


def _await(storage: ObjectStorage) -> None:
    while storage.process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(storage.endpoint, timeout=10).close()  # noqa: S310 (our own server)
            return
        time.sleep(0.1)
    pytest.fail("The object storage ended too early.")
