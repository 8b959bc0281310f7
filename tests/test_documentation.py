import json
import re
import shlex
import textwrap
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FIRST_SCREEN = 30
WIDTH = 96
SHELL_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def readme():
    return README.read_text("utf-8")


def commands(text):
    lines = "".join(SHELL_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


def first_curl(text):
    """The options of README's curl: headers, the file it posts, and the address."""
    words = next(words for words in commands(text) if words[0] == "curl")
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    file = next(words[i + 1].removeprefix("@") for i, word in enumerate(words) if word == "-d")
    return headers, ROOT / file, words[-1]


def with_block(text, name, content):
    """The text with its generated part of that name replaced."""
    pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    replaced, count = pattern.subn(lambda match: f"{match[1]}{content}{match[2]}", text)
    assert count == 1
    return replaced


def drawn(card):
    """A card as plain text."""
    lines = [f"[{card['indicator']}] {card['summary']}", "", *card["detail"].splitlines(), ""]
    lines += [f"[+] {suggestion['label']}" for suggestion in card["suggestions"]]
    wrapped = "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
    return f"\n```text\n{wrapped}\n```\n"


def prefetch_table(services):
    """Key, query, scope and services; one row for each query of the discovery document."""
    asked = {}
    for service in services:
        for key, query in service["prefetch"].items():
            asked.setdefault((key, query), []).append(service["hook"])
    rows = ["", "| Key | Query | Scope | Hook |", "|---|---|---|---|"]
    for (key, query), hooks in asked.items():
        where = "all" if len(hooks) == len(services) else ", ".join(hooks)
        rows.append(f"| `{key}` | `{query}` | `user/{re.split('[/?]', query)[0]}.rs` | {where} |")
    return "\n".join([*rows, ""])


def post_readmes_order(client, readme):
    headers, file, address = first_curl(readme)
    path = address.removeprefix("http://127.0.0.1:8000")
    return client.post(path, headers=headers, content=file.read_bytes())


def test_the_first_curl_returns_one_readiness_card(client, readme):
    response = post_readmes_order(client, readme)
    assert response.status_code == 200
    assert [card["source"]["topic"]["code"] for card in response.json()["cards"]] == ["CNOinfusion"]


def test_the_drawn_card_is_the_one_that_the_first_curl_returns(client, readme, expect):
    card = post_readmes_order(client, readme).json()["cards"][0]
    expect(README, with_block(readme, "card", drawn(card)))


def test_the_prefetch_table_says_what_discovery_says(client, readme, expect):
    services = client.get("/cds-services").json()["services"]
    expect(README, with_block(readme, "prefetch", prefetch_table(services)))


def test_the_number_of_open_interpretations_is_told(readme, expect):
    from cds_service.guideline.provenance import interpretations  # noqa: PLC0415  the other tests need no tables

    statuses = [each.status for each in interpretations()]
    told = f"Of {len(statuses)} places that can be read in two ways, {statuses.count('open')} are still open."
    expect(README, with_block(readme, "interpretations", told))


def test_the_first_screen_holds_the_two_commands(readme):
    top = "\n".join(readme.splitlines()[:FIRST_SCREEN])
    assert [words[1] for words in commands(f"{top}\n```") if words[0] == "make"] == ["run", "test"]


def test_each_make_target_that_readme_names_exists(readme):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", readme)) | {
        words[1] for words in commands(readme) if words[0] == "make"
    }
    assert named
    assert named <= targets


def test_each_path_of_where_is_what_exists(readme):
    table = readme.partition("## Where is what")[2].partition("\n## ")[0]
    paths = [path for row in table.splitlines() if row.startswith("| ") for path in re.findall(r"`([\w./]+)`", row)]
    beside = ROOT / "cds_service" / "hooks"
    missing = [path for path in paths if not ((ROOT / path).exists() or (beside / path).exists())]
    assert len(paths) >= 8
    assert missing == []


def test_each_command_that_readme_names_is_one_of_the_command_line(readme):
    from typer.testing import CliRunner  # noqa: PLC0415  the other tests need no command line

    from cds_service.cli import app  # noqa: PLC0415  one test needs it

    named = set(re.findall(r"cno-cds ([a-z-]+)", readme))
    assert named >= {"evaluate", "review-sheet"}
    for command in named:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command


def test_each_environment_variable_that_readme_names_is_a_setting(readme):
    from cds_service.settings import Settings  # noqa: PLC0415  the other tests need no settings

    fields = {f"CNO_CDS_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"CNO_CDS_[A-Z_]+", readme)) <= fields


def test_the_changelog_tells_of_this_version():
    headings = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert {version("cno-cds"), "Unreleased"} & set(headings)


def test_containers_are_published_on_this_machine_only():
    ports = re.findall(r'- "([\d.]+:\d+:\d+|\d+:\d+)"', (ROOT / "docker-compose.yml").read_text("utf-8"))
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_sample_that_readme_posts_is_valid_json(readme):
    assert json.loads(first_curl(readme)[1].read_bytes())["hook"] == "order-sign"
