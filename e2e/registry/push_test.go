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
		"github.run_id":                         "170",
		"github.run_attempt":                    "2",
		"inputs.strategy || 'switch'":           "switch",
		"vars.CLOUD_API_URL":                    "https://deploy.example.com",
		"secrets.CLOUD_TOKEN":                   token,
		"secrets.CLOUD_TOKEN != ''":             "true",
		"vars.AWS_ROLE_ARN":                     "arn:aws:iam::123456789012:role/deploy",
		"vars.AWS_REGION":                       "eu-central-1",
	}
}

func with(v values, pairs ...string) values {
	for i := 0; i < len(pairs); i += 2 {
		v[pairs[i]] = pairs[i+1]
	}
	return v
}
