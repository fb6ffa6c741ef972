package api

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAuditNamesTheRouteOfARefusedCall, which never came to its route; what is no route is not written down.
func TestAuditNamesTheRouteOfARefusedCall(t *testing.T) {
	inner, outer := http.NewServeMux(), http.NewServeMux()
	inner.HandleFunc("POST /rollback", func(http.ResponseWriter, *http.Request) { t.Error("it came through") })
	outer.Handle("/", inner)
	var log bytes.Buffer
	door := NewDoor(nil, nil, slog.New(slog.NewJSONHandler(&log, nil)))
	for path, want := range map[string]string{"/rollback": `"path":"/rollback"`, "/secret-token": `"path":""`} {
		log.Reset()
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+path, nil)
		r.Header.Set("Origin", "https://evil.example")
		w := httptest.NewRecorder()
		door.Around(outer).ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(log.String(), want) {
			t.Errorf("%s: status %d, want in the audit %s: %s", path, w.Code, want, log.String())
		}
	}
}
