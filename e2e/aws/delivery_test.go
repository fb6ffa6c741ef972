package aws

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// fails runs a command line in the copy that must end with a status, and returns all it printed.
func (m *machine) fails(t *testing.T, status int, line string) string {
	t.Helper()
	r, err := e2e.Command{Dir: m.dir, Env: m.env, Limit: 5 * time.Minute}.Run("bash", "-euo", "pipefail", "-c", line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if r.Code != status {
		t.Errorf("%s: got exit status %d, want %d\n%s%s", line, r.Code, status, r.Stdout, r.Stderr)
	}
	t.Logf("       $ %s # exit status %d", line, r.Code)
	return r.Stdout + r.Stderr
}

func wantSaid(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it %q", got, want)
	}
}

// TestDelivery is what the workflows do on AWS Lambda: publish and check, all, back, and back from a tenth; what cannot run moves nobody.
func TestDelivery(t *testing.T) {
	m := start(t)

	// The first deployment says which machine; the others read it from the stack, whatever the default of the template is.
	wantSaid(t, m.run(t, "make -s deploy-lambda ARCHITECTURE=x86_64"), "next is version 1 of the function, serves v1.0.0, and answered 5 golden rows")
	s := m.stack(t)
	m.wantAlias(t, s, "live", "1", nil)

	wantSaid(t, m.run(t, "make -s deploy-lambda MODEL_VERSION=v1.1.0 REVISION=0123abc"), "version 2 is published, checked and behind next; users stay on 1")
	m.wantAlias(t, s, "live", "1", nil)
	m.wantAlias(t, s, "next", "2", nil)
	wantSaid(t, m.run(t, "grep -a -c 0123abc .aws-sam/build/MlServiceFunction/bootstrap"), "1")

	m.run(t, "aws lambda update-alias --function-name "+s.function+" --name live --routing-config 'AdditionalVersionWeights={2=0.1}' >answer.json")
	m.wantAlias(t, s, "live", "1", map[string]float64{"2": 0.1})
	said := m.fails(t, 5, "deploy/aws/live.sh")
	wantSaid(t, said, "drift: live is on 1 2=0.1, the parameters LiveVersion, NextVersion and NextWeight say 1.")
	wantSaid(t, said, "deploy with            LiveVersion=1 NextVersion=2 NextWeight=0.1\n")
	wantSaid(t, m.run(t, "make -s lambda-back"), "live was on 1 2=0.1 and is on 1")
	m.wantAlias(t, s, "live", "1", nil)
	wantSaid(t, m.run(t, "make -s lambda-live"), "parameters say         1\n")

	wantSaid(t, m.run(t, "make -s deploy-lambda MODEL_VERSION=v1.1.0 REVISION=0123abc STRATEGY=switch"), "all users have version 2; back: make lambda-back BACK=1")
	m.wantAlias(t, s, "live", "2", nil)

	// The parameters are no way back: CloudFormation finds nothing to do. The alias is one.
	m.run(t, back)
	m.wantAlias(t, s, "live", "2", nil)
	wantSaid(t, m.fails(t, 5, "deploy/aws/live.sh"), "drift: live is on 2")
	wantSaid(t, m.run(t, "make -s lambda-back"), "live was on 2 and is on 1")
	m.wantAlias(t, s, "live", "1", nil)
	wantSaid(t, m.fails(t, 2, "BACK=9 deploy/aws/back.sh"), "there is no version 9")

	// A model that lost its end on the way: published, never behind live, and the job is red.
	whole, err := os.ReadFile(filepath.Join(m.dir, "models", "v1.0.0", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(m.dir, "mine", "v1.2.0")
	if err := os.MkdirAll(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "model.onnx"), whole[:len(whole)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, m.fails(t, 2, "make -s deploy-lambda MODEL_DIR=mine MODEL_VERSION=v1.2.0 STRATEGY=switch"), "next does not run")
	m.wantAlias(t, s, "live", "1", nil)
	if err := os.WriteFile(filepath.Join(mine, "model.onnx"), whole, 0o644); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, m.run(t, "make -s deploy-lambda MODEL_DIR=mine MODEL_VERSION=v1.2.0 STRATEGY=switch"), "all users have version 4")
	m.wantAlias(t, s, "live", "4", nil)
}

// TestProvisionedConcurrency changes a parameter that stands on alias live: CloudFormation sets the alias to the version that it
// remembers, unless it is told which one users have.
func TestProvisionedConcurrency(t *testing.T) {
	m := start(t)
	m.run(t, firstLine)
	s := m.stack(t)
	m.run(t, "aws lambda update-function-configuration --function-name "+s.function+" --timeout 9 >answer.json && aws lambda publish-version --function-name "+s.function+" >answer.json")
	m.run(t, "BACK=2 deploy/aws/back.sh")
	m.run(t, "sam deploy --parameter-overrides ProvisionedConcurrency=1")
	m.wantAlias(t, s, "live", "1", nil)
	m.run(t, "BACK=2 deploy/aws/back.sh")
	m.run(t, `sam deploy --parameter-overrides ProvisionedConcurrency=2 $(deploy/aws/live.sh | sed -n 's/^deploy with *//p')`)
	m.wantAlias(t, s, "live", "2", nil)
	wantSaid(t, m.run(t, "make -s lambda-live"), "deploy with            LiveVersion=2 NextVersion=none NextWeight=0\n")
}

// A model in S3 travels in the zip; beyond the zip the function reads it from there at start, and another file than the
// build saw is never served.
func TestModelInS3(t *testing.T) {
	m := start(t)
	mine := filepath.Join(m.dir, "mine", "v1.2.0")
	copyFile(t, filepath.Join(m.dir, "models", "v1.1.0", "model.onnx"), filepath.Join(mine, "model.onnx"))
	copyFile(t, filepath.Join(m.dir, "models", "v1.1.0", "golden.json"), filepath.Join(mine, "golden.json"))
	m.run(t, "aws s3 mb s3://mine && aws s3 cp --recursive mine s3://mine/models")
	const deploy = "make -s deploy-lambda ARCHITECTURE=x86_64 MODEL_S3_URI=s3://mine/models MODEL_VERSION=v1.2.0"
	wantSaid(t, m.run(t, deploy), "serves v1.2.0, and answered 5 golden rows")
	wantSaid(t, m.run(t, "ls .aws-sam/build/MlServiceFunction/models/v1.2.0"), "model.onnx")

	wantSaid(t, m.run(t, deploy+" ZIP_LIMIT=100 STRATEGY=switch"), "all users have version 2")
	if got := m.run(t, "ls .aws-sam/build/MlServiceFunction/models/v1.2.0"); got != "golden.json\nremote.json\n" {
		t.Errorf("beside the bootstrap lie %q, want golden.json and remote.json", got)
	}
	s := m.stack(t)
	m.wantAnswer(t, s, "live", `"version":"v1.2.0"`)

	// Another file under the same name, after the build: a new instance does not start.
	m.run(t, "aws s3 cp models/v1.0.0/model.onnx s3://mine/models/v1.2.0/model.onnx && aws lambda update-function-configuration --function-name "+s.function+" --timeout 9 >answer.json && aws lambda publish-version --function-name "+s.function+" >answer.json")
	wantSaid(t, m.fails(t, 1, "deploy/aws/check.py "+s.function+" 3 v1.2.0"), "another file than the build saw")
}

// TestGitHubRole deploys the template of the role that the workflows take, for both forms of GitHub's subject.
func TestGitHubRole(t *testing.T) {
	m := start(t)
	m.run(t, "cfn-lint deploy/aws/github-role.yaml")
	const deploy = "aws cloudformation deploy --template-file deploy/aws/github-role.yaml --stack-name ml-service-github --capabilities CAPABILITY_NAMED_IAM --parameter-overrides "
	for _, tt := range []struct{ parameters, want string }{
		{"Repository=octo/ml", "repo:octo/ml:ref:refs/heads/main"},
		{"Repository=octo/ml ImmutablePrefix=octo@12/ml@34", "repo:octo/ml:ref:refs/heads/main repo:octo@12/ml@34:ref:refs/heads/main"},
		{"Repository=octo/ml ImmutablePrefix=octo@12/ml@34 Environment=production", "repo:octo/ml:environment:production repo:octo@12/ml@34:environment:production"},
		{"Repository=octo/ml ImmutablePrefix=octo@12/ml@34 Environment=production RollbackEnvironment=back", "repo:octo/ml:environment:production repo:octo/ml:environment:back repo:octo@12/ml@34:environment:production repo:octo@12/ml@34:environment:back"},
		{"Repository=octo/ml ImmutablePrefix=none Environment=none RollbackEnvironment=back", "repo:octo/ml:ref:refs/heads/main repo:octo/ml:environment:back"},
	} {
		m.run(t, deploy+tt.parameters)
		var role struct {
			Role struct {
				AssumeRolePolicyDocument struct {
					Statement []struct {
						Condition struct {
							StringEquals map[string]any
						}
					}
				}
			}
		}
		m.ask(t, &role, "iam get-role --role-name ml-service-github")
		var subjects []string
		switch s := role.Role.AssumeRolePolicyDocument.Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"].(type) {
		case string:
			subjects = []string{s}
		case []any:
			for _, one := range s {
				subjects = append(subjects, one.(string))
			}
		}
		if got := strings.Join(subjects, " "); got != tt.want {
			t.Errorf("%s: trusts %q, want %q", tt.parameters, got, tt.want)
		}
	}
}

