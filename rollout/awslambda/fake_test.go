package awslambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// fake is AWS Lambda and CloudFormation as their references describe them, for one function. It refuses what they refuse and
// emulators do not: weights outside 0 to 1, more than two versions, $LATEST, unknown versions, different roles or
// dead-letter queues, a RevisionId that is not the current one.
type fake struct {
	mutex    sync.Mutex
	aliases  map[string]*fakeAlias
	versions []fakeVersion
	warm     map[string]int32
	stack    string // resources, in the query protocol's XML
	updates  []string
	seen     []string // of invocations: qualifier, method, path, body
	answers  map[string]string
	faults   map[string]bool
	losing   bool // the answer to the next update
}

type fakeAlias struct {
	Name, FunctionVersion, Description, RevisionID string
	Weights                                        map[string]float64
}

type fakeVersion struct{ Version, Role, Queue, State, SHA string }

const function = "ml-MlServiceFunction-1A2B"

func newFake(t *testing.T) (*fake, aws.Config) {
	t.Helper()
	f := &fake{
		aliases: map[string]*fakeAlias{
			"live": {Name: "live", FunctionVersion: "1", Description: "what users get", RevisionID: "r1"},
			"next": {Name: "next", FunctionVersion: "2", RevisionID: "n1"},
		},
		versions: []fakeVersion{
			{Version: "$LATEST", Role: "arn:aws:iam::1:role/a"}, {Version: "1", Role: "arn:aws:iam::1:role/a", State: "Active", SHA: "sha-1"},
			{Version: "2", Role: "arn:aws:iam::1:role/a", State: "Active", SHA: "sha-2"}, {Version: "3", Role: "arn:aws:iam::1:role/b", State: "Active"},
			{Version: "4", Role: "arn:aws:iam::1:role/a", Queue: "arn:aws:sqs:eu-central-1:1:q", State: "Active"},
			{Version: "5", Role: "arn:aws:iam::1:role/a", State: "Failed"},
			{Version: "10", Role: "arn:aws:iam::1:role/a", State: "Active", SHA: "sha-10"},
		},
		warm: map[string]int32{}, answers: map[string]string{}, faults: map[string]bool{},
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	keys := aws.CredentialsProviderFunc(func(_ context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	return f, aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: keys, RetryMaxAttempts: 1}
}

func target(t *testing.T) (*fake, *Target) {
	t.Helper()
	f, settings := newFake(t)
	tg, err := open(t.Context(), settings, Options{Function: function})
	if err != nil {
		t.Fatal(err)
	}
	tg.Within = 2 * time.Second
	return f, tg
}

type fakeError struct {
	status        int
	kind, message string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		http.Error(w, "unsigned", http.StatusForbidden)
		return
	}
	if r.URL.Path == "/" {
		f.formation(w, body)
		return
	}
	var out any
	var refused *fakeError
	path, known := strings.CutPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/"+function)
	if !known {
		path, known = strings.CutPrefix(r.URL.EscapedPath(), "/2019-09-30/functions/"+function)
	}
	alias, isAlias := strings.CutPrefix(path, "/aliases/")
	switch {
	case !known:
		refused = &fakeError{404, "ResourceNotFoundException", "Function not found: " + r.URL.Path}
	case isAlias && f.aliases[alias] == nil:
		refused = &fakeError{404, "ResourceNotFoundException", "Cannot find alias arn: " + alias}
	case isAlias && r.Method == http.MethodGet:
		out = f.aliases[alias].json()
	case isAlias && r.Method == http.MethodPut:
		if refused = f.update(f.aliases[alias], body); refused == nil {
			if f.losing { // what was done, once
				f.losing = false
				panic(http.ErrAbortHandler)
			}
			out = f.aliases[alias].json()
		}
	case path == "/versions":
		out = f.list(r.URL.Query().Get("Marker"))
	case path == "/provisioned-concurrency" && f.warm == nil: // as MiniStack 1.5.33 says that there is none
		refused = &fakeError{404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found"}
	case path == "/provisioned-concurrency":
		var all []map[string]any
		for name, n := range f.warm {
			all = append(all, map[string]any{"FunctionArn": "arn:aws:lambda:eu-central-1:1:function:" + function + ":" + name,
				"RequestedProvisionedConcurrentExecutions": n, "Status": "READY"})
		}
		out = map[string]any{"ProvisionedConcurrencyConfigs": all}
	case path == "/invocations":
		f.invoke(w, r.URL.Query().Get("Qualifier"), body)
		return
	default:
		refused = &fakeError{404, "UnknownOperationException", r.Method + " " + r.URL.Path}
	}
	w.Header().Set("Content-Type", "application/json")
	if refused != nil {
		w.Header().Set("X-Amzn-Errortype", refused.kind)
		w.WriteHeader(refused.status)
		out = map[string]string{"Type": "User", "message": refused.message}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (a *fakeAlias) json() map[string]any {
	out := map[string]any{"Name": a.Name, "FunctionVersion": a.FunctionVersion, "Description": a.Description, "RevisionId": a.RevisionID}
	if len(a.Weights) > 0 {
		out["RoutingConfig"] = map[string]any{"AdditionalVersionWeights": a.Weights}
	}
	return out
}

func (f *fake) version(number string) *fakeVersion {
	for k := range f.versions {
		if f.versions[k].Version == number {
			return &f.versions[k]
		}
	}
	return nil
}

func (f *fake) update(a *fakeAlias, body []byte) *fakeError {
	f.updates = append(f.updates, string(body))
	var in struct {
		FunctionVersion, Description, RevisionID *string
		RoutingConfig                            *struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return &fakeError{400, "InvalidRequestContentException", err.Error()}
	}
	if in.RevisionID != nil && *in.RevisionID != a.RevisionID {
		return &fakeError{412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id."}
	}
	invalid := func(format string, args ...any) *fakeError {
		return &fakeError{400, "InvalidParameterValueException", fmt.Sprintf(format, args...)}
	}
	main := a.FunctionVersion
	if in.FunctionVersion != nil {
		main = *in.FunctionVersion
	}
	weights := a.Weights // what is not sent stays as it was
	if in.RoutingConfig != nil && in.RoutingConfig.AdditionalVersionWeights != nil {
		weights = in.RoutingConfig.AdditionalVersionWeights
	}
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	of := f.version(main)
	if of == nil {
		return &fakeError{404, "ResourceNotFoundException", "Function not found: " + main}
	}
	for number, weight := range weights {
		other := f.version(number)
		switch {
		case other == nil:
			return &fakeError{404, "ResourceNotFoundException", "Function not found: " + number}
		case number == "$LATEST" || main == "$LATEST":
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case weight < 0 || weight > 1:
			return invalid("Value %g at 'routingConfig' failed to satisfy constraint: between 0 and 1", weight)
		case number == main:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", number, number)
		case other.Role != of.Role:
			return invalid("Both versions must have the same execution role")
		case other.Queue != of.Queue:
			return invalid("Both versions must have the same dead-letter queue configuration")
		}
	}
	if in.Description != nil {
		if len(*in.Description) > 256 {
			return invalid("Description is longer than 256")
		}
		a.Description = *in.Description
	}
	a.FunctionVersion, a.Weights = main, weights
	n, _ := strconv.Atoi(a.RevisionID[1:])
	a.RevisionID = a.RevisionID[:1] + strconv.Itoa(n+1)
	return nil
}

// list gives two versions a page.
func (f *fake) list(marker string) map[string]any {
	from, _ := strconv.Atoi(marker)
	to := min(from+2, len(f.versions))
	var page []map[string]any
	for _, v := range f.versions[from:to] {
		one := map[string]any{"FunctionName": function, "Version": v.Version, "Role": v.Role, "State": v.State, "CodeSha256": v.SHA}
		if v.Queue != "" {
			one["DeadLetterConfig"] = map[string]string{"TargetArn": v.Queue}
		}
		page = append(page, one)
	}
	out := map[string]any{"Versions": page}
	if to < len(f.versions) {
		out["NextMarker"] = strconv.Itoa(to)
	}
	return out
}

func (f *fake) invoke(w http.ResponseWriter, qualifier string, body []byte) {
	if f.version(qualifier) == nil {
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		http.Error(w, `{"message":"Function not found"}`, http.StatusNotFound)
		return
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.Version != "2.0" {
		f.faults[qualifier] = true
	}
	sent := e.Body
	if e.Base64 {
		plain, _ := base64.StdEncoding.DecodeString(e.Body)
		sent = fmt.Sprintf("%x", plain)
	}
	f.seen = append(f.seen, strings.Join([]string{qualifier, e.RequestContext.HTTP.Method, e.RawPath, e.RawQuery, sent}, " "))
	w.Header().Set("X-Amz-Executed-Version", qualifier)
	if f.faults[qualifier] {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 1"}`)
		return
	}
	answer, ok := f.answers[qualifier]
	if !ok {
		answer = fmt.Sprintf(`{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{\"status\":\"ok\",\"version\":\"v1.%s.0\"}"}`, qualifier)
	}
	_, _ = io.WriteString(w, answer)
}

func (f *fake) formation(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("StackName") != "ml" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, form.Get("StackName"))
		return
	}
	switch form.Get("Action") {
	case "DescribeStacks":
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>ml</StackName><Outputs><member><OutputKey>Url</OutputKey><OutputValue>https://x</OutputValue></member>`+
			`<member><OutputKey>FunctionName</OutputKey><OutputValue>%s</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, function)
	case "DescribeStackResources":
		fmt.Fprintf(w, `<DescribeStackResourcesResponse><DescribeStackResourcesResult><StackResources>%s</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>`, f.stack)
	default:
		http.Error(w, "unknown action "+form.Get("Action"), http.StatusBadRequest)
	}
}
