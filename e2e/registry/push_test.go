package registry

import "strings"

const (
	commit  = "0123456789abcdef0123456789abcdef01234567"
	version = "v1.1.0" // not the default, so that a version lost on the way is seen
	token   = "tok-51c0ffee-never-to-be-seen"
)

// push is the run of a push to main in a repository that has everything configured.
func push() values {
	return values{
		strings.Trim(versionExpression, "${} "): version,
		"github.sha":                            commit,
		"github.repository":                     github["GITHUB_REPOSITORY"],
		"github.server_url":                     "https://github.example",
		"inputs.order":                          commit,
		"inputs.strategy":                       "",
		"inputs.strategy == 'canary' && 'canary' || 'switch'": "switch",
		"inputs.report":                    "true",
		"vars.CLOUD_API_URL":               "https://deploy.example.com",
		"secrets.CLOUD_TOKEN":              token,
		"secrets.CLOUD_TOKEN != ''":        "true",
		"vars.DEPLOY_TIMEOUT":              "",
		"vars.DEPLOY_TIMEOUT || '2h'":      "2h",
		"vars.DEPLOY_ENVIRONMENT":          "",
		"vars.IF_BUSY":                     "",
		"vars.LAMBDA_STRATEGY":             "",
		"vars.LAMBDA_STACK":                "",
		"vars.LAMBDA_ARCHITECTURE":         "",
		"vars.LAMBDA_MEMORY_SIZE":          "",
		"vars.IF_BUSY || 'wait'":           "wait",
		"vars.MODEL_DIR":                   "",
		"vars.MODEL_DIR || 'models'":       "models",
		"vars.MODEL_S3_URI":                "",
		"vars.AWS_ROLE_ARN":                "arn:aws:iam::123456789012:role/deploy",
		"vars.AWS_CLOUDFORMATION_ROLE_ARN": "",
		"vars.AWS_REGION":                  "eu-central-1",
	}
}

func with(v values, pairs ...string) values {
	for i := 0; i < len(pairs); i += 2 {
		v[pairs[i]] = pairs[i+1]
	}
	return v
}
