package main

import (
	"encoding/json"
	"fmt"
)

// EventError is an event of none of the shapes, or one that claims a shape and does not decode as it.
// It ends the invocation as a function error of this type; the process goes on.
type EventError struct{ message string }

func (e *EventError) Error() string { return e.message }

// shape is the kind of an event.
type shape int

const (
	restAPI          shape = iota // API Gateway REST, payload 1.0
	restAPIOfHTTPAPI              // the same payload from an HTTP API, whose stage is in the path
	httpAPI                       // an HTTP API or a Function URL, payload 2.0
	loadBalancer                  // an Application Load Balancer
	direct                        // the body of a /predict by itself: Step Functions, a batch, a person
)

// probe holds the members that tell the shapes apart.
type probe struct {
	Version        string          `json:"version"`
	HTTPMethod     string          `json:"httpMethod"`
	X              json.RawMessage `json:"x"`
	Type           string          `json:"type"`           // of an authorizer: REQUEST, TOKEN
	MethodArn      string          `json:"methodArn"`      // of a REST or WebSocket API's authorizer
	RouteArn       string          `json:"routeArn"`       // of an HTTP API's authorizer
	MessageVersion string          `json:"messageVersion"` // of a Bedrock agent
	RequestContext *struct {
		ELB          *struct{} `json:"elb"`
		HTTP         *struct{} `json:"http"`
		ConnectionID string    `json:"connectionId"` // of a WebSocket
	} `json:"requestContext"`
}

const expected = `expected an API Gateway REST event ("httpMethod" and "requestContext"), an HTTP API or Function URL event ("requestContext":{"http":…}), a load balancer event ("requestContext":{"elb":…}) or the body of a prediction ("x")`

// shapeOf tells an event's shape. Authorizers, WebSockets and agents send events that look like requests and must not be
// answered as such: whatever the answer was, it would be taken for a decision.
func shapeOf(payload []byte) (shape, error) {
	var p probe
	if err := json.Unmarshal(payload, &p); err != nil {
		return 0, &EventError{fmt.Sprintf("the event is not a JSON object of a known shape: %v; %s", err, expected)}
	}
	c := p.RequestContext
	switch {
	case p.MethodArn != "" || p.RouteArn != "" || p.Type == "REQUEST" || p.Type == "TOKEN":
		return 0, &EventError{"an authorizer's event, and this function is none: " + expected}
	case c != nil && c.ConnectionID != "":
		return 0, &EventError{"a WebSocket's event: " + expected}
	case p.MessageVersion != "":
		return 0, &EventError{"a Bedrock agent's event: " + expected}
	case c != nil && c.ELB != nil:
		return loadBalancer, nil
	case c != nil && c.HTTP != nil:
		return httpAPI, nil
	case c != nil && p.HTTPMethod != "" && p.Version == "1.0":
		return restAPIOfHTTPAPI, nil
	case c != nil && p.HTTPMethod != "":
		return restAPI, nil
	case c == nil && p.HTTPMethod == "" && p.X != nil:
		return direct, nil
	}
	return 0, &EventError{"unknown event: " + expected}
}