// TestOptions deploys the stack with the template's options; the emulator makes each resource of them.
func TestOptions(t *testing.T) {
	m := start(t)
	m.run(t, buildLine)
	deploy := "sam deploy --parameter-overrides Architecture=x86_64 "
	m.run(t, deploy+"Auth=jwt JwtIssuer=https://issuer.example.com JwtAudience=ml CorsOrigins=https://app.example.com AccessLog=on Dashboard=on DomainName=ml.example.com BasePath=ml"+
		" CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000")
	types := func() string {
		var r struct {
			StackResources []struct{ ResourceType string }
		}
		m.ask(t, &r, "cloudformation describe-stack-resources --stack-name ml-service")
		count := map[string]int{}
		for _, one := range r.StackResources {
			count[one.ResourceType]++
		}
		return fmt.Sprint(count)
	}
	got := types()
	t.Log(got)
	for _, want := range []string{"AWS::ApiGatewayV2::ApiMapping:1", "AWS::ApiGatewayV2::DomainName:1", "AWS::CloudWatch::Alarm:9", "AWS::CloudWatch::Dashboard:1", "AWS::Logs::LogGroup:2"} {
		wantSaid(t, got, want)
	}
	var apis, routes struct {
		Items []struct{ APIID, RouteKey, AuthorizationType string }
	}
	m.ask(t, &apis, "apigatewayv2 get-apis")
	m.ask(t, &routes, "apigatewayv2 get-routes --api-id "+apis.Items[0].APIID)
	for _, key := range []string{"$default", "OPTIONS /", "OPTIONS /{proxy+}"} {
		wantSaid(t, fmt.Sprintf("%+v", routes.Items), "RouteKey:"+key+" ")
	}
	var board struct{ DashboardBody string }
	m.ask(t, &board, "cloudwatch get-dashboard --dashboard-name ml-service-us-east-1")
	var widgets struct{ Widgets []json.RawMessage }
	if err := json.Unmarshal([]byte(board.DashboardBody), &widgets); err != nil || len(widgets.Widgets) != 5 {
		t.Errorf("dashboard: %v, %d widgets, want 5", err, len(widgets.Widgets))
	}
	m.run(t, deploy+"FrontDoor=url Auth=none AccessLog=off Dashboard=off DomainName=none BasePath=none CertificateArn=none CorsOrigins=none MetricsNamespace=none")
	got = types()
	t.Log(got)
	for _, want := range []string{"AWS::CloudWatch::Alarm:5", "AWS::Lambda::Url:1", "AWS::Lambda::Permission:2"} {
		wantSaid(t, got, want)
	}
	if strings.Contains(got, "AWS::ApiGatewayV2::Api:") {
		t.Errorf("the HTTP API is still there: %s", got)
	}
}
