package api

import (
	"bufio"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSilence is how long a stream of events may say nothing; a server sends a sign of life every 15 s.
const maxSilence = 45 * time.Second

// stream tells the events of the deployment as they come, where the API has them. What it hears is told and decides nothing: the
// end is read by GET, with all its tries. Where there are no events, it is not asked for them again.
func (c *Client) stream(ctx context.Context) {
	if c.deaf {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(c.Silence, cancel)
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/events", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("User-Agent", "ml-service-deploy")
	if c.seen > 0 {
		req.Header.Set("Last-Event-ID", strconv.Itoa(c.seen))
	}
	// Without the time-out of one request: a stream lasts as long as the deployment.
	res, err := (&http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}).Do(req)
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		c.deaf = res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests
		return
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxAnswer)
	data := ""
	for lines.Scan() {
		silence.Reset(c.Silence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if data != "" && c.event(data) {
				return
			}
			data = ""
		case field == "data" && len(data)+len(value) <= maxAnswer:
			data += value
		}
	}
}

// event tells one event, and says whether it is the end.
func (c *Client) event(data string) bool {
	var e Event
	if json.Unmarshal([]byte(data), &e) != nil || e.State == "" || e.Number <= c.seen {
		return false
	}
	if e.State != Running {
		return true
	}
	c.seen, c.last = e.Number, joined(e.State, e.Step, e.Reason)
	c.say("%s", c.last)
	return false
}
