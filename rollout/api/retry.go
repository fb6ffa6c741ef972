package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	maxTries   = 8 // in a row, with one request; a 429 does not count, as there the API says when
	firstPause = time.Second
	maxPause   = 15 * time.Second
)

// send sends a request until an answer is final. Another try is safe for every request here: a GET changes nothing,
// and a POST goes out under the same idempotency key.
func (c *Client) send(ctx context.Context, method, address string, body []byte) (*answer, error) {
	pause := firstPause
	for failures := 0; ; {
		a, err := c.once(ctx, method, address, body)
		if err != nil && ctx.Err() != nil {
			return nil, c.cut(ctx)
		}
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return nil, c.end(ErrFailed, "%s: %v", method, cert)
		}
		if err == nil && a.code != http.StatusTooManyRequests && a.code < 500 {
			return a, nil
		}
		wait := pause
		if err == nil {
			wait = max(retryAfter(a.header, time.Now()), wait)
		}
		if err != nil || a.code != http.StatusTooManyRequests {
			failures++
			pause = min(2*pause, maxPause)
		}
		why := reason(a, err)
		if failures == maxTries {
			return nil, c.end(ErrFailed, "%s: %s, at the last of %d tries%s", method, why, maxTries, c.where())
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return nil, c.end(ErrFailed, "%s: %s; the next try would come after the time-out of %v%s", method, why, c.Limit, c.where())
		}
		c.say("%s: %s; again in %v", method, why, wait)
		if err := c.Sleep(ctx, wait); err != nil {
			return nil, c.cut(ctx)
		}
	}
}

func reason(a *answer, err error) string {
	if err == nil {
		return fmt.Sprintf("the API answered %d", a.code)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the address, which every line would repeat
	}
	return err.Error()
}

// retryAfter reads Retry-After, in seconds or as a date; zero if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(now).Round(time.Second), 0)
	}
	return 0
}

// cut says what is known when the time is over or the person stops the program. The deployment itself goes on.
func (c *Client) cut(ctx context.Context) error {
	what := "stopped"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		what = fmt.Sprintf("no end seen within %v", c.Limit)
	}
	if c.last != "" {
		what += ", last seen " + c.last
	}
	return c.end(ErrFailed, "%s%s", what, c.where())
}

func (c *Client) where() string {
	if c.url == "" {
		return "; it may have been taken: to look, send the same order under the idempotency key " + c.Key + " again"
	}
	return "; the deployment may go on: GET " + c.url
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
