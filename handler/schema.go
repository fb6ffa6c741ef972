package handler

import (
	"slices"
	"strconv"

	"ml-service/handler/oip"
	"ml-service/model"
	"ml-service/onnx"
)

// object is a JSON object of the OpenAPI document.
type object = map[string]any

// list is a JSON array of the OpenAPI document.
type list = []any

// mostNamed is how many values of a row are described one by one.
const mostNamed = 256

// elementSchema describes one value of an input.
func elementSchema(in model.Input) object {
	switch d := in.DType; {
	case d == onnx.String:
		return categorySchema(in)
	case d == onnx.Bool:
		return object{"type": "boolean"}
	case d == onnx.Uint64:
		return object{"type": "integer", "minimum": 0, "maximum": uint64(1<<64 - 1)}
	case d.IsInteger():
		low, high := d.Range()
		return object{"type": "integer", "minimum": low, "maximum": high}
	}
	s := object{"type": "number"}
	if in.DType == onnx.Float32 {
		const most = 0x1.ffffffp+127 // the largest float64 whose shortest decimal is rounded to a float32
		s["minimum"], s["maximum"] = -most, most
	}
	if in.Missing {
		s["type"] = list{"number", "null"}
	}
	return s
}

// categorySchema describes text, with the categories that the file knows.
func categorySchema(in model.Input) object {
	s, values := object{"type": "string"}, list{}
	for _, c := range in.Categories {
		values = append(values, c)
	}
	if in.Missing {
		s["type"] = list{"string", "null"}
		values = append(values, nil)
	}
	switch {
	case len(in.Categories) == 0 || len(in.Categories) > mostNamed:
	case in.Closed:
		s["enum"] = values
	default:
		s["examples"] = values
	}
	return s
}

// rowSchema describes one row of an input: a list of its values, nested as its tensor is.
func rowSchema(in model.Input) object {
	element := elementSchema(in)
	dims := in.Shape
	if len(dims) < 2 {
		dims = []int{-1, max(in.Width, 1)}
		if in.Shape == nil {
			dims[1] = -1
		}
	}
	s := element
	for i := len(dims) - 1; i > 0; i-- {
		outer := object{"type": "array", "items": s}
		if dims[i] >= 0 {
			outer["minItems"], outer["maxItems"] = dims[i], dims[i]
		}
		s = outer
	}
	if in.Features != nil && len(in.Features) <= mostNamed && len(dims) == 2 {
		named := make(list, len(in.Features))
		for i, name := range in.Features {
			value := elementSchema(in)
			value["title"] = name
			named[i] = value
		}
		s["prefixItems"] = named // items stays as it is: "items": false stops generators of clients
	}
	return s
}

// xSchema describes x of POST /predict: one row, or several.
func xSchema(m *model.Model) object {
	forms := list{ref("Row"), object{"type": "array", "minItems": 1, "items": ref("Row")}}
	if hasRecord(m) {
		forms = append(forms, ref("Record"), object{"type": "array", "minItems": 1, "items": ref("Record")})
	}
	return object{"anyOf": forms}
}

// hasRecord says whether a row of the model may be an object keyed by feature name.
func hasRecord(m *model.Model) bool {
	in := m.Inputs()
	return len(in) == 1 && in[0].Features != nil && len(in[0].Features) <= mostNamed && len(in[0].Row) == 1
}

