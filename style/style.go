// Package style is the one style sheet of the pages: /docs of the service, and the page of rollout. It loads nothing.
package style

import _ "embed" // the sheet

// Sheet is the text of the style sheet, light and dark.
//
//go:embed style.css
var Sheet []byte
