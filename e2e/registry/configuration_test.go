package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigurationStep(t *testing.T) {
	const api, role = "vars.CLOUD_API_URL", "vars.AWS_ROLE_ARN"
	const hasToken, region, changes = "secrets.CLOUD_TOKEN != ''", "vars.AWS_REGION", "vars.AWS_CLOUDFORMATION_ROLE_ARN"
	theVersion := strings.Trim(versionExpression, "${} ")
	tests := []struct {
		name    string
		given   values
		fails   string   // the one line; "": it succeeds
		summary []string // what the summary has
	}{
		{"all", push(), "", []string{"Deployment API: on", "AWS Lambda: on"}},
		{"nothing", with(push(), api, "", hasToken, "false", role, "", region, ""), "", []string{
			"Deployment API: skipped. To turn it on, set the repository variable `CLOUD_API_URL` (https://…) and the secret `CLOUD_TOKEN`.",
			"AWS Lambda: skipped. To turn it on, set the repository variables `AWS_ROLE_ARN`"}},
		{"a region alone", with(push(), role, ""), "", []string{"Deployment API: on", "AWS Lambda: skipped."}},
		{"the API alone", with(push(), role, "", region, ""), "", []string{"Deployment API: on", "AWS Lambda: skipped."}},
		{"an address without a token", with(push(), hasToken, "false"), "variable CLOUD_API_URL is set but secret CLOUD_TOKEN is not: set both to deploy to the API, or neither", nil},
		{"an address, and an environment that may have the token", with(push(), hasToken, "false", "vars.DEPLOY_ENVIRONMENT", "production"), "", []string{"Deployment API: on"}},
		{"a token without an address", with(push(), api, ""), "secret CLOUD_TOKEN is set but variable CLOUD_API_URL is not: set both to deploy to the API, or neither", nil},
		{"a role without a region", with(push(), region, ""), "variable AWS_ROLE_ARN is set but variable AWS_REGION is not: set both to deploy to AWS Lambda, or neither", nil},
		{"a version that is no tag", with(push(), theVersion, `v1"; touch pwned; "`), "MODEL_VERSION becomes a part of an image tag: want letters, digits, dots, dashes and underscores, at most 80", nil},
		{"a version with make's signs", with(push(), theVersion, `$(shell touch pwned)`), "MODEL_VERSION becomes a part of an image tag: want letters, digits, dots, dashes and underscores, at most 80", nil},
		{"a version that is not there", with(push(), theVersion, "v9.9.9"), "MODEL_VERSION: there is no models/v9.9.9/ with a model in this commit; there is v1.0.0 v1.1.0 ", nil},
		{"a folder of one's own that is not there", with(push(), "vars.MODEL_DIR", "mine"), "MODEL_VERSION: there is no mine/v1.1.0/ with a model in this commit; there is nothing", nil},
		{"a folder of one's own", with(push(), "vars.MODEL_DIR", "./models"), "variable MODEL_DIR: want a folder of this repository, as my-models: letters, digits, dots, dashes, underscores and slashes", nil},
		{"a model in S3", with(push(), "vars.MODEL_S3_URI", "s3://bucket/models", theVersion, "v9.9.9", api, "", hasToken, "false"), "", []string{"AWS Lambda: on"}},
		{"a model in S3 for the API", with(push(), "vars.MODEL_S3_URI", "s3://bucket/models"), "variables MODEL_S3_URI and CLOUD_API_URL exclude each other: the API deploys an image, which has no model from S3", nil},
		{"a model in two places", with(push(), "vars.MODEL_S3_URI", "s3://bucket/models", "vars.MODEL_DIR", "models"), "variables MODEL_DIR and MODEL_S3_URI exclude each other: a model lies in this repository or in S3", nil},
		{"no place in S3", with(push(), "vars.MODEL_S3_URI", "bucket/models"), "variable MODEL_S3_URI: want s3://<bucket>/<prefix>, below which lies <version>/ with the model", nil},
		{"plain http", with(push(), api, "http://deploy.example.com"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"an address with a query", with(push(), api, "https://deploy.example.com/?a"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"an address with a password", with(push(), api, "https://u:p@deploy.example.com"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"a port beyond all", with(push(), api, "https://a:70000/x"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"a port of zero", with(push(), api, "https://deploy.example.com:0"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"no name, and a port beyond all", with(push(), api, "https://..:99999"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"dashes for a name", with(push(), api, "https://-:0"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"a name that ends with a dash", with(push(), api, "https://deploy-.example.com"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"a port of a thousand digits", with(push(), api, "https://deploy.example.com:9999999999999999999999999999999999999999"), "variable CLOUD_API_URL: want an address such as https://deploy.example.com, without a user, a password, ? or #", nil},
		{"an address with a port and a path", with(push(), api, "https://deploy-1.example.com:65535/x/"), "", []string{"Deployment API: on"}},
		{"an address in digits", with(push(), api, "https://10.0.0.1:08443"), "", []string{"Deployment API: on"}},
		{"a time-out beyond GitHub's", with(push(), "vars.DEPLOY_TIMEOUT", "6h"), "variable DEPLOY_TIMEOUT: want a time of 1m to 5h45m, as 90m or 2h, because GitHub ends a job after six hours; got 6h", nil},
		{"a time-out without a unit", with(push(), "vars.DEPLOY_TIMEOUT", "90"), "variable DEPLOY_TIMEOUT: want a time of 1m to 5h45m, as 90m or 2h, because GitHub ends a job after six hours; got 90", nil},
		{"a time-out", with(push(), "vars.DEPLOY_TIMEOUT", "5h45m"), "", []string{"Deployment API: on"}},
		{"what to do if busy", with(push(), "vars.IF_BUSY", "shrug"), "variable IF_BUSY: want wait or fail, got shrug", nil},
		{"no ARN", with(push(), role, "deploy"), "variable AWS_ROLE_ARN: want the ARN of a role, as arn:aws:iam::123456789012:role/ml-service-github", nil},
		{"no ARN for CloudFormation", with(push(), changes, "arn:aws:iam::1:role/x"), "variable AWS_CLOUDFORMATION_ROLE_ARN: want the ARN of a role, as arn:aws:iam::123456789012:role/ml-service-cloudformation", nil},
		{"a role for CloudFormation", with(push(), changes, "arn:aws-cn:iam::123456789012:role/x"), "", []string{"AWS Lambda: on"}},
		{"how Lambda's users are moved", with(push(), "vars.LAMBDA_STRATEGY", "yolo"), "variable LAMBDA_STRATEGY: want canary, or none: then a push publishes and moves nobody; got yolo", nil},
		{"no stack", with(push(), "vars.LAMBDA_STACK", "ml_service"), "variable LAMBDA_STACK: want the name of a stack, as ml-service: a letter, then letters, digits and dashes; got ml_service", nil},
		{"no architecture", with(push(), "vars.LAMBDA_ARCHITECTURE", "amd64"), "variable LAMBDA_ARCHITECTURE: want arm64 or x86_64, got amd64", nil},
		{"too little memory", with(push(), "vars.LAMBDA_MEMORY_SIZE", "127"), "variable LAMBDA_MEMORY_SIZE: want MB from 128 to 10240, got 127", nil},
		{"memory with a unit", with(push(), "vars.LAMBDA_MEMORY_SIZE", "512MB"), "variable LAMBDA_MEMORY_SIZE: want MB from 128 to 10240, got 512MB", nil},
		{"a stack", with(push(), "vars.LAMBDA_STACK", "ml-staging", "vars.LAMBDA_ARCHITECTURE", "x86_64", "vars.LAMBDA_MEMORY_SIZE", "10240"), "", []string{"AWS Lambda: on"}},
		{"no region", with(push(), region, "Frankfurt"), "variable AWS_REGION: want the name of a region, as eu-central-1", nil},
		{"another branch", with(push(), "GITHUB_REF", "refs/heads/try"), "deploy runs on main alone: want refs/heads/main, got refs/heads/try", nil},
	}
	r := newRunner(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := github["GITHUB_REF"]
			if ref, ok := tt.given["GITHUB_REF"]; ok {
				github["GITHUB_REF"] = ref
				defer func() { github["GITHUB_REF"] = before }()
			}
			got := r.run("deploy/configuration/Check the configuration before anything is built", tt.given)
			if tt.fails == "" && (got.Code != 0 || got.Stderr != "") {
				t.Errorf("got exit status %d and %q, want success", got.Code, got.all())
			}
			if want := "::error::" + tt.fails + "\n"; tt.fails != "" && (got.Code == 0 || got.Stdout != want) {
				t.Errorf("got exit status %d and %q, want a failure and %q", got.Code, got.Stdout, want)
			}
			for _, want := range tt.summary {
				if !strings.Contains(got.summary, want) {
					t.Errorf("summary: got %q, want in it %q", got.summary, want)
				}
			}
			if tt.fails != "" && got.summary != "" {
				t.Errorf("summary: got %q, want none", got.summary)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(r.checkout, "pwned")); err == nil {
		t.Error("a version was run as a command")
	}
}

// A way back that does nothing is red and says why.
func TestBackConfigurationStep(t *testing.T) {
	const image, function, api, role, region = "inputs.image", "inputs.function_version", "vars.CLOUD_API_URL", "vars.AWS_ROLE_ARN", "vars.AWS_REGION"
	asked := func(pairs ...string) values { return with(with(push(), image, "previous", function, ""), pairs...) }
	tests := []struct {
		name  string
		given values
		code  int
		says  string
	}{
		{"as the form comes", asked(), 0, "rollback: the API to previous\n"},
		{"both", asked(function, "2"), 0, "rollback: the API to previous, Lambda to 2\n"},
		{"Lambda alone", asked(image, "", function, "previous"), 0, "rollback: Lambda to previous\n"},
		{"Lambda alone, without an API, the image left as the form has it", asked(api, "", function, "2"), 0, "rollback: Lambda to 2\n"},
		{"nothing", asked(image, ""), 2, "::error::rollback: nothing was asked for: want an image, or a function_version for Lambda; nothing was changed\n"},
		{"as the form comes, without an API", asked(api, ""), 2, "::error::rollback: an image was asked for, and the repository variable CLOUD_API_URL is not set: "},
		{"an image beside Lambda, without an API", asked(api, "", image, "v1.0.0", function, "2"), 2, "::error::rollback: an image was asked for, "},
		{"Lambda without a role", asked(role, "", function, "2"), 2, "::error::rollback: function_version was asked for, and the repository variables AWS_ROLE_ARN and AWS_REGION are not both set; "},
		{"Lambda without a region", asked(region, "", function, "2"), 2, "::error::rollback: function_version was asked for, "},
	}
	r := newRunner(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := r.run("rollback/asked/Check that what is asked for is configured", tt.given)
			if got.Code != tt.code || !strings.HasPrefix(got.Stdout, tt.says) {
				t.Errorf("got exit status %d and %q, want %d and %q", got.Code, got.all(), tt.code, tt.says)
			}
		})
	}
	// What is asked for and configured is what runs.
	jobs := r.workflows["rollback"].Jobs
	for job, want := range map[string]string{"find": "inputs.image != '' && vars.CLOUD_API_URL != ''", "lambda": "inputs.function_version != '' && vars.AWS_ROLE_ARN != ''"} {
		if got := jobs[job].If; got != want {
			t.Errorf("rollback/%s: if: got %q, want %q", job, got, want)
		}
	}
}
