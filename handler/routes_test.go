package handler

import (
	"net/http"
	"testing"

	"ml-service/model"
	"ml-service/models"
)

// TestPredicts holds the list of predicting routes against the router: whatever takes a POST predicts.
func TestPredicts(t *testing.T) {
	m, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	posts := map[string]bool{}
	for _, route := range New(Options{Model: m}).Engine().Routes() {
		if route.Method == http.MethodPost {
			if route.Path == "/v2/repository/index" { // lists the model
				continue
			}
			posts[route.Path] = true
			if !Predicts(route.Path) {
				t.Errorf("POST %s is not among the predicting routes", route.Path)
			}
		}
	}
	for route := range predicting {
		if !posts[route] {
			t.Errorf("%s predicts, and the router has no such route", route)
		}
	}
	if Predicts("/health") || Predicts("") {
		t.Error("/health predicts")
	}
}
