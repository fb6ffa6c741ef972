package main

import (
	"bytes"
	"errors"
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestUnknownEvent(t *testing.T) {
	shape := `"requestContext":{"http":{}}`
	tests := []struct{ name, payload, want string }{
		{"a queue's", string(recorded(t, "sqs", nil)), "unknown event: expected an API Gateway REST event"},
		{"an empty object", `{}`, "unknown event: expected"},
		{"null", `null`, "unknown event: expected"},
		{"a null for a load balancer", `{"requestContext":{"elb":null,"http":null}}`, "unknown event: expected"},
		{"no object", `"ping"`, "not a JSON object of a known shape"},
		{"no JSON", `{"version":`, "not a JSON object of a known shape"},
		{"a member of another type", `{` + shape + `,"rawPath":7}`, "decode HTTP API event: json: cannot unmarshal number into Go struct field APIGatewayV2HTTPRequest.rawPath"},
		{"a REST API's authorizer, by token", `{"type":"TOKEN","authorizationToken":"allow","methodArn":"arn:aws:execute-api:eu-central-1:123456789012:a1/prod/POST/predict"}`, "an authorizer's event"},
		{"a REST API's authorizer, by request", string(recorded(t, "rest", func(e map[string]any) {
			e["type"], e["methodArn"] = "REQUEST", "arn:aws:execute-api:eu-central-1:123456789012:a1/prod/POST/predict"
		})), "an authorizer's event"},
		{"an HTTP API's authorizer, 2.0", string(recorded(t, "httpapi", func(e map[string]any) {
			e["type"], e["routeArn"], e["identitySource"] = "REQUEST", "arn:aws:execute-api:eu-central-1:123456789012:a1/$default/POST/predict", []string{"user"}
		})), "an authorizer's event"},
		{"an HTTP API's authorizer, 1.0", string(recorded(t, "httpapi-payload1-stage", func(e map[string]any) {
			e["type"], e["methodArn"], e["identitySource"] = "REQUEST", "arn:aws:execute-api:eu-central-1:123456789012:a1/$default/POST/predict", "user"
		})), "an authorizer's event"},
		{"a Bedrock agent's", `{"messageVersion":"1.0","agent":{"name":"a","id":"I","alias":"L","version":"1"},"actionGroup":"g","apiPath":"/predict","httpMethod":"POST","parameters":[],"requestBody":{"content":{}}}`, "a Bedrock agent's event"},
		{"a WebSocket's $connect", `{"headers":{"Host":"a"},"multiValueHeaders":{"Host":["a"]},"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c=","stage":"prod"},"isBase64Encoded":false}`, "a WebSocket's event"},
		{"a WebSocket's message", `{"requestContext":{"routeKey":"$default","eventType":"MESSAGE","connectionId":"c=","stage":"prod"},"body":"{\"x\":[1]}","isBase64Encoded":false}`, "a WebSocket's event"},
		{"a WebSocket's that names a method", `{"httpMethod":"GET","path":"/","requestContext":{"connectionId":"c="}}`, "a WebSocket's event"},
		{"a VPC Lattice service's", `{"version":"2.0","path":"/predict","method":"POST","headers":{},"body":"{}","requestContext":{"serviceNetworkArn":"arn","serviceArn":"arn"}}`, "unknown event"},
		{"a request without a context", `{"httpMethod":"POST","path":"/predict"}`, "unknown event"},
		{"a schedule's", `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, "unknown event"},
		{"a query that is none", `{"requestContext":{"http":{"method":"GET"}},"rawPath":"/","rawQueryString":"a\u0001b"}`, "make a request of the event"},
		{"no method a request can have", `{"httpMethod":"GE T","path":"/","requestContext":{}}`, "make a request of the event"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := echo(t)
			out, err := f.Invoke(t.Context(), []byte(tt.payload))
			var typed *EventError
			if !errors.As(err, &typed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Invoke = %s, %v; want an EventError with %q", out, err, tt.want)
			}
		})
	}
}

// What is no request makes no line but ours.
func TestNothingIsPrintedBesideTheLog(t *testing.T) {
	stdout := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout = w
	var out bytes.Buffer
	adopt(slog.New(slog.NewJSONHandler(&out, nil)))
	defer func() {
		os.Stdout = stdout
		log.SetOutput(os.Stderr)
		log.SetFlags(log.LstdFlags)
	}()
	f, _ := echo(t)
	for _, event := range []string{`{"httpMethod":"GE T","path":"/","requestContext":{}}`, `{"requestContext":{"http":{"method":"B@D {"}}}`, `{"httpMethod":"","path":"/","requestContext":{"elb":{}}}`} {
		_, _ = f.Invoke(t.Context(), []byte(event))
	}
	log.Printf("a library says\nso")
	w.Close()
	var printed bytes.Buffer
	if _, err := printed.ReadFrom(r); err != nil || printed.Len() > 0 {
		t.Errorf("stdout: got %q, %v, want nothing", printed.String(), err)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"level":"WARN","msg":"printed by a library","text":"a library says\nso"`) {
		t.Errorf("log: got %q", got)
	}
}
