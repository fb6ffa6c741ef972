package handler

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

func ref(schema string) object { return object{"$ref": "#/components/schemas/" + schema} }

// headersOfAnswers are what every answer carries.
var headersOfAnswers = object{
	"Version":   object{"schema": object{"type": "string"}, "required": true, "description": "the model version that answered"},
	"RequestID": object{"schema": object{"type": "string"}, "required": true, "description": "the caller's X-Request-Id, or one made here"},
	"Color":     object{"schema": object{"type": "string"}, "description": "blue or green, where the service was given a colour"},
}

// response is an answer of JSON.
func response(description string, schema object) object {
	return object{"description": description,
		"headers": object{"X-Model-Version": object{"$ref": "#/components/headers/Version"},
			"X-Request-Id": object{"$ref": "#/components/headers/RequestID"}, "X-Color": object{"$ref": "#/components/headers/Color"}},
		"content": object{"application/json": object{"schema": schema}}}
}

func exactly(properties object) object {
	return object{"type": "object", "required": slices.Sorted(maps.Keys(properties)), "properties": properties}
}

// refusals are the failures of a route, by status.
func refusals(statuses ...int) object {
	described := map[int]string{
		400: "the body is not JSON, is not what its Content-Encoding says, or, for tensors, does not fit the model",
		404: "no such model or version",
		408: "the body did not come in time",
		413: "the body is too large, or the batch",
		415: "a Content-Encoding that is not known: see Accept-Encoding",
		422: "the body is JSON that does not fit the model",
		500: "a fault of the service, whose cause is in its log",
		503: "overloaded: try again after Retry-After seconds",
	}
	all := object{}
	for _, status := range statuses {
		answer := response(described[status], ref("Error"))
		if status == 503 {
			answer["headers"].(object)["Retry-After"] = object{"schema": object{"type": "string", "pattern": "^[0-9]+$"}, "description": "seconds"}
		}
		all[strconv.Itoa(status)] = answer
	}
	return all
}

func with(responses object, status int, answer object) object {
	responses[strconv.Itoa(status)] = answer
	return responses
}

// get describes a GET that answers 200 with schema, and fails as the statuses say.
func get(tag, id, summary string, schema object, responses object) object {
	return object{"get": object{"tags": list{tag}, "operationId": id, "summary": summary,
		"responses": with(responses, 200, response("OK", schema))}}
}

func (o openAPI) paths() object {
	const protocol = "open inference protocol"
	m := o.model
	status := func(word string) object {
		return exactly(object{"status": object{"const": word}, "version": object{"const": m.Version()}})
	}
	boolean := object{"type": "boolean"}
	notReady := func() object {
		return object{"503": response("the service is draining", object{"allOf": list{ref("Error"), exactly(object{"ready": object{"const": false}})}})}
	}
	tensor := exactly(object{"name": object{"type": "string"}, "datatype": object{"type": "string"},
		"shape": object{"type": "array", "items": object{"type": "integer", "minimum": -1}}})
	tensor["properties"].(object)["parameters"] = object{"type": "object"}
	metadata := exactly(object{"name": object{"const": o.name}, "versions": object{"type": "array", "items": object{"const": m.Version()}}, "platform": object{"const": m.Platform()},
		"inputs": object{"type": "array", "items": tensor}, "outputs": object{"type": "array", "items": tensor}})
	metadata["properties"].(object)["parameters"] = object{"type": "object"}
	paths := object{
		"/health": get("service", "getHealth", "Whether the service takes requests", status("ok"),
			object{"503": response("the service is about to stop", status("draining"))}),
		"/predict":      object{"post": o.predict()},
		"/openapi.json": get("service", "getOpenAPI", "This document", object{"type": "object", "required": list{"openapi"}}, object{}),
		"/v2": get(protocol, "getServer", "What the server is", exactly(object{"name": object{"const": o.name},
			"version": object{"const": m.Version()}, "extensions": object{"type": "array", "items": object{"type": "string"}}}), object{}),
		"/v2/health/live":  get(protocol, "isLive", "Whether the server is alive", exactly(object{"live": object{"const": true}}), object{}),
		"/v2/health/ready": get(protocol, "isReady", "Whether the server is ready", exactly(object{"ready": boolean, "live": boolean}), notReady()),
	}
	name := "/v2/models/" + o.name
	for suffix, path := range map[string]string{"": name, "Version": name + "/versions/" + m.Version()} {
		paths[path] = get(protocol, "getModel"+suffix, "What the model takes and gives", metadata, object{})
		paths[path+"/ready"] = get(protocol, "isModelReady"+suffix, "Whether the model is ready",
			exactly(object{"name": object{"const": o.name}, "ready": boolean}), notReady())
		paths[path+"/infer"] = object{"post": o.infer("infer" + suffix)}
	}
	o.addPlatforms(paths)
	return paths
}

