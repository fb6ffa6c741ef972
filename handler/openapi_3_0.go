package handler

// openAPI30 turns a document of OpenAPI 3.1 into one of 3.0, for importers that know no other: what 3.0 cannot say is said more
// loosely, never otherwise. The document is changed in place.
func openAPI30(document object) object {
	document["openapi"] = "3.0.3"
	loosen(document)
	return document
}

// loosen goes through a document or a part of it.
func loosen(v any) {
	switch v := v.(type) {
	case object:
		loosenSchema(v)
		for name, child := range v {
			if properties, ok := child.(object); ok && name == "properties" { // whose keys are names, as "type" or "const"
				for _, p := range properties {
					loosen(p)
				}
				continue
			}
			loosen(child)
		}
	case list:
		for _, child := range v {
			loosen(child)
		}
	}
}

// loosenSchema puts the words of JSON Schema 2020-12 into those of 3.0.
func loosenSchema(s object) {
	if types, ok := s["type"].(list); ok { // ["number", "null"]
		for _, t := range types {
			if t == "null" {
				s["nullable"] = true
			} else {
				s["type"] = t
			}
		}
	}
	if value, ok := s["const"]; ok {
		delete(s, "const")
		s["enum"] = list{value}
		if _, text := value.(string); text && s["type"] == nil {
			s["type"] = "string"
		}
		if _, truth := value.(bool); truth && s["type"] == nil {
			s["type"] = "boolean"
		}
	}
	if s["type"] == "array" {
		delete(s, "prefixItems")
		if s["items"] == nil {
			s["items"] = object{}
		}
	}
	if examples, ok := s["examples"].(list); ok { // of a schema; those of a media type are an object
		delete(s, "examples")
		if len(examples) > 0 {
			s["example"] = examples[0]
		}
	}
	if s["contentMediaType"] != nil {
		delete(s, "contentMediaType")
		s["format"] = "binary"
	}
}
