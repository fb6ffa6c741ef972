package main

import (
	"context"
	"net"
	"net/http"
)

// connect dials the runtime API while the model loads: the connection over which aws-lambda-go will ask for the first
// event is then there. aws-lambda-go dials as http.DefaultTransport does, of which it takes a copy; nothing else in
// this program uses it. Where the early dial fails, the client dials itself and says what is wrong.
func connect(api string) {
	dialer := &net.Dialer{}
	early := make(chan net.Conn, 1)
	go func() {
		if c, err := dialer.Dial("tcp", api); err == nil {
			early <- c
		}
		close(early)
	}()
	http.DefaultTransport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == api {
			if c, ok := <-early; ok {
				return c, nil
			}
		}
		return dialer.DialContext(ctx, network, address)
	}
}
