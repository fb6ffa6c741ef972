package handler

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// What a page of another origin may send and read, where CORS_ORIGINS lets it call at all.
var (
	corsHeaders = []string{"Authorization, Content-Encoding, Content-Type, Inference-Header-Content-Length, Traceparent, X-Request-Id"}
	corsExposed = []string{"Inference-Header-Content-Length, Retry-After, X-Color, X-Model-Version, X-Request-Id"}
	corsAge     = []string{"600"} // seconds
	anyOrigin   = []string{"*"}
	varyOrigin  = []string{"Origin"}
)

// allowOrigin tells a browser that a page of the request's origin may read the answer, where it may.
func (s *Service) allowOrigin(r *http.Request, h http.Header) {
	allowed := anyOrigin
	if s.origins[0] != "*" {
		h["Vary"] = varyOrigin
		allowed = r.Header["Origin"]
		if len(allowed) != 1 || !slices.Contains(s.origins, allowed[0]) {
			return
		}
	}
	h["Access-Control-Allow-Origin"] = allowed
	h["Access-Control-Expose-Headers"] = corsExposed
}

// parseOrigins reads CORS_ORIGINS: origins with commas between them, or * for any.
func parseOrigins(v string) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	origins := strings.Split(v, ",")
	for i, o := range origins {
		o = strings.TrimSpace(o)
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil) {
			return nil, errors.New("want origins as https://example.org with commas between them, or *")
		}
		if o == "*" && len(origins) > 1 {
			return nil, errors.New("want * alone, or origins")
		}
		origins[i] = o
	}
	return origins, nil
}
