package handler

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"ml-service/handler/oip"
	"ml-service/model"
	"ml-service/onnx"
)

// routeOpenAPI adds the document that describes the other routes.
func (s *Service) routeOpenAPI(g *gin.RouterGroup) {
	for path, document := range map[string]func() ([]byte, error){"/openapi.json": s.document, "/openapi-3.0.json": s.document30} {
		handleGet(g, path, func(c *gin.Context) {
			body, err := document()
			if err != nil {
				s.fail(c, err)
				return
			}
			s.write(c, http.StatusOK, body)
		})
	}
}

// openAPI makes the OpenAPI 3.1 document of a service out of its model.
type openAPI struct {
	name     string
	model    *model.Model
	examples []example
}

func (o openAPI) document() object {
	title := o.model.Title()
	if title == "" {
		title = o.name
	}
	return object{
		"openapi": "3.1.0",
		"servers": list{object{"url": "."}}, // beside this document, behind whatever prefix
		"info":    object{"title": title, "version": o.model.Version(), "description": o.describe()},
		"tags": list{
			object{"name": "predict", "description": "Rows in, predictions out."},
			object{"name": "open inference protocol", "description": "Tensors in, tensors out: the V2 protocol of KServe and Triton."},
			object{"name": platformTag, "description": "Rows in, predictions out, in the forms of SageMaker, Vertex AI, MLflow and KServe V1."},
			object{"name": "service", "description": "What the service says of itself."},
		},
		"paths":      o.paths(),
		"components": object{"schemas": o.schemas(), "headers": headersOfAnswers},
		"x-model":    o.summary(),
	}
}

// describe says in a few sentences what the model is.
func (o openAPI) describe() string {
	m := o.model
	text := fmt.Sprintf("The model %s, version %s: a %s", o.name, m.Version(), m.Kind())
	if m.Kind() == model.Raw {
		text = fmt.Sprintf("The model %s, version %s", o.name, m.Version())
	}
	var inputs []string
	for _, in := range m.Inputs() {
		inputs = append(inputs, fmt.Sprintf("%s (%s %s)", in.Name, oip.Datatype(in.DType), onnx.ShapeText(in.Shape)))
	}
	text += ". It takes " + strings.Join(inputs, ", ")
	var outputs []string
	for _, v := range m.Outputs() {
		outputs = append(outputs, fmt.Sprintf("%s (%s %s)", v.Name, oip.Datatype(v.DType), onnx.ShapeText(v.Shape)))
	}
	return text + " and gives " + strings.Join(outputs, ", ") + "."
}

// summary is the model for the page at /docs, which draws a form from it.
func (o openAPI) summary() object {
	var inputs list
	for _, in := range o.model.Inputs() {
		inputs = append(inputs, object{"name": in.Name, "datatype": oip.Datatype(in.DType), "shape": onnx.ShapeText(in.Shape),
			"width": in.Width, "rank": in.Rank, "features": in.Features, "missing": in.Missing, "categories": in.Categories, "columns": columnsSummary(in)})
	}
	var outputs list
	for _, v := range o.model.Outputs() {
		outputs = append(outputs, object{"name": v.Name, "datatype": oip.Datatype(v.DType), "shape": onnx.ShapeText(v.Shape), "labels": labelsOf(v)})
	}
	return object{"name": o.name, "version": o.model.Version(), "kind": o.model.Kind().String(), "sha256": o.model.SHA256(),
		"inputs": inputs, "outputs": outputs, "classes": o.model.Classes(), "class_names": o.model.ClassNames(), "metadata": o.model.Metadata()}
}

// columnsSummary is what the file knows of the categories of each value of a row, for a form; nil where it knows none.
func columnsSummary(in model.Input) list {
	var columns list
	known := false
	for _, c := range in.Columns {
		known = known || c.Categories != nil
		columns = append(columns, object{"categories": c.Categories, "closed": c.Closed})
	}
	if !known || len(columns) > mostNamed {
		return nil
	}
	return columns
}

func (o openAPI) schemas() object {
	s := object{
		"Error": object{"type": "object", "required": list{"error"}, "properties": object{
			"error": object{"type": "string", "minLength": 1, "description": "a sentence: what was expected and what was found"},
			"field": object{"type": "string", "description": "the innermost element that is wrong, as x[1][2]"}}},
		"Row":           rowOfModel(o.model),
		"PredictAnswer": answerSchema(o.model),
		"InferRequest":  o.inferRequest(),
		"InferAnswer":   o.inferAnswer(),
	}
	s["InvokeRequest"], s["InvokeAnswer"] = o.invokeSchemas()
	if o.model.ScoresOutput() >= 0 {
		s["Probabilities"] = object{"type": "object", "additionalProperties": object{"type": list{"number", "null"}},
			"description": "all scores by class, unrounded; where the request asks for them"}
	}
	if hasRecord(o.model) {
		s["Record"] = recordOfModel(o.model)
	}
	if o.model.Kind() != model.Raw {
		s["Prediction"] = predictionSchema(o.model)
	}
	return s
}

// inferRequest describes the body of POST …/infer.
func (o openAPI) inferRequest() object {
	var inputs, names list
	for _, in := range o.model.Inputs() {
		properties := tensorSchema(in.Name, in.DType, in.Shape, dataSchema(elementSchema(in)))
		exactShape(properties, in.Shape)
		properties["parameters"] = object{"type": list{"object", "null"}, "properties": object{
			"binary_data_size": object{"type": "integer", "minimum": 0, "description": "the tensor follows the JSON in binary, so many bytes of it, and has no data"}}}
		inputs = append(inputs, object{"type": "object", "title": in.Name, "required": list{"name", "datatype", "shape"}, "properties": properties})
	}
	for _, v := range o.model.Outputs() {
		names = append(names, v.Name)
	}
	return object{"type": "object", "required": list{"inputs"}, "properties": object{
		"id":     object{"type": "string", "description": "comes back in the answer; without it the X-Request-Id does"},
		"inputs": object{"type": "array", "minItems": len(inputs), "maxItems": len(inputs), "items": object{"anyOf": inputs}},
		"outputs": object{"type": list{"array", "null"}, "description": "the outputs to answer, in this order; all without it",
			"items": object{"type": "object", "required": list{"name"}, "properties": object{
				"name":       object{"enum": names},
				"parameters": object{"type": list{"object", "null"}, "properties": object{"binary_data": object{"type": "boolean"}}}}}},
		"parameters": object{"type": list{"object", "null"}, "properties": object{
			"binary_data_output": object{"type": "boolean", "description": "answer all outputs in binary"}}},
	}}
}

// inferAnswer describes the 200 of POST …/infer in JSON.
func (o openAPI) inferAnswer() object {
	var outputs list
	for _, v := range o.model.Outputs() {
		properties := tensorSchema(v.Name, v.DType, v.Shape, object{"type": "array", "items": outputElement(v.DType)})
		outputs = append(outputs, object{"type": "object", "title": v.Name, "required": list{"name", "datatype", "shape", "data"}, "properties": properties})
	}
	return object{"type": "object", "required": list{"model_name", "model_version", "id", "outputs"}, "properties": object{
		"model_name": object{"const": o.name}, "model_version": object{"const": o.model.Version()}, "id": object{"type": "string"},
		"outputs":    object{"type": "array", "minItems": 1, "items": object{"anyOf": outputs}},
		"parameters": object{"type": "object", "properties": object{"warnings": object{"type": "string", "description": "categories that the model does not know and took all the same; absent where there are none"}}},
	}}
}
