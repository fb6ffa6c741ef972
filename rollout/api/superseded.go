package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// superseded looks whether users have what was ordered. Under a key that is known the answer is that of a deployment which
// succeeded once, and another may have taken its place since. Where the API does not say what users have, it is taken at its word.
func (c *Client) superseded(ctx context.Context, id string, order Order) error {
	a, err := c.send(ctx, http.MethodGet, c.Base.String()+StatusPath, nil)
	if err != nil {
		c.say("whether users still have it is not known: %v", err)
		return nil // the deployment has succeeded all the same
	}
	have := given(a)
	if len(have) == 0 || slices.Contains(have, order.Image) {
		return nil
	}
	return c.end(ErrSuperseded, "superseded: %s has succeeded, and since then users were given %s", id, short(redact(strings.Join(have, " and "), c.Token)))
}

// given are the images that have users, as the answer of StatusPath says; none where an API of one's own has no such route, or
// another of that name.
func given(a *answer) []string {
	var now struct {
		Split struct {
			Shares map[string]float64 `json:"shares"`
		} `json:"split"`
		Sides []struct {
			Side     string `json:"side"`
			Artifact string `json:"artifact"`
		} `json:"sides"`
	}
	if a.code != http.StatusOK || json.Unmarshal(a.body, &now) != nil {
		return nil
	}
	var images []string
	for _, one := range now.Sides {
		if now.Split.Shares[one.Side] > 0 && one.Artifact != "" {
			images = append(images, one.Artifact)
		}
	}
	return images
}
