package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// reportInit tells the runtime API at address why this instance cannot serve, so that it stands in the invocation's
// error and not only in a log: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror
func reportInit(address, kind string, cause error) error {
	body, err := json.Marshal(messages.InvokeResponse_Error{Message: cause.Error(), Type: kind})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Lambda-Runtime-Function-Error-Type", kind)
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}} // no proxy
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	if err == nil && answer.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("runtime API answered %s", answer.Status)
	}
	return err
}
