"""Predicts the first row and all rows by the generated client, and prints both answers: URL ROWS."""
import json
import sys

from api import Client
from api.api.predict import predict
from api.models import AnswerToOneRow, AnswerToSeveralRows, PredictBody


def ask(x, kind):
    answer = predict.sync(client=client, body=PredictBody.from_dict({"x": x}), probabilities=True)
    if not isinstance(answer, kind):
        sys.exit(f"got {answer!r}, want {kind.__name__}")
    return answer.to_dict()


url, rows = sys.argv[1], json.loads(sys.argv[2])
client = Client(base_url=url)
print(json.dumps([ask(rows[0], AnswerToOneRow), ask(rows, AnswerToSeveralRows)]))
