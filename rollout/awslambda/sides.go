package awslambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"ml-service/rollout"
)

// Sides says how the versions are that have traffic, that a rollback goes back to, and that was published last.
func (t *Target) Sides(ctx context.Context) ([]rollout.SideState, error) {
	split, err := t.Read(ctx)
	if err != nil {
		return nil, err
	}
	versions, err := t.versions(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[rollout.Side]bool{}
	for _, side := range split.Sides() {
		wanted[side] = true
	}
	if split.Mark.Baseline != "" {
		wanted[split.Mark.Baseline] = true
	}
	if next, err := t.Side(ctx, ""); err == nil { // without the alias there is nothing to add
		wanted[next] = true
	}
	warm, err := t.provisioned(ctx)
	if err != nil {
		return nil, err
	}
	var all []rollout.SideState
	for _, side := range slices.SortedFunc(maps.Keys(wanted), byNumber) {
		all = append(all, t.side(ctx, side, versions, warm))
	}
	return all, nil
}

// byNumber sorts 9 before 10.
func byNumber(a, b rollout.Side) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

func (t *Target) side(ctx context.Context, side rollout.Side, versions map[rollout.Side]types.FunctionConfiguration, warm map[string]int32) rollout.SideState {
	s := rollout.SideState{Side: side, Instance: string(side)}
	v, ok := versions[side]
	if !ok {
		s.State = "gone"
		return s
	}
	s.Artifact = aws.ToString(v.CodeSha256)
	switch v.State {
	case "", types.StateActive, types.StateInactive:
		s.State = "healthy"
	case types.StatePending:
		s.State = "starting"
	default:
		s.State = "unhealthy"
		s.Remarks = append(s.Remarks, fmt.Sprintf("Lambda says %s: %s", v.State, aws.ToString(v.StateReason)))
	}
	if n := warm[string(side)]; n > 0 {
		s.Remarks = append(s.Remarks, fmt.Sprintf("%d provisioned instances", n))
	}
	if !s.Usable() {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := t.Ask(ctx, side, rollout.Request{Path: "/health"})
	var health struct{ Version string }
	switch {
	case err != nil:
		s.State = "unhealthy"
		s.Remarks = append(s.Remarks, err.Error())
	case answer.Status != http.StatusOK:
		s.State = "unhealthy"
		s.Remarks = append(s.Remarks, fmt.Sprintf("GET /health: status %d", answer.Status))
	case json.Unmarshal(answer.Body, &health) != nil || health.Version == "":
		s.State = "unhealthy"
		s.Remarks = append(s.Remarks, fmt.Sprintf("GET /health answers %.60q: is it this service?", answer.Body))
	}
	s.Version = health.Version
	return s
}

// provisioned gives the provisioned instances by version or alias.
func (t *Target) provisioned(ctx context.Context) (map[string]int32, error) {
	all := map[string]int32{}
	in := &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &t.Function}
	for {
		page, err := t.API.ListProvisionedConcurrencyConfigs(ctx, in)
		var none *types.ProvisionedConcurrencyConfigNotFoundException
		if errors.As(err, &none) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the provisioned concurrency of %s: %w", t.Function, err)
		}
		for _, c := range page.ProvisionedConcurrencyConfigs {
			arn := aws.ToString(c.FunctionArn)
			all[arn[strings.LastIndexByte(arn, ':')+1:]] = aws.ToInt32(c.RequestedProvisionedConcurrentExecutions)
		}
		if aws.ToString(page.NextMarker) == "" {
			return all, nil
		}
		in.Marker = page.NextMarker
	}
}

