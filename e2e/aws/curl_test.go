package aws

import (
	"strings"
	"testing"

	"ml-service/e2e"
)

// curl asks the commands that the README shows for the container, at another address.
func curl(t *testing.T, m *machine, url, version, functionVersion string) {
	t.Helper()
	tests := []struct{ line, status, body string }{
		{`curl -s -i "$URL/health"`, "200", `{"status":"ok","version":"` + version + `"}`},
		{`curl -s -i "$URL/predict" -d '{"x":[0.4,-0.2,0.1]}'`, "200", `{"prediction":1.0,"confidence":0.603,"version":"` + version + `"}`},
		{`curl -s -i "$URL/predict" -d '{"x":[[0.4,-0.2,0.1],[0.4,-0.2,0.1]]}'`, "200", `{"predictions":[{"prediction":1.0,"confidence":0.603},{"prediction":1.0,"confidence":0.603}],"version":"` + version + `"}`},
		{`curl -s -i "$URL/predict" -d '{"x":[0.4,"a",0.1]}'`, "422", `"field":"x[1]"`},
		{`curl -s -i "$URL/predict" -d '{"x":'`, "400", `{"error":"`},
		{`curl -s -i "$URL/nothing"`, "404", `{"error":"`},
	}
	for _, tt := range tests {
		out := e2e.Command{Dir: m.dir, Env: append(m.env, "URL="+url)}.Output(t, "bash", "-euo", "pipefail", "-c", tt.line)
		head, body, _ := strings.Cut(strings.ReplaceAll(out, "\r\n", "\n"), "\n\n")
		protocol, status, _ := strings.Cut(head, " ")
		if !strings.HasPrefix(protocol, "HTTP/") || !strings.HasPrefix(status, tt.status) || !strings.Contains(body, tt.body) {
			t.Errorf("%s answered\n%s\nwant %s with %s", tt.line, out, tt.status, tt.body)
		}
		for name, want := range map[string]string{"x-model-version": version, "x-function-version": functionVersion} {
			if !strings.Contains(strings.ToLower(head)+"\n", name+": "+strings.ToLower(want)+"\n") {
				t.Errorf("%s: no %s: %s in\n%s", tt.line, name, want, head)
			}
		}
	}
}
