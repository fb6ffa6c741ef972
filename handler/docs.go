package handler

import (
	"embed"
	"net/http"
	"path"

	"github.com/gin-gonic/gin"

	"ml-service/style"
)

// The page at /docs draws /openapi.json. It loads nothing but what is embedded here and the style sheet.
//
//go:embed docs
var docsFiles embed.FS

// docsPolicy lets the page load its own script and style and call its own service, and nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var docsTypes = map[string]string{
	"index.html": "text/html; charset=utf-8",
	"docs.css":   "text/css; charset=utf-8",
	"docs.js":    "text/javascript; charset=utf-8",
}

func (s *Service) routeDocs(g *gin.RouterGroup) {
	handleGet(g, "/docs", s.docs("index.html"))
	handleGet(g, "/docs/docs.css", s.docs("docs.css"))
	handleGet(g, "/docs/docs.js", s.docs("docs.js"))
}

// docsFile is one of the embedded files; the style sheet is the one of all pages.
func docsFile(name string) ([]byte, error) {
	if name == "docs.css" {
		return style.Sheet, nil
	}
	return docsFiles.ReadFile(path.Join("docs", name))
}

// docs answers with one of the embedded files.
func (s *Service) docs(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		body, err := docsFile(name)
		if err != nil {
			s.fail(c, err)
			return
		}
		h := c.Writer.Header()
		h["Content-Type"] = []string{docsTypes[name]}
		h["Content-Security-Policy"] = []string{docsPolicy}
		h["X-Content-Type-Options"] = []string{"nosniff"}
		h["Referrer-Policy"] = []string{"no-referrer"}
		h["Cache-Control"] = []string{"no-cache"}
		s.send(c, http.StatusOK, body, 0)
	}
}
