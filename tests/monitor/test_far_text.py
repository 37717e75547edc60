"""Text from a far end is plain text on every kind of channel: it mentions no user, hides nothing and has no links."""

from __future__ import annotations

import email
import email.policy
import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runbook_checks.monitor.plain import BREAK, plain
from tests.monitor.receivers import MailServer
from tests.monitor.services import Services
from tests.monitor.stage import Stage, Trouble, document, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = (
    *("@everyone", "@here", "@channel", "@all", "@room", "@team-lead", "@**all**", "<!channel>", "<!here|here>"),
    *("<@U123>", "<@!42>", "<@&42>", "<#C42>", "<users/all>", "<at>all</at>", "<i>slanted</i>", "tel:+4912345"),
    *("[click](http://evil.test)", "![seen](http://evil.test/a.png)", "<http://evil.test|click>", "||hidden||"),
    *("<a href='http://evil.test'>x</a>", "~~struck~~", "<script>x</script>", "javascript:x", "mailto:x@evil.test"),
)
SAID = "a component called " + " ".join(PARTS)
ACTS = re.compile(
    r"@(everyone|here|channel|all|room|team|\*)|<(!|@|\#|users/|at>|i>|a\shref|script|http)|\]\("
    r"|\|\||~~|(tel|javascript|mailto):[\w+]"
)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from texts(entry)
    elif isinstance(value, str):
        yield value


@pytest.fixture
def addresses(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[dict[str, str], Services, MailServer]]:
    mail = MailServer()
    folder = tmp_path / "pki"
    folder.mkdir()
    with Services(folder) as services:
        here = f"127.0.0.1:{services.port}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://{here}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield (
            {
                "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?verify=no",
                "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?verify=no",
                "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/?verify=no",
                "teams": "workflows://teams.example:443/workflow1a/signature/?verify=no",
                "google": "gchat://workspace/key/token/?verify=no",
                "zulip": "zulip://bot@org/abcdefghijklmnopqrstuvwxyz123456/general?verify=no",
                "pagerduty": "pagerduty://integrationintegration00000000@apikey/?verify=no",
                "mattermost": f"mmost://{here}/token-token-token-token-to",
                "rocket": f"rocket://token/token@{here}/#general?mode=webhook",
                "matrix": f"matrix://user:token@{here}/?mode=matrix",
                "ntfy": f"ntfy://{here}/topic",
                "json": f"json://{here}/hook",
                "mail": f"mailto://127.0.0.1:{mail.port}?from=checks@example.com&to=call@example.com&mode=insecure",
            },
            services,
            mail,
        )
    mail.close()


def test_text_of_a_far_end_has_no_effect_on_any_channel(
    stage: Stage,
    addresses: tuple[dict[str, str], Services, MailServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named, services, mail = addresses
    for name, address in named.items():
        monkeypatch.setenv(f"FAR_{name.upper()}", address)
    monitoring = stage.environment["monitoring"]
    monitoring["channels"] = {name: {"env": f"FAR_{name.upper()}"} for name in named}
    monitoring["severities"] = {"P0": {"channels": [*named], "after": 1, "of": 1}}
    monitoring["roles"] = {}
    stage.write()
    trouble = Trouble("health.unreachable", 0, 9, subject=f"pod {SAID}\r\nBcc: everybody@example.com\u202e\x1b[2J")
    reported = document([trouble])
    [result] = [entry for entry in reported["results"] if entry["findings"]]
    result["findings"] = [finding(trouble) | {"seen": SAID, "because": SAID, "remedy": [f"run `cmd` {SAID}"]}]
    assert stage.take(0, reported) == 0
    hosts = {host for host, _, _ in services.got}
    assert {"hooks.slack.com", "discord.com", "api.telegram.org", "chat.googleapis.com"} <= hosts
    bodies = [text for _, _, body in services.got if "health.unreachable" in body for text in decoded(body)]
    [raw] = mail.mails
    message = email.message_from_string(raw, policy=email.policy.default)
    assert message["Bcc"] is None
    part = message.get_body(("plain", "html"))
    assert part is not None
    bodies.append(re.sub(r"<br ?/?>|</?(html|body|head|h\d|p)[^>]*>", "\n", part.get_content()))
    assert len(bodies) >= len(named)
    for body in bodies:
        assert not ACTS.search(re.sub(r"\\(?=[^\w\s])", "", body)), body
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", body), body
        assert "@everyone" in html.unescape(body).replace(BREAK, ""), "it is still readable"


def decoded(body: str) -> Iterator[str]:
    from urllib.parse import parse_qs

    found = [*texts(json.loads(body))] if body.startswith("{") else [v for vs in parse_qs(body).values() for v in vs]
    yield from (text for text in found if "everyone" in text)


@pytest.mark.parametrize(
    "text",
    [
        "[stage] P0 health.unreachable[ai-customer-service] (some-cause)",
        "seen: GET https://cs.example.com/health?a=b|c answered 503 || 504",
        "call root@db.example.com, postgresql://USER:PASSWORD@HOST:5432/DATABASE",
        "remedy 1: `dig @ns1.example.com shop.example.com || kill -9 <pid>`, then `psql <dump.sql`",
        "remedy 2: Lock it first: `ALTER USER 'a'@HOST ACCOUNT LOCK`; since 3 h, 5 < 6 and 7 > 6",
        "snake_case_name and 2 * 3, a/b <NAME",
    ],
)
def test_normal_sentences_and_commands_stay_unchanged(text: str) -> None:
    assert plain(text).replace("|" + BREAK + "|", "||") == text


@pytest.mark.parametrize("text", ["`one", "```\nall of this is code", "a ` b", "``x``"])
def test_unclosed_code_does_not_extend_to_other_lines(text: str) -> None:
    assert all(line.count("`") % 2 == 0 for line in plain(f"seen: {text}\nremedy 1: `restart it`").splitlines())
    assert plain(f"seen: {text}\nremedy 1: `restart it`").endswith("`restart it`")


def test_group_is_not_mentioned_within_code() -> None:
    assert "@everyone" not in plain("`@everyone`")


def test_lone_surrogate_in_a_document_does_not_end_a_run(stage: Stage) -> None:
    """JSON can contain \\ud800, which no database and no mail can encode."""
    trouble = replace(Trouble("health.unreachable", 0, 9), subject="\ud800 half")
    assert [stage.go(minute, [trouble]) for minute in (0, 1)] == [0, 0]
    assert "#? half" in stage.receivers.titles("pager")[0]
