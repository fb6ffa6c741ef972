package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

// answerDirect answers the body of a /predict that came without a request around it, as Step Functions send it: the answer's
// body is the result. Where /predict would answer with another status than 200 the invocation fails, so that no pipeline
// goes on with an error for a prediction: the type is HTTP and the status, as HTTP422, the message the body.
func (f *function) answerDirect(ctx context.Context, payload []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/predict", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.RequestURI = "/predict"
	_, out, err := serve(f, core.NewProxyResponseWriterV2, r, &answerSize{limit: answerLimit, plain: true})
	if err != nil {
		return nil, err
	}
	if out.StatusCode != http.StatusOK {
		return nil, messages.InvokeResponse_Error{Type: fmt.Sprintf("HTTP%d", out.StatusCode), Message: out.Body}
	}
	return []byte(out.Body), nil
}
