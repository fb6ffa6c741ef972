package handler

import (
	"encoding/json"

	"ml-service/model"
)

// platformExample is a body of the managed platforms with so many rows, and its answer; nil where the model takes none such.
func (s *Service) platformExample(row string, n int) (body, answer json.RawMessage) {
	body = json.RawMessage(`{"instances":[` + row)
	for range n - 1 {
		body = append(append(body, ','), row...)
	}
	body = append(body, `]}`...)
	p := s.platforms.Request()
	defer p.Release()
	if p.DecodePlatform(body) != nil || p.Batch.Run(nil) != nil || p.Rowwise() != nil {
		return nil, nil
	}
	return body, p.AppendAnswer(nil)
}

// platformTag groups the routes of the managed platforms, and tritonTag what Triton's clients ask beside the protocol.
const (
	platformTag = "managed platforms"
	tritonTag   = "open inference protocol"
)

// addPlatforms describes the routes of the managed platforms and of Triton's clients.
func (o openAPI) addPlatforms(paths object) {
	text, count := object{"type": "string"}, object{"type": "integer", "minimum": 0}
	health := exactly(object{"status": object{"const": "ok"}, "version": object{"const": o.model.Version()}})
	draining := object{"503": response("the service is about to stop", exactly(object{"status": object{"const": "draining"}, "version": text}))}
	paths["/ping"] = get(platformTag, "ping", "Whether the service takes requests, for SageMaker and MLflow", health, draining)
	paths["/invocations"] = object{"post": o.invoke("invoke", "Predict rows, for SageMaker, Vertex AI and MLflow", 400, 408, 413, 415, 422, 500, 503)}
	paths["/v1/models"] = get(platformTag, "getModelsV1", "The model's name, for KServe V1", exactly(object{"models": object{"type": "array", "items": object{"const": o.name}}}), object{})
	paths["/v1/models/"+o.name] = get(platformTag, "isModelReadyV1", "Whether the model is ready, for KServe V1",
		exactly(object{"name": object{"const": o.name}, "ready": object{"type": "boolean"}}),
		object{"503": response("the service is draining", object{"allOf": list{ref("Error"), exactly(object{"ready": object{"const": false}})}})})
	paths["/v1/models/"+o.name+":predict"] = object{"post": o.invoke("predictV1", "Predict rows, for KServe V1", 400, 404, 408, 413, 415, 422, 500, 503)}

	config := exactly(object{"name": object{"const": o.name}, "platform": text, "backend": text, "max_batch_size": count,
		"version_policy": object{"type": "object"}, "input": object{"type": "array", "items": tritonTensorSchema()}, "output": object{"type": "array", "items": tritonTensorSchema()}})
	total := exactly(object{"count": count, "ns": count})
	of := object{}
	for _, name := range []string{"success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"} {
		of[name] = total
	}
	statistics := exactly(object{"model_stats": object{"type": "array", "items": exactly(object{"name": object{"const": o.name}, "version": text,
		"last_inference": count, "inference_count": count, "execution_count": count, "inference_stats": exactly(of),
		"batch_stats": object{"type": "array", "items": exactly(object{"batch_size": count, "compute_input": total, "compute_infer": total, "compute_output": total})}})}})
	name := "/v2/models/" + o.name
	for suffix, path := range map[string]string{"": name, "Version": name + "/versions/" + o.model.Version()} {
		paths[path+"/config"] = get(tritonTag, "getModelConfig"+suffix, "The model's configuration as Triton has it", config, object{})
		paths[path+"/stats"] = get(tritonTag, "getModelStatistics"+suffix, "What requests took since the start", statistics, object{})
	}
	paths["/v2/models/stats"] = get(tritonTag, "getStatistics", "What requests took since the start", statistics, object{})
	index := object{"type": "array", "items": exactly(object{"name": object{"const": o.name}, "version": text, "state": object{"enum": list{"READY", "UNAVAILABLE"}}, "reason": text})}
	paths["/v2/repository/index"] = object{"post": object{"tags": list{tritonTag}, "operationId": "getRepositoryIndex", "summary": "The model and its state",
		"requestBody": object{"required": false, "content": object{"application/json": object{
			"schema":   object{"type": list{"object", "null"}, "properties": object{"ready": object{"type": list{"boolean", "null"}, "description": "the models that are ready alone"}}},
			"examples": object{"all models": object{"value": object{}}, "those that are ready": object{"value": object{"ready": true}}}}}},
		"responses": with(refusals(400, 500), 200, response("OK", index))}}
}

func tritonTensorSchema() object {
	t := exactly(object{"name": object{"type": "string"}, "data_type": object{"type": "string"}, "dims": object{"type": "array", "items": object{"type": "integer", "minimum": -1}}})
	t["properties"].(object)["reshape"] = object{"type": "object"}
	return t
}

// invoke describes a POST of rows in the platforms' form.
func (o openAPI) invoke(id, summary string, statuses ...int) object {
	request := object{"schema": ref("InvokeRequest")}
	ok := response("the predictions, in the order of the rows", ref("InvokeAnswer"))
	examples := o.named(func(e example) json.RawMessage { return e.Invoke })
	if len(o.examples) > 0 && o.examples[0].Invoke != nil {
		request["examples"] = examples
		ok["content"].(object)["application/json"].(object)["examples"] = o.named(func(e example) json.RawMessage { return e.Invoked })
	}
	return object{"tags": list{platformTag}, "operationId": id, "summary": summary,
		"description": "The rows may also come as inputs, dataframe_records, dataframe_split, as x of /predict, or as CSV (text/csv, with or without a header); Accept: text/csv asks for CSV.",
		"requestBody": object{"required": true, "content": object{"application/json": request}},
		"responses":   with(refusals(statuses...), 200, ok)}
}

// invokeSchemas describe the rows of the platforms and their answer.
func (o openAPI) invokeSchemas() (request, answer object) {
	rows := func(row any) object { return object{"type": "array", "minItems": 1, "items": row} }
	forms := list{rows(ref("Row"))}
	if hasRecord(o.model) {
		forms = append(forms, rows(ref("Record")))
	}
	inputs := o.model.Inputs()
	if in := inputs[0]; len(inputs) == 1 && in.Width == 1 && len(in.Row) == 1 {
		forms = append(forms, rows(elementSchema(in)))
	}
	properties := object{"instances": object{"anyOf": forms}}
	one := object{}
	if o.model.Kind() != model.Raw {
		prediction := predictionSchema(o.model)["properties"].(object)["prediction"]
		one = object{"anyOf": list{prediction, ref("Prediction")}}
	}
	if o.model.ScoresOutput() >= 0 {
		properties["parameters"] = object{"type": list{"object", "null"}, "properties": object{
			"probabilities": object{"type": list{"boolean", "null"}, "description": "answer each row by an object with all scores by class"}}}
	}
	answer = exactly(object{"predictions": object{"type": "array", "minItems": 1, "items": one}})
	answer["properties"].(object)["warnings"] = warningsSchema()
	twice := list{} // rows come once
	for _, member := range []string{"x", "inputs", "dataframe_records", "dataframe_split"} {
		twice = append(twice, object{"required": list{member}})
	}
	return object{"type": "object", "required": list{"instances"}, "properties": properties, "not": object{"anyOf": twice}}, answer
}
