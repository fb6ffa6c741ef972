package api

import _ "embed" // the document

//go:embed openapi.json
var document []byte
