package aws

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// leftOut are the actions that CloudFormation's handlers may call for a property which template.yaml does not have: an action
// or the beginning of some, and the reason.
var leftOut = map[string]string{
	"codedeploy:":                        "no alias is moved by CodeDeploy",
	"elasticfilesystem:":                 "the function has no file system",
	"firehose:":                          "no log goes to Firehose",
	"iam:DeleteRolePermissionsBoundary":  "the function's role has no boundary",
	"iam:PutRolePermissionsBoundary":     "the function's role has no boundary",
	"iam:UpdateAssumeRolePolicy":         "the function's role is trusted by Lambda, in every version of the template",
	"iam:UpdateRole":                     "the function's role has no description and no length of a session",
	"kms:":                               "no key of the account's own",
	"lambda:AssociateRuntimeAlias":       "the runtime has no alias",
	"lambda:DeleteFunctionCodeSigning":   "the code is not signed",
	"lambda:GetCodeSigningConfig":        "the code is not signed",
	"lambda:GetLayerVersion":             "the function has no layers",
	"lambda:PassCapacityProvider":        "the function runs on Lambda's own machines",
	"lambda:PutFunctionCodeSigning":      "the code is not signed",
	"lambda:PutFunctionRecursionConfig":  "recursion is as Lambda has it",
	"lambda:PutFunctionScalingConfig":    "the function runs on Lambda's own machines",
	"lambda:PutRuntimeManagementConfig":  "the runtime is updated as Lambda does",
	"logs:AssociateKmsKey":               "no key of the account's own",
	"logs:DeleteDataProtectionPolicy":    "no data protection",
	"logs:DeleteIndexPolicy":             "no field is an index",
	"logs:DeleteResourcePolicy":          "the policy of the access log serves every API of the account",
	"logs:DisassociateKmsKey":            "no key of the account's own",
	"logs:PutBearerTokenAuthentication":  "no log is written with a token",
	"logs:PutDataProtectionPolicy":       "no data protection",
	"logs:PutIndexPolicy":                "no field is an index",
	"logs:PutLogGroupDeletionProtection": "sam delete deletes the logs",
	"s3:GetObjectVersion":                "the zip is named without a version",
	"s3:REST.PUT.OBJECT":                 "no log goes to S3",
	"s3files:":                           "the function has no file system",
}

// handlers prints, as JSON, what the two templates have: by type of a resource the actions of its handlers, as cfn-lint has them from
// CloudFormation's registry, and by role the actions that github-role.yaml allows.
const handlers = `
import json, pathlib, sys
import cfnlint.decode.cfn_yaml as decode
schemas = pathlib.Path(decode.__file__).parents[1] / "data" / "schemas"
ids = json.loads((schemas / "providers" / "us-east-1.json").read_text())
# What SAM makes of its types here; the function publishes versions behind an alias.
sam = {"AWS::Serverless::Function": ["AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"],
       "AWS::Serverless::HttpApi": ["AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"]}
needs = {}
for resource in decode.load("template.yaml")["Resources"].values():
    for kind in sam.get(resource["Type"], [resource["Type"]]):
        schema = json.loads((schemas / "resources" / (ids[kind] + ".json")).read_text())
        calls = [schema["handlers"].get(what, {}).get("permissions", []) for what in ("create", "read", "update", "delete")]
        needs[kind] = sorted(set(sum(calls, [])))
allowed = {}
def allow(role, policies):
    for policy in policies:
        policy = policy.get("Fn::If", [0, policy])[1]
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            allowed.setdefault(role, []).extend([actions] if isinstance(actions, str) else actions)
for name, resource in decode.load("deploy/aws/github-role.yaml")["Resources"].items():
    if resource["Type"] == "AWS::IAM::Role":
        allow(name, resource["Properties"]["Policies"])
    elif resource["Type"] == "AWS::IAM::Policy":
        allow(resource["Properties"]["Roles"][0]["Ref"], [resource["Properties"]])
json.dump({"needs": needs, "allowed": allowed}, sys.stdout)
`