// named gives examples under names that a document can refer to.
func (o openAPI) named(value func(e example) json.RawMessage) object {
	all := object{}
	for _, e := range o.examples {
		all[e.Name] = object{"value": value(e)}
	}
	return all
}

func (o openAPI) predict() object {
	properties := object{"x": xSchema(o.model)}
	var parameters list
	if o.model.ScoresOutput() >= 0 {
		properties["probabilities"] = object{"type": list{"boolean", "null"}, "description": "answer all scores by class as well"}
		parameters = list{object{"name": "probabilities", "in": "query", "required": false, "schema": object{"type": "boolean"},
			"description": "answer all scores by class as well"}}
	}
	request := object{"schema": object{"type": "object", "required": list{"x"}, "properties": properties}}
	ok := response("the predictions, in the order of the rows", ref("PredictAnswer"))
	if len(o.examples) > 0 {
		request["examples"] = o.named(func(e example) json.RawMessage { return e.Predict })
		ok["content"].(object)["application/json"].(object)["examples"] = o.named(func(e example) json.RawMessage { return e.Answer })
	}
	predict := object{"tags": list{"predict"}, "operationId": "predict", "summary": "Predict one row or several",
		"description": "Other members of the body are ignored. Content-Type is not checked. The body may be compressed (gzip, deflate).",
		"requestBody": object{"required": true, "content": object{"application/json": request}},
		"responses":   with(refusals(400, 408, 413, 415, 422, 500, 503), 200, ok)}
	if parameters != nil {
		predict["parameters"] = parameters
	}
	return predict
}

func (o openAPI) infer(id string) object {
	request := object{"schema": ref("InferRequest")}
	ok := response("the outputs asked for", ref("InferAnswer"))
	content := ok["content"].(object)
	if len(o.examples) > 0 {
		request["examples"] = o.named(func(e example) json.RawMessage { return e.Infer })
		content["application/json"].(object)["examples"] = o.named(func(e example) json.RawMessage { return e.Inferred })
	}
	binary := object{"schema": object{"type": "string", "contentMediaType": "application/octet-stream",
		"description": "JSON of " + headerLength + " bytes, then the binary tensors in its order: little-endian, row-major, each string behind its length in four bytes"}}
	content["application/octet-stream"] = binary
	ok["headers"].(object)[headerLength] = object{"schema": object{"type": "string", "pattern": "^[0-9]+$"}, "description": "the length of the JSON, where binary tensors follow it"}
	return object{"tags": list{"open inference protocol"}, "operationId": id, "summary": "Run the model on tensors",
		"description": "Tensors in JSON or, by the binary tensor data extension, in binary behind the JSON. The body may be compressed (gzip, deflate).",
		"parameters": list{object{"name": headerLength, "in": "header", "required": false, "schema": object{"type": "integer", "minimum": 0},
			"description": "the length of the JSON, where binary tensors follow it"}},
		"requestBody": object{"required": true, "content": object{"application/json": request, "application/octet-stream": binary}},
		"responses":   with(refusals(400, 408, 413, 415, 500, 503), 200, ok)}
}
