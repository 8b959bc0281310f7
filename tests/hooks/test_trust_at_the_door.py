"""Who may come in, in production and in development, as seen from outside; the tokens themselves: tests/trust."""

from contextlib import ExitStack, contextmanager

import pytest

from cds_service.settings import Settings
from tests.conftest import NOW
from tests.hooks.asked import SIGN, VIEW, body, outcome, path
from tests.hospital import NORTH, SECONDS, SOUTH, Ehr, environment, installation, moment
from tests.operations.logs import logged
from tests.trust.attacks import ATTACKS
from tests.trust.tokens import ALGORITHMS, sandbox_token, signer

VIEW_PATH = path("patient-view")
BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "p"}}]}


@pytest.fixture
def make_installation(monkeypatch, tmp_path):
    def make(*ehrs, clock=lambda: NOW, **more):
        for name, value in {**environment(tmp_path, *(ehrs or (NORTH, SOUTH))), **more}.items():
            monkeypatch.setenv(f"CNO_CDS_{name}", value)
        return installation(Settings(), clock)

    return make


@pytest.fixture
def hospital(make_installation):
    return make_installation()


def test_a_request_signed_by_a_tenant_is_answered(hospital):
    response = hospital.post(path("order-sign"), SIGN)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("url", "content"),
    [(VIEW_PATH, VIEW), (path("order-sign"), SIGN), ("/evaluate", BUNDLE), (f"{VIEW_PATH}/feedback", {})],
)
def test_without_a_token_nothing_is_read_in_production(hospital, url, content):
    refused = hospital.post(url, content, ehr=None)
    outcome(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_attack_gets_the_same_answer_to_the_byte_but_for_the_date(make_installation, algorithm):
    attacked = Ehr("ehr", algorithm, key="a")
    one = make_installation(attacked)
    assert one.post(path("order-sign"), SIGN, ehr=attacked).status_code == 200
    made = [make(attacked.signer) for _, make in ATTACKS.values()]
    headers = [each.encode(errors="surrogatepass") if isinstance(each, str) else each for each in made if each]
    answers = [one.post(VIEW_PATH, VIEW, ehr=None, headers={"Authorization": each}) for each in headers]
    answers.append(one.post(VIEW_PATH, VIEW, ehr=None))
    assert len(answers) > 40
    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.content, tuple(answer.headers.items())) for answer in answers}) == 1


def test_a_token_is_for_one_address_and_feedback_may_be_signed_for_its_service(hospital):
    signed = NORTH.authorization(VIEW_PATH)
    outcome(hospital.post(path("order-sign"), SIGN, ehr=None, headers=signed), 401)
    outcome(hospital.post("/evaluate", BUNDLE, ehr=None, headers=signed), 401)
    assert hospital.post(f"{VIEW_PATH}/feedback", {"feedback": []}, ehr=None, headers=signed).status_code != 401


def test_what_a_tenant_lists_as_audience_is_accepted(make_installation):
    typed = Ehr("typed", more='audiences = ["sand_man"]')
    one = make_installation(typed)
    assert one.post(VIEW_PATH, SIGN, ehr=None, headers=typed.authorization("", aud="sand_man")).status_code == 400
    outcome(one.post(VIEW_PATH, VIEW, ehr=None, headers=typed.authorization("", aud="sandman")), 401)


def test_two_authorizations_are_none(hospital):
    twice = [*NORTH.authorization(VIEW_PATH).items()] * 2
    response = hospital.client.post(VIEW_PATH, content=body(VIEW), headers=[("Host", "cds.example.no"), *twice])
    outcome(response, 401)


def test_a_token_lets_in_once_and_the_identical_request_again_only_where_the_tenant_says_so(make_installation):
    patient = Ehr("patient", more='replay = "retry"')
    one = make_installation(NORTH, patient)
    url = path("order-sign")
    for ehr, again in ((NORTH, 401), (patient, 200)):
        headers = ehr.authorization(url)
        statuses = [one.post(url, SIGN, ehr=None, headers=headers).status_code for _ in range(2)]
        assert statuses == [200, again]
        outcome(one.post(url, {**SIGN, "hookInstance": "other"}, ehr=None, headers=headers), 401)


def test_a_retry_is_identical_in_its_query_too(make_installation):
    patient = Ehr("patient", more='replay = "retry"')
    one = make_installation(patient)
    headers = patient.authorization("/evaluate")
    sent = [one.post(f"/evaluate{query}", BUNDLE, ehr=None, headers=headers) for query in ("", "", "?today=2020-01-01")]
    assert [answer.status_code for answer in sent] == [200, 200, 401]


