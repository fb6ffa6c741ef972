// Predicts the first row and all rows by the generated client, and prints both answers: URL ROWS.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"client/api"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(url, text string) error {
	var rows []api.Row
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil {
		return err
	}
	client, err := api.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	var one, all api.PredictJSONRequestBody
	if err := one.X.FromRow(rows[0]); err != nil {
		return err
	}
	if err := all.X.FromPredictJSONBodyX1(rows); err != nil {
		return err
	}
	first, err := predict(client, one)
	if err != nil {
		return err
	}
	oneRow, err := first.AsPredictAnswer0()
	if err != nil {
		return err
	}
	second, err := predict(client, all)
	if err != nil {
		return err
	}
	severalRows, err := second.AsPredictAnswer1()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode([]any{oneRow, severalRows})
}

func predict(client *api.ClientWithResponses, body api.PredictJSONRequestBody) (*api.PredictAnswer, error) {
	probabilities := true
	answer, err := client.PredictWithResponse(context.Background(), &api.PredictParams{Probabilities: &probabilities}, body)
	if err != nil {
		return nil, err
	}
	if answer.JSON200 == nil {
		return nil, fmt.Errorf("%s: %s", answer.Status(), answer.Body)
	}
	return answer.JSON200, nil
}