// TestRolePermissions holds what github-role.yaml allows against what CloudFormation calls to make, read, change and delete the
// resources of template.yaml, and against what rollout and the scripts call.
func TestRolePermissions(t *testing.T) {
	script := filepath.Join(e2e.Root(t), "e2e", "aws", "ensure.sh")
	e2e.Command{Limit: 10 * time.Minute}.Output(t, script)
	python := strings.TrimSpace(e2e.Command{}.Output(t, "bash", "-euc", `readlink -f "${XDG_CACHE_HOME:-$HOME/.cache}/ml-service-aws/sam"`)) + "/bin/python"
	var found struct {
		Needs   map[string][]string
		Allowed map[string][]string
	}
	if err := json.Unmarshal([]byte(e2e.Command{Dir: e2e.Root(t)}.Output(t, python, "-c", handlers)), &found); err != nil {
		t.Fatal(err)
	}
	has := func(role, action string) bool {
		return slices.ContainsFunc(found.Allowed[role], func(a string) bool { return strings.EqualFold(a, action) })
	}

	used := map[string]bool{}
	checked := 0
	for kind, actions := range found.Needs {
		for _, action := range actions {
			if has("Change", action) {
				checked++
				continue
			}
			known := false
			for prefix := range leftOut {
				if strings.HasPrefix(action, prefix) {
					used[prefix], known = true, true
				}
			}
			if !known {
				t.Errorf("%s: CloudFormation may call %s: the role Change does not allow it, and leftOut does not say why", kind, action)
			}
		}
	}
	if len(found.Needs) < 12 || checked < 60 {
		t.Errorf("got %d types and %d actions that are allowed, want at least 12 and 60", len(found.Needs), checked)
	}
	for prefix := range leftOut {
		if !used[prefix] {
			t.Errorf("leftOut has %s, which is allowed or needed by nothing", prefix)
		}
	}

	calls := calledByUs(t)
	if len(calls) < 8 {
		t.Errorf("calls of rollout and of the scripts: got %v, want at least 8", slices.Sorted(maps.Keys(calls)))
	}
	for action, where := range calls {
		if !has("Deploy", action) {
			t.Errorf("%s calls %s, which the role Deploy does not allow", where, action)
		}
	}
	t.Logf("%d types, %d actions of their handlers; our own calls: %v", len(found.Needs), checked, slices.Sorted(maps.Keys(calls)))
}

// calledByUs are the actions that rollout calls by the SDK and the scripts by aws, with a file that does.
func calledByUs(t *testing.T) map[string]string {
	t.Helper()
	inGo := regexp.MustCompile(`&(lambda|cloudformation|cloudwatch)\.(\w+)Input\{`)
	inScripts := regexp.MustCompile(`\baws",? "?(lambda|cloudformation|cloudwatch)",? "?([a-z-]+)|\baws (lambda|cloudformation|cloudwatch) ([a-z-]+)`)
	camel := regexp.MustCompile(`(?:^|-)[a-z]`)
	calls := map[string]string{}
	for _, pattern := range []string{"rollout/awslambda/*.go", "deploy/aws/*.sh", "deploy/aws/*.py"} {
		files, err := filepath.Glob(filepath.Join(e2e.Root(t), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %d files", pattern, err, len(files))
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			call := inScripts
			if filepath.Ext(file) == ".go" { // whose sentences tell a person other commands of aws
				call = inGo
			}
			for _, m := range call.FindAllStringSubmatch(string(text), -1) {
				words := slices.DeleteFunc(m[1:], func(s string) bool { return s == "" })
				name := camel.ReplaceAllStringFunc(words[1], func(s string) string { return strings.ToUpper(strings.TrimPrefix(s, "-")) })
				if name == "Invoke" {
					name = "InvokeFunction" // as IAM has it
				}
				calls[words[0]+":"+name] = filepath.Base(file)
			}
		}
	}
	return calls
}