def test_the_clock_of_the_service_judges_tokens(make_installation):
    late = make_installation(clock=lambda: moment(seconds=361))
    outcome(late.post(VIEW_PATH, VIEW), 401)
    assert (
        late.post(
            path("order-sign"), SIGN, ehr=None, headers=NORTH.authorization(path("order-sign"), SECONDS + 300)
        ).status_code
        == 200
    )


def test_where_used_tokens_cannot_be_stored_nobody_is_let_in(make_installation, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    one = make_installation(DATABASE_URL=f"sqlite:///{tmp_path / 'file' / 'x.db'}")
    refused = one.post(path("order-sign"), SIGN)
    outcome(refused, 503)
    assert int(refused.headers["retry-after"]) > 0


def test_the_log_tells_by_its_code_why_a_request_was_refused(make_installation, tmp_path):
    hospital, url = make_installation(), path("order-sign")
    with logged(tmp_path / "log") as log:
        hospital.post(url, SIGN, ehr=None)
        hospital.post(url, {**SIGN, "fhirServer": "https://fhir.south.example.no/r4"})
        hospital.post(url, b"{")
        hospital.post("/evaluate", {})
        hospital.request("GET", "/nowhere")
        hospital.request("GET", "/version", headers={"Host": "other.example.no"})
        hospital.post(url, SIGN)
    assert [(line["status"], line.get("code")) for line in log.lines] == [
        (401, "login"),
        (403, "forbidden"),
        (400, "structure"),
        (422, "structure"),
        (404, "not-found"),
        (400, "value"),
        (200, None),
    ]


def test_the_log_tells_a_store_that_is_not_there_from_too_many_requests(make_installation, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    one = make_installation(DATABASE_URL=f"sqlite:///{tmp_path / 'file' / 'x.db'}")
    with logged(tmp_path / "log") as log:
        one.post(path("order-sign"), SIGN)
    assert [(line["status"], line["code"]) for line in log.lines] == [(503, "no-store")]


def test_the_fhir_server_of_another_tenant_is_refused_and_an_unlisted_one_not_asked(hospital):
    url = path("order-sign")
    grant = {"access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": "x", "subject": "x"}
    for server, status in (("south", 403), ("nowhere", 200)):
        sent = {**SIGN, "fhirServer": f"https://fhir.{server}.example.no/r4/", "fhirAuthorization": grant}
        assert hospital.post(url, sent).status_code == status


def test_each_tenant_has_its_own_language_and_topics(make_installation):
    mute = Ehr("mute", more='topics = ["CNObiopsy"]')
    one = make_installation(NORTH, SOUTH, mute)
    url = path("order-sign")
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "M05BA08"}]},
        "subject": {"reference": "Patient/kari"},
    }
    context = {**SIGN["context"], "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]}}
    cards = {
        ehr.name: one.post(url, {**SIGN, "context": context}, ehr=ehr).json()["cards"] for ehr in (NORTH, SOUTH, mute)
    }
    assert cards["north"][0]["summary"] != cards["south"][0]["summary"]
    assert "Zoledronic" in cards["south"][0]["summary"]
    assert cards["mute"] == []


def test_the_list_of_services_needs_no_token_but_no_wrong_one_either(hospital):
    assert hospital.request("GET", "/cds-services").status_code == 200
    signed = NORTH.authorization("/cds-services")
    assert hospital.request("GET", "/cds-services", headers=signed).status_code == 200
    outcome(hospital.request("GET", "/cds-services", headers=NORTH.authorization(VIEW_PATH)), 401)


@pytest.mark.parametrize("url", ["/livez", "/readyz", "/version", "/fhir/Questionnaire/cno-assessment"])
def test_what_tells_nothing_of_a_patient_is_open(hospital, url):
    assert hospital.request("GET", url).status_code == 200


@pytest.mark.parametrize(
    ("origin", "ehr", "allowed"),
    [
        ("https://ehr.north.example.no", NORTH, True),
        ("https://ehr.north.example.no", SOUTH, False),
        ("https://ehr.north.example.no.evil.example", NORTH, False),
        ("http://ehr.north.example.no", NORTH, False),
        ("null", NORTH, False),
    ],
)
def test_pages_of_a_tenants_own_origins_may_read_its_answers(hospital, origin, ehr, allowed):
    response = hospital.post(path("order-sign"), SIGN, ehr=ehr, headers={"Origin": origin})
    assert response.status_code == 200
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert response.headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("url", ["/cds-services", VIEW_PATH, f"{VIEW_PATH}/feedback"])
def test_a_preflight_needs_no_token_and_refusals_can_be_read_by_the_page(hospital, url):
    origin = {"Origin": "https://ehr.north.example.no"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = hospital.request("OPTIONS", url, headers={**origin, **asked})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
    refused = [
        hospital.post(VIEW_PATH, VIEW, ehr=None, headers=origin),
        hospital.post(VIEW_PATH, b"{", headers=origin),
        hospital.post(VIEW_PATH, VIEW, headers={**origin, "Content-Type": "text/plain"}),
        hospital.request("GET", VIEW_PATH, headers=origin),
    ]
    assert [each.status_code for each in refused] == [401, 400, 415, 405]
    for response in (preflight, *refused):
        assert response.headers["access-control-allow-origin"] == origin["Origin"]
    foreign = hospital.request("OPTIONS", url, headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


def test_one_tenant_at_its_limit_does_not_keep_another_out(make_installation):
    few = Ehr("few", more="most_requests = 1")
    one = make_installation(NORTH, few)
    gate = one.client.app.door.clients["few"].gate
    with gate.pass_():
        busy = one.post(path("order-sign"), SIGN, ehr=few)
        outcome(busy, 429)
        assert int(busy.headers["retry-after"]) > 0
        assert one.post(path("order-sign"), SIGN, ehr=NORTH).status_code == 200
    assert one.post(path("order-sign"), SIGN, ehr=few).status_code == 200


@contextmanager
def holding(gate, number):
    """So many are under way."""
    with ExitStack() as places:
        for _ in range(number):
            places.enter_context(gate.pass_())
        yield


def test_a_service_that_is_full_keeps_out_who_has_his_share_and_nobody_else(make_installation):
    many = Ehr("many", more="most_requests = 1000")
    one = make_installation(NORTH, many)
    door = one.client.app.door
    for url, gate, its in ((path("order-sign"), "gate", 96), ("/evaluate", "gate", 96)):
        content = SIGN if url != "/evaluate" else BUNDLE
        with holding(getattr(door, gate), 192), holding(getattr(door.clients["many"], gate), its):
            outcome(one.post(url, content, ehr=many), 503)
            assert one.post(url, content, ehr=NORTH).status_code == 200


def test_who_holds_no_token_meets_no_gate(hospital):
    door = hospital.client.app.door
    with holding(door.gate, door.gate.most):
        outcome(hospital.post(VIEW_PATH, VIEW, ehr=None), 401)


def test_another_host_is_refused_but_probes_are_answered(hospital):
    outcome(hospital.request("GET", "/cds-services", headers={"Host": "evil.example"}), 400)
    assert hospital.request("GET", "/livez", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_in_development_a_call_without_a_token_comes_in_from_this_machine_alone(make_client):
    near = make_client()
    assert near.post(path("order-sign"), content=body(SIGN)).status_code == 200
    for address, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.4", 401), ("2001:db8::1", 401)):
        assert near.post(path("order-sign"), content=body(SIGN), sender=(address, 5000)).status_code == status
    assert near.post(path("order-sign"), content=body(SIGN), sender=("testclient", 50000)).status_code == 200
    for unknown in ("unknown", "10.0.0.4:http", "", "[::1"):
        forwarded = {"headers": {"X-Forwarded-For": unknown}, "sender": (unknown, 0)}
        assert near.post(path("order-sign"), content=body(SIGN), **forwarded).status_code == 401
    open_wider = make_client(OPEN_TO="10.0.0.0/8")
    assert open_wider.post(path("order-sign"), content=body(SIGN), sender=("10.0.0.4", 5000)).status_code == 200


def test_in_development_a_token_that_comes_must_be_good(make_client):
    one = make_client()
    outcome(one.post(VIEW_PATH, content=body(VIEW), headers={"Authorization": "Bearer x.y.z"}), 401)
    forged = sandbox_token(signer("ES384"), f"http://cds.test{VIEW_PATH}")
    outcome(one.post(VIEW_PATH, content=body(VIEW), headers={"Authorization": f"Bearer {forged}"}), 401)


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"])
def test_no_header_of_a_request_changes_an_address_that_we_write(make_client, header):
    one = make_client()
    for url in ("/", "/cds-services", "/openapi.json", "/fhir/Questionnaire/cno-assessment"):
        assert one.get(url, headers={header: "evil.example"}).content == one.get(url).content
    asked = one.post(path("order-sign"), content=body(SIGN), headers={header: "evil.example"})
    assert "evil.example" not in asked.text
