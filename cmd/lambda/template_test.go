package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// stack is template.yaml as CloudFormation reads it with a set of parameters.
type stack struct {
	template   map[string]any
	parameters map[string]string
}

// readStack reads template.yaml as plain YAML. A parameter that is not given has its default; one that the template
// does not accept ends the test.
func readStack(t *testing.T, given map[string]string) *stack {
	t.Helper()
	s := &stack{template: readTemplate(t), parameters: map[string]string{}}
	for name, p := range s.template["Parameters"].(map[string]any) {
		p := p.(map[string]any)
		value, isGiven := given[name]
		if !isGiven {
			value = fmt.Sprint(p["Default"])
		}
		if why := refusedValue(p, value); why != "" {
			t.Fatalf("parameter %s=%s: %s", name, value, why)
		}
		s.parameters[name] = value
	}
	for name := range given {
		if _, known := s.parameters[name]; !known {
			t.Fatalf("the template has no parameter %s", name)
		}
	}
	return s
}

func readTemplate(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Docs) != 1 {
		t.Fatalf("template.yaml has %d documents, want 1", len(file.Docs))
	}
	return plain(t, file.Docs[0].Body).(map[string]any)
}

// plain turns YAML into maps, slices and scalars; !Sub x becomes {"Fn::Sub": x}, !Ref x {"Ref": x}.
func plain(t *testing.T, node ast.Node) any {
	t.Helper()
	switch n := node.(type) {
	case *ast.MappingNode:
		m := map[string]any{}
		for _, v := range n.Values {
			m[v.Key.String()] = plain(t, v.Value)
		}
		return m
	case *ast.MappingValueNode:
		return map[string]any{n.Key.String(): plain(t, n.Value)}
	case *ast.SequenceNode:
		list := []any{}
		for _, v := range n.Values {
			list = append(list, plain(t, v))
		}
		return list
	case *ast.TagNode:
		name := strings.TrimPrefix(n.Start.Value, "!")
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return map[string]any{name: plain(t, n.Value)}
	case ast.ScalarNode:
		return n.GetValue()
	}
	t.Fatalf("template.yaml: %T at %s", node, node.GetPath())
	return nil
}

// refusedValue says why CloudFormation would not take value for parameter p; "" if it would.
func refusedValue(p map[string]any, value string) string {
	if pattern, ok := p["AllowedPattern"].(string); ok && !regexp.MustCompile("^(?:"+pattern+")$").MatchString(value) {
		return "does not match " + pattern
	}
	if allowed, ok := p["AllowedValues"].([]any); ok && !slices.ContainsFunc(allowed, func(a any) bool { return fmt.Sprint(a) == value }) {
		return fmt.Sprintf("not one of %v", allowed)
	}
	if p["Type"] != "Number" {
		return ""
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return "not a number"
	}
	for _, bound := range []struct {
		name string
		sign float64
	}{{"MinValue", 1}, {"MaxValue", -1}} {
		if limit, ok := p[bound.name]; ok {
			l, err := strconv.ParseFloat(fmt.Sprint(limit), 64)
			if err != nil || (number-l)*bound.sign < 0 {
				return fmt.Sprintf("%s is %v", bound.name, limit)
			}
		}
	}
	return ""
}

// noValue is what AWS::NoValue stands for: the member is not there.
type noValue struct{}

// eval resolves parameters and conditions in v; what names a resource (Ref, GetAtt, Sub) stays as it is.
func (s *stack) eval(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			if e = s.eval(e); e != (noValue{}) {
				out = append(out, e)
			}
		}
		return out
	case map[string]any:
		for name, arg := range v {
			if len(v) > 1 {
				break
			}
			if out, ok := s.call(name, arg); ok {
				return out
			}
		}
		out := map[string]any{}
		for name, e := range v {
			if e = s.eval(e); e != (noValue{}) {
				out[name] = e
			}
		}
		return out
	}
	return v
}

