"""Reading `/metrics` as Prometheus does."""

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "kWv3-what-Prometheus-shows-to-the-portal"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(client: FlaskClient) -> Values:
    answer = client.get("/metrics", headers=SHOWN)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(values: Values, name: str, **labels: str) -> float:
    return values[name, frozenset(labels.items())]
