// Package models embeds the demo models, one folder a version, as train.py beside it wrote them.
package models

import "embed"

// FS holds <version>/model.onnx and <version>/golden.json for every embedded version.
//
//go:embed v*/model.onnx v*/golden.json
var FS embed.FS