func (s *stack) call(name string, arg any) (any, bool) {
	args, _ := arg.([]any)
	switch name {
	case "Ref":
		if arg == "AWS::NoValue" {
			return noValue{}, true
		}
		value, ok := s.parameters[arg.(string)]
		return value, ok
	case "Condition":
		return s.eval(s.template["Conditions"].(map[string]any)[arg.(string)]), true
	case "Fn::If":
		if s.eval(map[string]any{"Condition": args[0]}).(bool) {
			return s.eval(args[1]), true
		}
		return s.eval(args[2]), true
	case "Fn::Equals":
		return fmt.Sprint(s.eval(args[0])) == fmt.Sprint(s.eval(args[1])), true
	case "Fn::Not":
		return !s.eval(args[0]).(bool), true
	case "Fn::And":
		return !slices.ContainsFunc(args, func(a any) bool { return !s.eval(a).(bool) }), true
	case "Fn::Join":
		list, ok := s.eval(args[1]).(string) // a list's parameter, which is given as CloudFormation gets it
		return strings.ReplaceAll(list, ",", args[0].(string)), ok
	case "Fn::Contains":
		list, ok := s.eval(args[0]).(string) // as in Join
		return slices.Contains(strings.Split(list, ","), args[1].(string)), ok
	case "Fn::Or":
		return slices.ContainsFunc(args, func(a any) bool { return s.eval(a).(bool) }), true
	}
	return nil, false
}

// refused returns the description of the first rule that does not hold; "" if all hold.
func (s *stack) refused() string {
	for _, rule := range s.template["Rules"].(map[string]any) {
		for _, a := range rule.(map[string]any)["Assertions"].([]any) {
			a := a.(map[string]any)
			if !s.eval(a["Assert"]).(bool) {
				return a["AssertDescription"].(string)
			}
		}
	}
	return ""
}

