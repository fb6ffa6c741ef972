package limits

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ml-service/e2e"
)

// leavingNginx has a hundred callers leave whose requests Nginx keeps, since it cannot tell them from half-closed ones: who comes
// after them is answered all the same. How long that takes is printed, beside what it takes alone.
func leavingNginx(t *testing.T) string {
	text := request("/predict", fill("[7]", 90_000))
	four := func() (answers, time.Duration) {
		var a answers
		began := time.Now()
		for a.n[http.StatusOK] < 4 && a.n[http.StatusServiceUnavailable] < 1000 {
			a.read(t, nginx, text)
		}
		if len(a.n) == 0 || a.n[http.StatusOK] != 4 {
			t.Errorf("answers by status %v, want four times 200", a.n)
		}
		return answers{n: a.n}, time.Since(began)
	}
	_, alone := four()
	atOnce(100, func(int) {
		if conn := dial(t, nginx); conn != nil {
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	})
	after, took := four()
	return fmt.Sprintf("%s, four took %s, alone %s", &after, took.Round(time.Millisecond), alone.Round(time.Millisecond))
}

const drip = 9 * time.Second // less than client_body_timeout of nginx.conf

// dripping holds, from one address, as many bodies of either kind as Nginx takes from all, and more: half of each is refused, and
// bodies from elsewhere find room, as small ones do from everywhere.
func dripping(t *testing.T) string {
	var a answers
	var held []net.Conn
	for _, kind := range []struct{ n, size int }{{32, mib}, {64, 99_999}} {
		for range kind.n {
			conn := dial(t, nginx)
			if conn == nil {
				t.Fatal("a connection was refused")
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "POST /predict HTTP/1.1\r\nHost: attack\r\nContent-Length: %d\r\n\r\n{", kind.size)
			_ = conn.SetReadDeadline(time.Now().Add(time.Second / 4)) // a refusal comes at once
			if status := statusOf(conn); status != 0 {
				a.add(status)
				continue
			}
			held = append(held, conn)
		}
	}
	for range 2 {
		<-time.After(drip)
		for _, conn := range held {
			_, _ = io.WriteString(conn, " ")
		}
	}
	if a.n[http.StatusServiceUnavailable] != 16 || len(held) != 80 {
		t.Errorf("%d uploads are held, the others answered by status %v, want 80 held and 16 times 503", len(held), a.n)
	}
	for _, size := range []int{mib, 90_000} {
		c := e2e.Command{Stdin: fill("[1,2,3]", size)} // from an address of its own
		got := c.Output(t, "docker", "exec", "-i", nginxID(t), "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", "http://127.0.0.1:8080/predict")
		if strings.TrimSpace(got) != "200" {
			t.Errorf("%d bytes from another address meanwhile: %s, want 200", size, got)
		}
	}
	return fmt.Sprintf("%d held for %s, %s at once", len(held), 2*drip, &a)
}

func nginxID(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(e2e.Command{}.Output(t, "docker", "ps", "-q", "--filter", "label=com.docker.compose.project="+project, "--filter", "label=com.docker.compose.service=nginx"))
}