// recordOfModel describes a row keyed by feature name, in any order.
func recordOfModel(m *model.Model) object {
	in := m.Inputs()[0]
	properties, required := object{}, list{}
	for _, name := range in.Features {
		properties[name] = elementSchema(in)
		if !in.Missing {
			required = append(required, name)
		}
	}
	s := object{"type": "object", "title": "a row of " + in.Name + " by feature name", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// rowOfModel describes one row as x holds it: a list for a model of one input, else an object by name.
func rowOfModel(m *model.Model) object {
	inputs := m.Inputs()
	if len(inputs) == 1 {
		s := rowSchema(inputs[0])
		s["title"] = "a row of " + inputs[0].Name
		return s
	}
	properties, required := object{}, list{}
	columns := !slices.ContainsFunc(inputs, func(in model.Input) bool { return in.Width != 1 || len(in.Row) != 1 })
	for _, in := range inputs {
		s := rowSchema(in)
		if in.Width == 1 && len(in.Shape) < 3 {
			s = elementSchema(in)
		}
		properties[in.Name] = s
		if !in.Missing || !columns {
			required = append(required, in.Name)
		}
	}
	s := object{"type": "object", "title": "a row", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	} else {
		s["minProperties"] = 1
	}
	return s
}

// warningsSchema describes the member of an answer that says which categories the model did not know.
func warningsSchema() object {
	return object{"type": "array", "minItems": 1, "items": object{"type": "string"},
		"description": "categories that the model does not know and took all the same, each with its place; absent where there are none"}
}

// predictionSchema describes one prediction of a classifier or a regressor.
func predictionSchema(m *model.Model) object {
	number := object{"type": list{"number", "null"}}
	properties := object{"prediction": number, "warnings": warningsSchema()}
	if m.Kind() == model.Regressor {
		if m.Targets() > 1 {
			properties["prediction"] = object{"type": "array", "items": number, "minItems": m.Targets(), "maxItems": m.Targets()}
		}
		return object{"type": "object", "required": list{"prediction"}, "properties": properties, "title": "prediction"}
	}
	properties["prediction"] = labelSchema(m)
	properties["confidence"] = object{"type": "number", "minimum": 0, "maximum": 1,
		"description": "the score of the predicted class, to three decimals; absent where the scores are no distribution"}
	if m.ScoresOutput() >= 0 {
		properties["probabilities"] = ref("Probabilities")
	}
	return object{"type": "object", "required": list{"prediction"}, "properties": properties, "title": "prediction"}
}

// labelSchema describes a class label, with the names of the classes where the file has them.
func labelSchema(m *model.Model) object {
	text := m.Outputs()[m.LabelOutput()].DType == onnx.String
	s := object{"type": "number"}
	if text {
		s["type"] = "string"
	}
	names := m.ClassNames()
	var values list
	described := ""
	for i, label := range m.Classes() {
		if text {
			values = append(values, label)
		} else if n, err := strconv.ParseInt(label, 10, 64); err == nil {
			values = append(values, n)
		}
		if i < len(names) && names[i] != label {
			if described != "" {
				described += ", "
			}
			described += label + ": " + names[i]
		}
	}
	if values != nil {
		s["enum"] = values
	}
	if described != "" {
		s["description"] = described
	}
	return s
}

// answerSchema describes the 200 of POST /predict.
func answerSchema(m *model.Model) object {
	version := object{"const": m.Version()}
	if m.Kind() == model.Raw {
		outputs, names := object{}, list{}
		for _, v := range m.Outputs() {
			outputs[v.Name] = object{"description": oip.Datatype(v.DType) + " " + onnx.ShapeText(v.Shape)}
			names = append(names, v.Name)
		}
		return object{"type": "object", "required": list{"outputs", "version"}, "properties": object{
			"outputs": object{"type": "object", "properties": outputs, "required": names}, "version": version, "warnings": warningsSchema()}}
	}
	one := predictionSchema(m)
	one["properties"].(object)["version"] = version
	one["required"] = list{"prediction", "version"}
	one["title"] = "answer to one row"
	return object{"anyOf": list{one, object{
		"type": "object", "title": "answer to several rows", "required": list{"predictions", "version"},
		"properties": object{"predictions": object{"type": "array", "items": ref("Prediction")}, "version": version, "warnings": warningsSchema()},
	}}}
}

// tensorSchema gives the members of a tensor of the Open Inference Protocol with its data in JSON.
func tensorSchema(name string, d onnx.DType, dims []int, data object) object {
	shape := object{"type": "array", "items": object{"type": "integer", "minimum": 0}, "description": onnx.ShapeText(dims)}
	if dims != nil {
		shape["minItems"], shape["maxItems"] = len(dims), len(dims)
	}
	return object{"name": object{"const": name}, "datatype": object{"const": oip.Datatype(d)}, "shape": shape, "data": data}
}

// exactShape narrows the shape of a tensorSchema to the dimensions that are known.
func exactShape(tensor object, dims []int) {
	each := list{}
	for _, d := range dims {
		if d < 0 {
			each = append(each, object{"type": "integer", "minimum": 0})
		} else {
			each = append(each, object{"const": d})
		}
	}
	if shape := tensor["shape"].(object); len(each) > 0 {
		shape["prefixItems"] = each
	}
}

// dataSchema describes elements in JSON, flat or nested as the shape.
func dataSchema(element object) object {
	return object{"type": list{"array", "null"}, "items": object{"anyOf": list{element, object{"type": "array", "items": object{}}}}}
}

// outputElement describes one element of an output; a number that is not finite is null.
func outputElement(d onnx.DType) object {
	switch {
	case d == onnx.String:
		return object{"type": "string"}
	case d == onnx.Bool:
		return object{"type": "boolean"}
	case d.IsInteger():
		return object{"type": "integer"}
	}
	return object{"type": list{"number", "null"}}
}