// at returns what stands at a path of names below Resources, resolved; nil if nothing does.
func (s *stack) at(path ...string) any {
	v := s.template["Resources"]
	for _, name := range path {
		m, ok := s.eval(v).(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return s.eval(v)
}

// expect compares what stands at a dotted path below Resources, printed, with want.
func (s *stack) expect(t *testing.T, path, want string) {
	t.Helper()
	if got := fmt.Sprint(s.at(strings.Split(path, ".")...)); got != want {
		t.Errorf("%s is %s, want %s", path, got, want)
	}
}

func TestTemplateFunction(t *testing.T) {
	s := readStack(t, nil)
	for path, want := range map[string]string{
		"MlServiceFunction.Metadata.BuildMethod":                               "makefile",
		"MlServiceFunction.Properties.Handler":                                 "bootstrap",
		"MlServiceFunction.Properties.Runtime":                                 "provided.al2023",
		"MlServiceFunction.Properties.Architectures":                           "[arm64]",
		"MlServiceFunction.Properties.AutoPublishAlias":                        "next",
		"MlServiceFunction.Properties.Role":                                    "map[Fn::GetAtt:Role.Arn]",
		"MlServiceFunction.Properties.LoggingConfig.LogGroup":                  "map[Ref:LogGroup]",
		"MlServiceFunction.Properties.Environment.Variables.METRICS_NAMESPACE": "ml-service",
		"MlServiceFunction.Properties.Tracing":                                 "PassThrough",
		"LogGroup.Properties.RetentionInDays":                                  "30",
		// No reservation; no fixed name, which would go on counting versions; weights and never CodeDeploy.
		"MlServiceFunction.Properties.ReservedConcurrentExecutions": "<nil>",
		"MlServiceFunction.Properties.FunctionName":                 "<nil>",
		"MlServiceFunction.Properties.DeploymentPreference":         "<nil>",
		"MlServiceFunction.Properties.Events":                       "<nil>",
		"MlServiceFunction.Properties.FunctionUrlConfig":            "<nil>",
	} {
		s.expect(t, path, want)
	}
	given := readStack(t, map[string]string{"ReservedConcurrency": "5", "MemorySize": "512", "Timeout": "3", "Architecture": "x86_64", "LogRetentionDays": "7"})
	for path, want := range map[string]string{
		"MlServiceFunction.Properties.ReservedConcurrentExecutions": "5",
		"MlServiceFunction.Properties.MemorySize":                   "512",
		"MlServiceFunction.Properties.Timeout":                      "3",
		"MlServiceFunction.Properties.Architectures":                "[x86_64]",
		"LogGroup.Properties.RetentionInDays":                       "7",
	} {
		given.expect(t, path, want)
	}
	if _, ok := s.template["Globals"]; ok {
		t.Error("the template has Globals, which this test does not read")
	}
}

func TestTemplateRoutesUsersThroughLive(t *testing.T) {
	s := readStack(t, nil)
	route := "HttpApi.Properties.DefinitionBody.paths.$default.x-amazon-apigateway-any-method."
	for path, want := range map[string]string{
		"HttpApi.DependsOn": "LiveAlias",
		"HttpApi.Properties.DefaultRouteSettings.ThrottlingRateLimit":  "100",
		"HttpApi.Properties.DefaultRouteSettings.ThrottlingBurstLimit": "200",
		route + "isDefaultRoute":                                       "true",
		route + "x-amazon-apigateway-integration.type":                 "aws_proxy",
		route + "x-amazon-apigateway-integration.payloadFormatVersion": "2.0",
		route + "x-amazon-apigateway-integration.uri":                  "map[Fn::Sub:arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${MlServiceFunction.Arn}:live/invocations]",
		"HttpApiPermission.Properties.Action":                          "lambda:InvokeFunction",
		"HttpApiPermission.Properties.FunctionName":                    "map[Ref:LiveAlias]",
		"HttpApiPermission.Properties.Principal":                       "apigateway.amazonaws.com",
		"HttpApiPermission.Properties.SourceArn":                       "map[Fn::Sub:arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/*]",
	} {
		s.expect(t, path, want)
	}
	paths := s.at("HttpApi", "Properties", "DefinitionBody", "paths").(map[string]any)
	if len(paths) != 1 {
		t.Errorf("the API has the paths %v, want $default alone", paths)
	}
	kinds := s.kinds()
	want := map[string]int{
		"AWS::Serverless::Function": 1, "AWS::Serverless::HttpApi": 1, "AWS::Lambda::Alias": 1, "AWS::Lambda::Permission": 1,
		"AWS::IAM::Role": 1, "AWS::Logs::LogGroup": 1, "AWS::CloudWatch::Alarm": 9,
	}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("resources %v, want %v: another way in or another permission belongs into this test", kinds, want)
	}
}

// kinds counts the resources that the parameters ask for, by type.
func (s *stack) kinds() map[string]int {
	kinds := map[string]int{}
	for _, r := range s.template["Resources"].(map[string]any) {
		r := r.(map[string]any)
		if condition, ok := r["Condition"]; ok && !s.eval(map[string]any{"Condition": condition}).(bool) {
			continue
		}
		kinds[r["Type"].(string)]++
	}
	return kinds
}

// Each option by itself: off by default, and on it is what AWS wants.
func TestTemplateOptions(t *testing.T) {
	const route, door = "HttpApi.Properties.DefinitionBody.", "HttpApi.Properties.DefinitionBody.paths.$default.x-amazon-apigateway-any-method."
	const variables, paths = "MlServiceFunction.Properties.Environment.Variables.", route + "paths."
	preflight := map[string]string{}
	for _, path := range []string{"/", "/{proxy+}"} {
		integration := paths + path + ".options.x-amazon-apigateway-integration."
		preflight[integration+"type"], preflight[integration+"payloadFormatVersion"] = "aws_proxy", "2.0"
		preflight[integration+"uri"] = "map[Fn::Sub:arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${MlServiceFunction.Arn}:live/invocations]"
		preflight[paths+path+".options.security"], preflight[paths+path+".options.x-amazon-apigateway-auth"] = "<nil>", "<nil>"
	}
	tests := []struct {
		name    string
		given   map[string]string
		off, on map[string]string // what stands at a path without and with the option
		more    map[string]int    // resources beyond, or short of, those of the default
	}{
		{"JWT", map[string]string{"Auth": "jwt", "JwtIssuer": "https://issuer.example.com", "JwtAudience": "a,b"},
			map[string]string{door + "security": "[]", route + "components": "<nil>"},
			map[string]string{door + "security": "[map[jwt:[]]]",
				route + "components.securitySchemes.jwt.x-amazon-apigateway-authorizer.type":                      "jwt",
				route + "components.securitySchemes.jwt.x-amazon-apigateway-authorizer.jwtConfiguration.issuer":   "https://issuer.example.com",
				route + "components.securitySchemes.jwt.x-amazon-apigateway-authorizer.jwtConfiguration.audience": "a,b"}, nil},
		{"IAM", map[string]string{"Auth": "iam"},
			map[string]string{door + "x-amazon-apigateway-auth": "<nil>"}, map[string]string{door + "x-amazon-apigateway-auth.type": "AWS_IAM"}, nil},
		{"CORS", map[string]string{"CorsOrigins": "https://a.example.com"},
			map[string]string{route + "x-amazon-apigateway-cors": "<nil>"}, map[string]string{route + "x-amazon-apigateway-cors.allowOrigins": "https://a.example.com"}, nil},
		// Each path has a route for the preflight, which nobody has to sign.
		{"CORS with a JWT", map[string]string{"CorsOrigins": "https://a.example.com", "Auth": "jwt", "JwtIssuer": "https://issuer.example.com", "JwtAudience": "a"},
			map[string]string{paths + "/": "<nil>", paths + "/{proxy+}": "<nil>"}, preflight, nil},
		{"CORS with IAM", map[string]string{"CorsOrigins": "*", "Auth": "iam"}, nil, preflight, nil},
		{"CORS for all", map[string]string{"CorsOrigins": "*"}, nil, map[string]string{paths + "/": "<nil>", paths + "/{proxy+}": "<nil>"}, nil},
		{"a domain below a path", map[string]string{"DomainName": "ml.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/c", "BasePath": "ml"},
			map[string]string{variables + "API_MAPPING": "<nil>"},
			map[string]string{variables + "API_MAPPING": "ml", "DomainMapping.Properties.ApiMappingKey": "ml", "Domain.Properties.DomainName": "ml.example.com"},
			map[string]int{"AWS::ApiGatewayV2::DomainName": 1, "AWS::ApiGatewayV2::ApiMapping": 1}},
		{"a Function URL", map[string]string{"FrontDoor": "url"}, nil,
			map[string]string{"Url.Properties.Qualifier": "live", "Url.Properties.AuthType": "NONE"},
			map[string]int{"AWS::Serverless::HttpApi": -1, "AWS::Lambda::Url": 1, "AWS::Lambda::Permission": 1}},
		{"a Function URL with IAM", map[string]string{"FrontDoor": "url", "Auth": "iam"}, nil,
			map[string]string{"Url.Properties.AuthType": "AWS_IAM"},
			map[string]int{"AWS::Serverless::HttpApi": -1, "AWS::Lambda::Url": 1, "AWS::Lambda::Permission": -1}},
		{"warm instances", map[string]string{"ProvisionedConcurrency": "2"},
			map[string]string{"LiveAlias.Properties.ProvisionedConcurrencyConfig": "<nil>"},
			map[string]string{"LiveAlias.Properties.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions": "2", "LiveAlias.Properties.RoutingConfig": "<nil>"}, nil},
		{"a VPC", map[string]string{"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"},
			map[string]string{"MlServiceFunction.Properties.VpcConfig": "<nil>"},
			map[string]string{"MlServiceFunction.Properties.VpcConfig.SubnetIds": "subnet-1,subnet-2", "MlServiceFunction.Properties.VpcConfig.SecurityGroupIds": "sg-1"}, nil},
		{"a model from S3", map[string]string{"ModelBucket": "mine", "EphemeralStorage": "1024"},
			map[string]string{"MlServiceFunction.Properties.EphemeralStorage.Size": "512"},
			map[string]string{"MlServiceFunction.Properties.EphemeralStorage.Size": "1024"}, nil},
		{"a record of requests", map[string]string{"RecordSample": "0.1", "RecordOmit": "email,hash:customer"},
			map[string]string{variables + "RECORD_DIR": "<nil>", variables + "RECORD_SAMPLE": "<nil>", variables + "RECORD_OMIT": "<nil>"},
			map[string]string{variables + "RECORD_DIR": "log", variables + "RECORD_SAMPLE": "0.1", variables + "RECORD_OMIT": "email,hash:customer"}, nil},
		{"an access log", map[string]string{"AccessLog": "on"},
			map[string]string{"HttpApi.Properties.AccessLogSettings": "<nil>"},
			map[string]string{"HttpApi.Properties.AccessLogSettings.DestinationArn": "map[Fn::GetAtt:AccessLogGroup.Arn]"}, map[string]int{"AWS::Logs::LogGroup": 1}},
		{"no metrics, by name", map[string]string{"MetricsNamespace": "none"}, nil,
			map[string]string{"MlServiceFunction.Properties.Environment.Variables.METRICS_NAMESPACE": ""}, map[string]int{"AWS::CloudWatch::Alarm": -4}},
		{"no metrics", map[string]string{"MetricsNamespace": ""}, nil,
			map[string]string{"MlServiceFunction.Properties.Environment.Variables.METRICS_NAMESPACE": ""}, map[string]int{"AWS::CloudWatch::Alarm": -4}},
		{"a dashboard", map[string]string{"Dashboard": "on"}, nil, nil, map[string]int{"AWS::CloudWatch::Dashboard": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			off, on := readStack(t, nil), readStack(t, tt.given)
			if why := on.refused(); why != "" {
				t.Fatalf("refused: %s", why)
			}
			for path, want := range tt.off {
				off.expect(t, path, want)
			}
			for path, want := range tt.on {
				on.expect(t, path, want)
			}
			want := off.kinds()
			for kind, n := range tt.more {
				if want[kind] += n; want[kind] == 0 {
					delete(want, kind)
				}
			}
			if got := on.kinds(); !reflect.DeepEqual(got, want) {
				t.Errorf("resources %v, want %v", got, want)
			}
		})
	}
	for _, given := range []map[string]string{
		{"Auth": "jwt", "JwtAudience": "a"}, {"Auth": "jwt", "JwtIssuer": "https://i.example.com"}, {"Auth": "jwt", "JwtIssuer": "https://i.example.com", "JwtAudience": "a", "FrontDoor": "url"}, {"DomainName": "ml.example.com"}, {"BasePath": "ml"},
		{"AccessLog": "on", "FrontDoor": "url"}, {"ProvisionedConcurrency": "1", "NextVersion": "2", "NextWeight": "0.1"}, {"Dashboard": "on", "MetricsNamespace": ""},
	} {
		if readStack(t, given).refused() == "" {
			t.Errorf("%v is taken, want it refused", given)
		}
	}
}

func TestTemplateAlarmsWatchUsers(t *testing.T) {
	s := readStack(t, map[string]string{"AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:ops"})
	const function = "map[Name:FunctionName Value:map[Ref:MlServiceFunction]]"
	live, ours := "["+function+" map[Name:Resource Value:map[Fn::Sub:${MlServiceFunction}:live]]]", "["+function+" map[Name:Alias Value:live]]"
	for alarm, want := range map[string][3]string{
		"LiveErrorAlarm":    {"ml-service", "Errors5xx", ours},
		"LiveLatencyAlarm":  {"ml-service", "Latency", ours},
		"LiveCrashAlarm":    {"AWS/Lambda", "Errors", live},
		"LiveThrottleAlarm": {"AWS/Lambda", "Throttles", live},
		"UrlErrorAlarm":     {"AWS/Lambda", "Url5xxCount", live},
		"ApiErrorAlarm":     {"AWS/ApiGateway", "5xx", "[map[Name:ApiId Value:map[Ref:HttpApi]]]"},
		"NextCrashAlarm":    {"AWS/Lambda", "Errors", "[" + function + " map[Name:Resource Value:map[Fn::Sub:${MlServiceFunction}:next]]]"},
	} {
		s.expect(t, alarm+".Properties.Namespace", want[0])
		s.expect(t, alarm+".Properties.MetricName", want[1])
		s.expect(t, alarm+".Properties.Dimensions", want[2])
		s.expect(t, alarm+".Properties.AlarmActions", "[arn:aws:sns:eu-central-1:123456789012:ops]")
	}
}

func TestTemplateRoleMayOnlyLog(t *testing.T) {
	logs := "map[PolicyDocument:map[Statement:[map[Action:[logs:CreateLogStream logs:PutLogEvents] Effect:Allow Resource:map[Fn::GetAtt:LogGroup.Arn]]] Version:2012-10-17] PolicyName:logs]"
	traces := "map[PolicyDocument:map[Statement:[map[Action:[xray:PutTraceSegments xray:PutTelemetryRecords] Effect:Allow Resource:*]] Version:2012-10-17] PolicyName:traces]"
	readStack(t, nil).expect(t, "Role.Properties.Policies", "["+logs+"]")
	readStack(t, map[string]string{"Tracing": "Active"}).expect(t, "Role.Properties.Policies", "["+logs+" "+traces+"]")
	model := "map[PolicyDocument:map[Statement:[map[Action:s3:GetObject Effect:Allow Resource:map[Fn::Sub:arn:${AWS::Partition}:s3:::${ModelBucket}/*]]] Version:2012-10-17] PolicyName:model]"
	readStack(t, map[string]string{"ModelBucket": "mine"}).expect(t, "Role.Properties.Policies", "["+logs+" "+model+"]")
	s := readStack(t, nil)
	s.expect(t, "Role.Properties.ManagedPolicyArns", "<nil>")
	s.expect(t, "Role.Properties.AssumeRolePolicyDocument.Statement", "[map[Action:sts:AssumeRole Effect:Allow Principal:map[Service:lambda.amazonaws.com]]]")
	s.expect(t, "MlServiceFunction.Properties.Policies", "<nil>")
}

func TestTemplateAlarmsWatchTheNewestVersion(t *testing.T) {
	s := readStack(t, map[string]string{"AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:ops"})
	newest := "Value:map[Fn::GetAtt:MlServiceFunction.Version.Version]"
	function := "map[Name:FunctionName Value:map[Ref:MlServiceFunction]]"
	ours := "[" + function + " map[Name:FunctionVersion " + newest + "]]"
	for path, want := range map[string]string{
		"ErrorAlarm.Properties.Namespace":           "ml-service",
		"ErrorAlarm.Properties.MetricName":          "Errors5xx",
		"ErrorAlarm.Properties.Statistic":           "Sum",
		"ErrorAlarm.Properties.Dimensions":          ours,
		"ErrorAlarm.Properties.AlarmActions":        "[arn:aws:sns:eu-central-1:123456789012:ops]",
		"CrashAlarm.Properties.Namespace":           "AWS/Lambda",
		"CrashAlarm.Properties.MetricName":          "Errors",
		"CrashAlarm.Properties.Dimensions":          "[" + function + " map[Name:Resource Value:map[Fn::Sub:${MlServiceFunction}:live]] map[Name:ExecutedVersion " + newest + "]]",
		"LatencyAlarm.Properties.Namespace":         "ml-service",
		"LatencyAlarm.Properties.MetricName":        "Latency",
		"LatencyAlarm.Properties.Dimensions":        ours,
		"LatencyAlarm.Properties.ExtendedStatistic": "p99",
		"LatencyAlarm.Properties.AlarmActions":      "[arn:aws:sns:eu-central-1:123456789012:ops]",
	} {
		s.expect(t, path, want)
	}
	readStack(t, nil).expect(t, "ErrorAlarm.Properties.AlarmActions", "<nil>")
}

func TestTemplateOutputs(t *testing.T) {
	outputs := readStack(t, nil).template["Outputs"].(map[string]any)
	for name, want := range map[string]string{
		"Url":           "map[Fn::If:[ByApi map[Fn::Sub:https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}] map[Fn::GetAtt:Url.FunctionUrl]]]",
		"FunctionName":  "map[Ref:MlServiceFunction]",
		"LiveAliasArn":  "map[Ref:LiveAlias]",
		"NextAliasArn":  "map[Ref:MlServiceFunction.Alias]",
		"NewestVersion": "map[Fn::GetAtt:MlServiceFunction.Version.Version]",
	} {
		if got := fmt.Sprint(outputs[name].(map[string]any)["Value"]); got != want {
			t.Errorf("output %s is %s, want %s", name, got, want)
		}
	}
}

// Whoever sets a parameter finds it in docs/lambda.md, in a row of a table.
func TestTemplateParametersAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/lambda.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `") {
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			rows = append(rows, name)
		}
	}
	for name := range readTemplate(t)["Parameters"].(map[string]any) {
		named := regexp.MustCompile("`" + name + "[`=]")
		if !slices.ContainsFunc(rows, named.MatchString) {
			t.Errorf("docs/lambda.md has no row for the parameter %s", name)
		}
	}
}
