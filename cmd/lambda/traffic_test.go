package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The emulator takes any weight and any version, so what the template makes of the traffic parameters is held against
// Lambda's own rules here.
func TestTemplateTraffic(t *testing.T) {
	needs, differs := "A NextWeight above 0 needs a NextVersion.", "NextVersion must not be LiveVersion while NextWeight is above 0."
	tests := []struct {
		name    string
		given   map[string]string
		version string
		weights string // as printed: [] or one of version and weight
		refused string // by this rule
	}{
		{"a first deployment", nil, "1", "[]", ""},
		{"ten percent", map[string]string{"LiveVersion": "1", "NextVersion": "2", "NextWeight": "0.1"}, "1", "[map[FunctionVersion:2 FunctionWeight:0.1]]", ""},
		{"everything by weight", map[string]string{"LiveVersion": "1", "NextVersion": "2", "NextWeight": "1"}, "1", "[map[FunctionVersion:2 FunctionWeight:1]]", ""},
		{"promoted, NextVersion remembered", map[string]string{"LiveVersion": "2", "NextVersion": "2", "NextWeight": "0"}, "2", "[]", ""},
		{"back", map[string]string{"LiveVersion": "1", "NextVersion": "2", "NextWeight": "0"}, "1", "[]", ""},
		{"a weight for nothing", map[string]string{"NextWeight": "0.1"}, "", "", needs},
		{"a weight for live itself", map[string]string{"LiveVersion": "2", "NextVersion": "2", "NextWeight": "0.1"}, "", "", differs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := readStack(t, tt.given)
			if got := s.refused(); got != tt.refused {
				t.Fatalf("the rules say %q, want %q", got, tt.refused)
			}
			if tt.refused != "" {
				return
			}
			s.expect(t, "LiveAlias.Properties.Name", "live")
			s.expect(t, "LiveAlias.Properties.FunctionName", "map[Ref:MlServiceFunction]")
			s.expect(t, "LiveAlias.Properties.FunctionVersion", tt.version)
			s.expect(t, "LiveAlias.Properties.RoutingConfig.AdditionalVersionWeights", tt.weights)
			s.expect(t, "LiveAlias.DependsOn", "MlServiceFunctionAliasnext")
			if err := lambdaTakes(s.at("LiveAlias", "Properties").(map[string]any)); err != nil {
				t.Error(err)
			}
		})
	}
}

// lambdaTakes says why Lambda would refuse an alias: its versions are published ones, one more at most, not the same
// twice, its weight from 0 to 1.
func lambdaTakes(alias map[string]any) error {
	published := regexp.MustCompile(`^[1-9][0-9]*$`)
	version := fmt.Sprint(alias["FunctionVersion"])
	if !published.MatchString(version) {
		return fmt.Errorf("version %s is not a published one", version)
	}
	weights := alias["RoutingConfig"].(map[string]any)["AdditionalVersionWeights"].([]any)
	if len(weights) > 1 {
		return fmt.Errorf("%d additional versions", len(weights))
	}
	for _, w := range weights {
		w := w.(map[string]any)
		next := fmt.Sprint(w["FunctionVersion"])
		if !published.MatchString(next) || next == version {
			return fmt.Errorf("additional version %s beside %s", next, version)
		}
		weight, err := strconv.ParseFloat(fmt.Sprint(w["FunctionWeight"]), 64)
		if err != nil || weight < 0 || weight > 1 {
			return fmt.Errorf("weight %v", w["FunctionWeight"])
		}
	}
	return nil
}

func TestTemplateRefusesParameters(t *testing.T) {
	parameters := readTemplate(t)["Parameters"].(map[string]any)
	for _, tt := range []struct{ name, value string }{
		{"LiveVersion", "$LATEST"}, {"LiveVersion", "0"}, {"LiveVersion", "live"}, {"LiveVersion", ""},
		{"NextVersion", "$LATEST"}, {"NextVersion", ""},
		{"NextWeight", "1.7"}, {"NextWeight", "-0.1"}, {"NextWeight", "ten"},
		{"Architecture", "amd64"}, {"Timeout", "30"}, {"MemorySize", "64"}, {"LogRetentionDays", "2"}, {"ReservedConcurrency", "-2"},
	} {
		if refusedValue(parameters[tt.name].(map[string]any), tt.value) == "" {
			t.Errorf("the template takes %s=%s", tt.name, tt.value)
		}
	}
}

// sam deploy --guided would write them down, and the next plain deployment would move users back.
func TestSamconfigNamesNoTrafficParameter(t *testing.T) {
	text, err := os.ReadFile("../../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	var settings []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			settings = append(settings, line)
		}
	}
	got := strings.Join(settings, "")
	for _, no := range []string{"parameter_overrides", "LiveVersion", "NextVersion", "NextWeight"} {
		if strings.Contains(got, no) {
			t.Errorf("samconfig.toml names %s", no)
		}
	}
	for _, yes := range []string{`stack_name = "ml-service"`, "resolve_s3 = true", `capabilities = "CAPABILITY_IAM"`, "confirm_changeset = false"} {
		if !strings.Contains(got, yes) {
			t.Errorf("samconfig.toml lacks %s", yes)
		}
	}
}
