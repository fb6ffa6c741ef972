package handler

import (
	"net/http"
	"path"

	"github.com/gin-gonic/gin"
)

func (s *Service) router() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.ForwardedByClientIP = false
	_ = e.SetTrustedProxies(nil) // an empty list has no entry that could be wrong
	e.Use(s.around)
	e.NoRoute(s.noRoute)
	e.NoMethod(s.noMethod)
	s.signature = signatureOf(s.model, s.strict)
	s.routes(&e.RouterGroup)
	if s.base != "" { // whoever is in front may take the prefix off, or leave it
		g := e.Group(s.base)
		handleGet(g, "", redirect(path.Base(s.base)+"/docs"))
		s.routes(g)
	}
	return e
}

// routes adds every route to a group: that of the root, and that of BASE_PATH.
func (s *Service) routes(g *gin.RouterGroup) {
	handleGet(g, "/health", s.health)
	handleGet(g, "/readyz", s.health)
	handleGet(g, "/livez", func(c *gin.Context) { s.write(c, http.StatusOK, s.ok) })
	predict := s.predict
	if s.aip.predict == "/predict" { // both at one address: rows by x are answered alike
		predict = s.invoke
	}
	g.POST("/predict", predict)
	g.POST("/predict/", predict)
	if s.metrics != nil {
		handleGet(g, "/metrics", gin.WrapH(s.metrics))
	}
	s.routeV2(g)
	s.routePlatforms(g)
	s.routeOpenAPI(g)
	s.routeDocs(g)
	handleGet(g, "/", redirect("docs"))
	handleGet(g, "/docs/", redirect("../docs"))
}

// handleGet adds a route for GET, and for HEAD, to which net/http sends the header alone.
func handleGet(g gin.IRoutes, path string, handlers ...gin.HandlerFunc) {
	g.GET(path, handlers...)
	g.HEAD(path, handlers...)
}

// redirect sends the caller to an address relative to the one that was asked for, which is right behind a prefix too.
func redirect(to string) gin.HandlerFunc {
	location := []string{to}
	return func(c *gin.Context) {
		c.Writer.Header()["Location"] = location
		c.Writer.WriteHeader(http.StatusFound)
	}
}

// noMethod answers a method that a path does not have. The router has put those that it has into Allow.
func (s *Service) noMethod(c *gin.Context) {
	if methods, ok := s.v1Methods(c.Request.URL.Path); ok {
		c.Writer.Header()["Allow"] = methods
	}
	if c.Request.Method != http.MethodOptions {
		s.fail(c, errMethod)
		return
	}
	h := c.Writer.Header()
	if h["Access-Control-Allow-Origin"] != nil && c.Request.Header["Access-Control-Request-Method"] != nil {
		h["Access-Control-Allow-Methods"] = h["Allow"]
		h["Access-Control-Allow-Headers"] = corsHeaders
		h["Access-Control-Max-Age"] = corsAge
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}
