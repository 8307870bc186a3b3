"""Holds a running server against docs/api/openapi.json: `conformance.py URL [SECONDS]`.

Schemathesis makes up requests from the document, good ones and bad ones, and judges every answer by it. Requests that are meant to be good
are first made to mean something: a conversation that exists, a name that is free, a key that is new. In the end each operation must
have succeeded at least once; a document in which an operation cannot succeed is wrong.
"""

import json
import random
import secrets
import sys
import time
import urllib.request
from collections import defaultdict
from pathlib import Path

import schemathesis
from schemathesis.cli import schemathesis as program

DOCUMENT = Path(__file__).parents[2] / "docs/api/openapi.json"
# What ends devices, or is counted by name: done by somebody whom nobody else needs.
ALONE = {
    "DELETE /v1/sessions/current",
    "DELETE /v1/sessions",
    "POST /v1/accounts/password",
    "POST /v1/accounts/recovery-codes",
}
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
]


def client_id() -> str:
    """A UUIDv7 of now."""
    bits = (int(time.time() * 1000) << 80) | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    bits = bits & ~(0b11 << 62) | 0b10 << 62
    text = f"{bits:032x}"
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


class Server:
    """The server, as somebody who is signed in on it uses it."""

    def __init__(self, url: str):
        self.url = url
        self.ada, self.bob = self.sign_up(), self.sign_up()

    def ask(self, method: str, path: str, body=None, token=None, key=None) -> dict:
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if key:
            headers["idempotency-key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def sign_up(self) -> dict:
        return self.ask("POST", "/v1/accounts", {"handle": self.free_name(), "password": "correct horse"})

    def codes(self, token) -> list:
        body = {"current_password": "correct horse"}
        return self.ask("POST", "/v1/accounts/recovery-codes", body, token)["codes"]

    def free_name(self) -> str:
        return f"u{secrets.token_hex(6)}"

    def direct(self) -> str:
        """A conversation of two with a message in it."""
        token = self.ada["access_token"]
        conversation = self.ask("POST", "/v1/conversations", {"user": self.bob["user"]}, token)["id"]
        path = f"/v1/conversations/{conversation}/entries"
        self.ask("POST", path, {"text": "hello"}, token, client_id())
        return conversation

    def group(self, users: list) -> str:
        """A group of our own, with these people in it."""
        body = {"name": "group", "users": users}
        return self.ask("POST", "/v1/conversations", body, self.ada["access_token"], client_id())["id"]


class Meaning:
    """Makes requests that are meant to be good mean something."""

    def __init__(self, server: Server):
        self.server = server
        self.conversation = server.direct()

    def give(self, case) -> None:
        give = getattr(self, case.operation.definition.raw["operationId"], None)
        if case.path_parameters and "user" in case.path_parameters:
            case.path_parameters["user"] = self.server.bob["user"]
        if case.path_parameters and "conversation" in case.path_parameters:
            case.path_parameters["conversation"] = self.conversation
        if case.headers and "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = client_id()
        if give:
            give(case)

    def signUp(self, case):
        case.body["handle"] = self.server.free_name()

    def signIn(self, case):
        handle = self.server.sign_up()["handle"]
        case.body = {**case.body, "handle": handle, "password": "correct horse"}

    def refreshTokens(self, case):
        case.body["refresh_token"] = self.server.sign_up()["refresh_token"]

    def changePassword(self, case):
        case.body = {"current_password": "correct horse", "new_password": "correct horse", "keep_devices": True}

    def makeRecoveryCodes(self, case):
        case.body["current_password"] = "correct horse"

    def recoverAccount(self, case):
        somebody = self.server.sign_up()
        codes = self.server.codes(somebody["access_token"])
        case.body = {"handle": somebody["handle"], "code": codes[0], "new_password": "battery staple"}

    def findUser(self, case):
        case.query["handle"] = self.server.bob["handle"]

    def listConversations(self, case):
        case.query = {}

    def beginConversation(self, case):
        if case.body.get("name"):
            case.body = {"name": case.body["name"], "users": [self.server.bob["user"]]}
            case.headers["Idempotency-Key"] = client_id()
        else:
            case.body = {"user": self.server.bob["user"]}

    def changeConversation(self, case):
        case.path_parameters["conversation"] = self.server.group([])

    def listMembers(self, case):
        case.path_parameters["conversation"] = self.server.group([self.server.bob["user"]])

    def addMembers(self, case):
        case.path_parameters["conversation"] = self.server.group([])
        case.body["users"] = [self.server.bob["user"]]

    def removeMembers(self, case):
        case.path_parameters["conversation"] = self.server.group([self.server.bob["user"]])
        case.body["users"] = [self.server.bob["user"]]

    def setRole(self, case):
        case.path_parameters["conversation"] = self.server.group([self.server.bob["user"]])

    def leaveGroup(self, case):
        case.path_parameters["conversation"] = self.server.group([])

    def listEntries(self, case):
        if len(case.query) > 1:
            case.query = {"after": "0:0", "limit": 2}

    def moveCursor(self, case):
        case.body = {name: {"epoch": 1, "seq": 1} for name in case.body}


def run(arguments: list) -> int:
    """Runs schemathesis. Gives its exit code."""
    fixed = ["--mode", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--seed", "1"]
    plain = ["--no-color", "--warnings", "off", "--generation-database", "none", "--continue-on-failure"]
    try:
        return program.main(["run", str(DOCUMENT), "--checks", ",".join(CHECKS), *fixed, *plain, *arguments])
    except SystemExit as end:
        return end.code


def main(url: str, seconds: str = "40") -> int:
    server = Server(url)
    meaning = Meaning(server)
    answered, drawn = defaultdict(set), random.Random(1)

    @schemathesis.auth(refresh_interval=None)
    class Signed:
        def get(self, case, _context):
            who = server.sign_up() if case.operation.label in ALONE else server.ada
            return who["access_token"]

        def set(self, case, token, _context):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}

    @schemathesis.hook
    def before_call(_context, case, _kwargs):
        good = case.meta and case.meta.generation.mode.is_positive
        if good and drawn.randrange(4):
            meaning.give(case)

    @schemathesis.hook
    def after_call(_context, case, response):
        answered[case.operation.label].add(response.status_code)

    status = run(["--url", url, "--max-time", seconds])
    operations = [
        f"{method.upper()} {path}"
        for path, methods in json.loads(DOCUMENT.read_text())["paths"].items()
        for method in methods
    ]
    never = [label for label in operations if not any(200 <= code < 300 for code in answered[label])]
    for label in operations:
        print(f"{label}: {sorted(answered[label])}")
    for label in never:
        print(f"never succeeded: {label}")
    return 1 if status or never else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
