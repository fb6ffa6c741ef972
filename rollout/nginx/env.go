package nginx

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"ml-service/rollout"
)

const envName = ".env"

// variables are the names in .env that say what a colour runs, and what compose takes where they are missing.
func variables(side rollout.Side) (image, version string) {
	upper := strings.ToUpper(string(side))
	return upper + "_IMAGE", upper + "_VERSION"
}

var envDefaults = map[string]string{
	"BLUE_IMAGE": "ml-service:v1", "GREEN_IMAGE": "ml-service:v1", "BLUE_VERSION": "v1.0.0", "GREEN_VERSION": "v1.1.0",
	"MODEL_DIR": "./models", "BIND": "127.0.0.1",
}

// readEnv reads .env; a missing one is empty.
func readEnv(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// envValue gives a variable as compose would: the last line that sets it, else compose's default.
func envValue(text, name string) string {
	value, ok := "", false
	for line := range strings.Lines(text) {
		if n, v := envLine(line); n == name {
			value, ok = v, true
		}
	}
	if !ok || value == "" {
		return envDefaults[name]
	}
	return value
}

// envLine takes a line apart; name is "" for one that sets nothing.
func envLine(line string) (name, value string) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", ""
	}
	name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	if !ok {
		return "", ""
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	for _, quote := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(value, quote); ok {
			if end := strings.Index(inner, quote); end >= 0 {
				return name, inner[:end]
			}
		}
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	return name, value
}

// withEnv sets a variable: in the last line that does so already, or in a new one. All other lines stay as they are.
func withEnv(text, name, value string) string {
	lines := strings.SplitAfter(text, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if n, _ := envLine(lines[i]); n == name {
			end := lines[i][len(strings.TrimRight(lines[i], "\r\n")):]
			lines[i] = name + "=" + value + end
			return strings.Join(lines, "")
		}
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + name + "=" + value + "\n"
}