// Examine looks for what would fight over the alias with weights.
func (t *Target) Examine(ctx context.Context) ([]rollout.Finding, error) {
	split, err := t.Read(ctx)
	if err != nil {
		return nil, err
	}
	warm, err := t.provisioned(ctx)
	if err != nil {
		return nil, err
	}
	var all []rollout.Finding
	_, sole := split.Sole()
	if t.codeDeploy != "" {
		f := rollout.Finding{Level: "warning", What: fmt.Sprintf("stack %s has the CodeDeploy deployment group %s: weights or CodeDeploy, never both", t.Stack, t.codeDeploy),
			Mend: "take DeploymentPreference out of the template, or leave the alias to CodeDeploy"}
		if !sole {
			f.Level = "error"
			f.What += fmt.Sprintf("; alias %s is on two versions (%s), so its next deployment fails", t.Alias, split)
			f.Mend = "rollout promote or rollback before the next deployment"
		}
		all = append(all, f)
	}
	if n := warm[t.Alias]; n > 0 {
		all = append(all, rollout.Finding{Level: "warning", What: fmt.Sprintf("alias %s has %d provisioned instances: they are the alias's own version's, so a version that takes a share starts cold",
			t.Alias, n), Mend: "provision the other version itself before it takes a share, or take the provisioned concurrency off the alias"})
	}
	if len(warm) > 0 && warm[t.Alias] == 0 {
		for _, side := range split.Sides() {
			if warm[string(side)] == 0 {
				all = append(all, rollout.Finding{Level: "warning", What: fmt.Sprintf("version %s has traffic and no provisioned instance, where other versions have", side),
					Mend: fmt.Sprintf("aws lambda put-provisioned-concurrency-config --function-name %s --qualifier %s --provisioned-concurrent-executions N", t.Function, side)})
			}
		}
	}
	return all, nil
}

// event is an HTTP API's request as Lambda hands it on (payload 2.0).
type event struct {
	Version        string            `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQuery       string            `json:"rawQueryString"`
	Headers        map[string]string `json:"headers"`
	RequestContext requestContext    `json:"requestContext"`
	Body           string            `json:"body,omitempty"`
	Base64         bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	RouteKey string       `json:"routeKey"`
	Stage    string       `json:"stage"`
	HTTP     eventRequest `json:"http"`
}

type eventRequest struct {
	Method   string `json:"method"`
	Path     string `json:"path"`
	Protocol string `json:"protocol"`
	SourceIP string `json:"sourceIp"`
}

// Ask invokes one version with the event that an HTTP API would send.
func (t *Target) Ask(ctx context.Context, side rollout.Side, req rollout.Request) (rollout.Answer, error) {
	where, err := url.Parse(req.Path)
	if err != nil {
		return rollout.Answer{}, fmt.Errorf("path %q: %w", req.Path, err)
	}
	e := event{Version: "2.0", RouteKey: "$default", RawPath: where.EscapedPath(), RawQuery: where.RawQuery, Headers: map[string]string{},
		RequestContext: requestContext{RouteKey: "$default", Stage: "$default",
			HTTP: eventRequest{Method: req.Method, Path: where.EscapedPath(), Protocol: "HTTP/1.1", SourceIP: "127.0.0.1"}}}
	if req.Method == "" {
		e.RequestContext.HTTP.Method = http.MethodGet
	}
	for name, values := range req.Header {
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	e.Body = string(req.Body)
	if e.Base64 = !utf8.Valid(req.Body); e.Base64 {
		e.Body = base64.StdEncoding.EncodeToString(req.Body)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return rollout.Answer{}, err
	}
	began := time.Now()
	out, err := t.API.Invoke(ctx, &lambda.InvokeInput{FunctionName: &t.Function, Qualifier: aws.String(string(side)), Payload: payload})
	if err != nil {
		return rollout.Answer{}, fmt.Errorf("invoke version %s of %s: %w", side, t.Function, err)
	}
	if out.FunctionError != nil {
		var fault struct{ ErrorType, ErrorMessage string }
		if json.Unmarshal(out.Payload, &fault) != nil || fault.ErrorMessage == "" {
			fault.ErrorMessage = fmt.Sprintf("%.200q", out.Payload)
		}
		return rollout.Answer{}, fmt.Errorf("%w: version %s: %s: %s %s", errNoAnswer, side, *out.FunctionError, fault.ErrorType, fault.ErrorMessage)
	}
	a, err := answerOf(side, out.Payload)
	a.Seconds = time.Since(began).Seconds()
	return a, err
}

func answerOf(side rollout.Side, payload []byte) (rollout.Answer, error) {
	var got struct {
		StatusCode int
		Headers    map[string]string
		Body       string
		Base64     bool `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(payload, &got); err != nil || got.StatusCode == 0 {
		return rollout.Answer{}, fmt.Errorf("%w: version %s answers %.200q, want an HTTP answer", errNoAnswer, side, payload)
	}
	a := rollout.Answer{Status: got.StatusCode, Header: http.Header{}, Body: []byte(got.Body)}
	for name, value := range got.Headers {
		a.Header.Set(name, value)
	}
	if got.Base64 {
		body, err := base64.StdEncoding.DecodeString(got.Body)
		if err != nil {
			return a, fmt.Errorf("version %s: body of the answer: %w", side, err)
		}
		a.Body = body
	}
	return a, nil
}
