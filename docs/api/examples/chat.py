"""A client in another language, written from the two documents in this folder's parent and nothing else.

    python3 -m pip install websockets
    python3 docs/api/examples/chat.py http://127.0.0.1:8080

Two people sign up and chat; one of them is cut off and resumes; a message is sent again; history is paged both ways; a group is made
and its members are read. It ends with an error where the server does not do what the documents say.
"""

import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE_S = 20


class Refused(Exception):
    """The server refused a request or a frame. Decide by the code."""

    def __init__(self, error: dict):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Person:
    """Somebody who is signed in: the API over HTTPS."""

    def __init__(self, url: str, name: str):
        self.url = url
        handle = f"{name}-{secrets.token_hex(4)}"
        tokens = self.ask("POST", "/v1/accounts", {"handle": handle, "password": "correct horse"})
        self.id, self.handle, self.token = tokens["user"], handle, tokens["access_token"]
        self.server_is_ahead_s = datetime.fromisoformat(tokens["time"]).timestamp() - time.time()

    def ask(self, method: str, path: str, body=None, key=None):
        headers = {"content-type": "application/json"}
        if hasattr(self, "token"):
            headers["authorization"] = f"Bearer {self.token}"
        if key:
            headers["idempotency-key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise Refused(json.load(refusal)["error"]) from None
        return json.loads(text) if text else None

    def client_id(self) -> str:
        """A UUIDv7 on server time: 48 bits of milliseconds, the version, and the rest random."""
        ms = int((time.time() + self.server_is_ahead_s) * 1000)
        tail = f"{0x8000 | secrets.randbits(14):04x}-{secrets.randbits(48):012x}"
        return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{secrets.randbits(12):03x}-{tail}"

    def page(self, conversation: str, **query) -> dict:
        query = "&".join(f"{name}={value}" for name, value in query.items())
        return self.ask("GET", f"/v1/conversations/{conversation}/entries?{query}")


class Device:
    """One device of a person: it holds logs without holes, and catches up."""

    def __init__(self, person: Person):
        self.person = person
        self.logs = {}
        self.sync_token = None
        self.socket = None

    def connect(self):
        """The handshake and the resume, in one round trip."""
        address = self.person.url.replace("http", "ws", 1) + "/v1/connect"
        self.socket = connect(address, subprotocols=["connect.v1.json"], legacy=True, open_timeout=PATIENCE_S)
        self.say("hello", token=self.person.token)
        self.sync()
        welcome = self.await_frame("welcome")
        assert welcome["user"] == self.person.id
        self.catch_up()
        return self

    def cut(self):
        """The connection breaks, as connections do: without a word."""
        self.socket.socket.close()
        self.socket = None

    def say(self, kind: str, **fields):
        self.socket.send(json.dumps({"type": kind, **fields}))

    def sync(self):
        self.say("sync", **({"token": self.sync_token} if self.sync_token else {}))

    def catch_up(self):
        """Takes `changes` in until there is no more; the token is good once every gap is closed."""
        while True:
            changes = self.await_frame("changes")
            for conversation in changes["conversations"]:
                self.fetch(conversation["id"], conversation["head"]["position"])
            self.sync_token = changes["token"]
            if not changes["more"]:
                return
            self.sync()

    def fetch(self, conversation: str, head: dict):
        """Closes the gap between what is held and the head."""
        more = True
        while more and after(head, self.held(conversation)):
            page = self.person.page(conversation, after=text(self.held(conversation)))
            self.logs.setdefault(conversation, []).extend(page["entries"])
            more = page["more"]

    def held(self, conversation: str) -> dict:
        """The position up to which everything is held."""
        log = self.logs.get(conversation, [])
        return log[-1]["position"] if log else {"epoch": 0, "seq": 0}

    def take(self, entry: dict):
        """An entry that came by itself: the next one, a repeat, or one that shows a gap."""
        conversation, position = entry["conversation"], entry["position"]
        held = self.held(conversation)
        if position["seq"] == held["seq"] + 1:
            self.logs.setdefault(conversation, []).append(entry)
        elif after(position, held):
            self.fetch(conversation, position)

    def send(self, conversation: str, words: str, client_id=None) -> dict:
        """Sends, and waits until it is stored."""
        client_id = client_id or self.person.client_id()
        self.say("send", conversation=conversation, client_id=client_id, body={"text": words})
        sent = self.await_frame("sent", lambda frame: frame["client_id"] == client_id)
        self.fetch(conversation, sent["position"])
        return sent

    def await_frame(self, kind: str, is_it=lambda frame: True) -> dict:
        """The next frame of this kind; what comes before it is taken in."""
        while True:
            frame = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if frame["type"] == "entry":
                self.take(frame["entry"])
            elif frame["type"] == "lagged":
                self.sync()
            elif frame["type"] == "error" and kind != "error":
                raise Refused(frame["error"])
            if frame["type"] == kind and is_it(frame):
                return frame

    def texts(self, conversation: str) -> list:
        return [entry["body"]["text"] for entry in self.logs[conversation] if entry["kind"] == "message"]


def after(one: dict, other: dict) -> bool:
    return (one["epoch"], one["seq"]) > (other["epoch"], other["seq"])


def text(position: dict) -> str:
    return f"{position['epoch']}:{position['seq']}"


def chat(ada: Device, bob: Device) -> str:
    conversation = ada.person.ask("POST", "/v1/conversations", {"user": bob.person.id})["id"]
    same = bob.person.ask("POST", "/v1/conversations", {"user": ada.person.id})["id"]
    assert conversation == same, "both sides make the same conversation"
    ada.send(conversation, "hello")
    bob.await_frame("entry")
    bob.send(conversation, "hello yourself")
    ada.await_frame("entry")
    assert ada.texts(conversation) == bob.texts(conversation) == ["hello", "hello yourself"]
    return conversation


def read_receipt(ada: Device, bob: Device, conversation: str):
    entry = ada.send(conversation, "did you read this?")
    bob.await_frame("entry")
    bob.say("read", conversation=conversation, position=entry["position"])
    ada.await_frame(
        "cursor",
        lambda told: told["user"] == bob.person.id and told["read"]["position"] == entry["position"],
    )


def send_again(ada: Device, conversation: str):
    client_id = ada.person.client_id()
    first = ada.send(conversation, "only once", client_id)
    assert ada.send(conversation, "only once", client_id)["position"] == first["position"]
    path = f"/v1/conversations/{conversation}/entries"
    by_http = ada.person.ask("POST", path, {"text": "only once"}, key=client_id)
    assert by_http["position"] == first["position"], "the same over HTTPS"
    try:
        ada.send(conversation, "something else", client_id)
        raise AssertionError("the same client id with another text is a conflict")
    except Refused as refused:
        assert refused.code == "conflict", refused
    assert ada.texts(conversation).count("only once") == 1


def resume(ada: Device, bob: Device, conversation: str):
    bob.cut()
    missed = [f"missed {n}" for n in range(7)]
    for words in missed:
        ada.send(conversation, words)
    bob.connect()
    assert bob.texts(conversation) == ada.texts(conversation)
    assert bob.texts(conversation)[-7:] == missed
    seqs = [entry["position"]["seq"] for entry in bob.logs[conversation]]
    assert seqs == list(range(1, len(seqs) + 1)), "no holes, no repeats"


def page_both_ways(ada: Device, conversation: str):
    forward, edge, more = [], "0:0", True
    while more:
        page = ada.person.page(conversation, after=edge, limit=3)
        forward += page["entries"]
        edge, more = text(page["entries"][-1]["position"]), page["more"]
    page = ada.person.page(conversation, limit=3)
    backward = page["entries"]
    while page["more"]:
        page = ada.person.page(conversation, before=text(backward[0]["position"]), limit=3)
        backward = page["entries"] + backward
    assert forward == backward == ada.logs[conversation]


def group(ada: Device, bob: Device):
    body, key = {"name": "the team", "users": [bob.person.id]}, ada.person.client_id()
    made = ada.person.ask("POST", "/v1/conversations", body, key)
    assert ada.person.ask("POST", "/v1/conversations", body, key)["id"] == made["id"], "one key, one group"
    told = bob.await_frame("entry", lambda frame: frame["entry"]["conversation"] == made["id"])
    assert told["entry"]["kind"] == "created" and told["entry"]["body"]["name"] == "the team"
    roles, path = {}, f"/v1/conversations/{made['id']}/members"
    page = bob.person.ask("GET", path)
    while True:
        roles |= {member["user"]: member["role"] for member in page["members"]}
        if "next" not in page:
            break
        page = bob.person.ask("GET", f"{path}?after={page['next']}")
    assert roles == {ada.person.id: "admin", bob.person.id: "member"}


def sign_out(bob: Device):
    bob.person.ask("DELETE", "/v1/sessions/current")
    goodbye = bob.await_frame("goodbye")
    assert goodbye["reason"] == "signed_out"
    try:
        bob.socket.recv(timeout=PATIENCE_S)
        raise AssertionError("a session that said goodbye goes on")
    except ConnectionClosed as closed:
        assert 4200 <= closed.rcvd.code <= 4299, "stop: only a person can sign in again"


def main(url: str):
    ada, bob = Device(Person(url, "ada")), Device(Person(url, "bob"))
    ada.connect()
    bob.connect()
    conversation = chat(ada, bob)
    read_receipt(ada, bob, conversation)
    send_again(ada, conversation)
    resume(ada, bob, conversation)
    page_both_ways(ada, conversation)
    group(ada, bob)
    sign_out(bob)
    print("the server does what the documents say")


if __name__ == "__main__":
    main(*sys.argv[1:])
