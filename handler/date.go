package handler

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dates makes the Date header once a second, where net/http makes it for every answer.
type dates struct{ latest atomic.Pointer[dated] }

type dated struct {
	value []string
	until time.Duration // by clock: the end of the second
}

// at is the header's value at a time by clock that is now.
func (d *dates) at(now time.Duration) []string {
	latest := d.latest.Load()
	if latest == nil || now >= latest.until {
		t := time.Now()
		latest = &dated{[]string{t.UTC().Format(http.TimeFormat)}, now + time.Second - time.Duration(t.Nanosecond())}
		d.latest.Store(latest)
	}
	return latest.value
}
