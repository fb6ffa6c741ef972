package nginx

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"ml-service/rollout"
)

const (
	upstreamName = "ml_backend"
	serverPrefix = "ml-service-" // before a colour: the compose service and its name in the network
	serverPort   = "8080"
	zoneLine     = "zone " + upstreamName + " 64k;"
	serverRest   = " max_fails=1 fail_timeout=2s"
)

// colours are the two sides, in the order they are shown in.
var colours = []rollout.Side{"blue", "green"}

// conf is a configuration with its `upstream ml_backend`.
type conf struct {
	text     string
	block    directive // the upstream
	servers  []server
	resolver bool // names can be resolved while Nginx runs
}

// server is one `server` line of the upstream.
type server struct {
	directive
	side   rollout.Side
	weight int      // 0: down or backup
	other  []string // what else stands there, as it is written
}

// noUpstream says that a file has no block to edit, and which files it includes.
type noUpstream struct {
	includes  []string
	commented bool
}

func (e *noUpstream) Error() string {
	said := "no `upstream " + upstreamName + "` block"
	if e.commented {
		said += " (one is commented out)"
	}
	if len(e.includes) > 0 {
		said += "; it includes " + strings.Join(e.includes, ", ")
	}
	return said
}

// readConf finds the upstream in a configuration and reads its servers.
func readConf(text string) (*conf, error) {
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &conf{text: text}
	var found []directive
	missing := &noUpstream{}
	walk(all, nil, func(d directive, around []string) {
		switch {
		case d.name == "upstream" && d.open >= 0 && len(d.args) == 1 && d.args[0] == upstreamName:
			found = append(found, d)
		case d.name == "include" && len(d.args) == 1:
			missing.includes = append(missing.includes, d.args[0])
		case d.name == "resolver" && (len(around) == 1 && around[0] == "http"):
			c.resolver = true
		}
	})
	switch len(found) {
	case 0:
		for line := range strings.Lines(text) {
			if before, after, ok := strings.Cut(line, "#"); ok && strings.TrimSpace(before) == "" && strings.Contains(after, "upstream "+upstreamName) {
				missing.commented = true
			}
		}
		return nil, missing
	case 1:
		c.block = found[0]
	default:
		return nil, fmt.Errorf("line %d: `upstream %s` stands there a second time; want one", c.line(found[1].start), upstreamName)
	}
	for _, d := range c.block.block {
		if d.name == "resolver" {
			c.resolver = true
		}
		if d.name != "server" {
			continue
		}
		s, err := c.server(d)
		if err != nil {
			return nil, err
		}
		c.servers = append(c.servers, s)
	}
	return c, nil
}

func (c *conf) line(at int) int { return 1 + strings.Count(c.text[:at], "\n") }

func (c *conf) server(d directive) (server, error) {
	s := server{directive: d, weight: 1}
	if len(d.args) == 0 || d.open >= 0 {
		return s, fmt.Errorf("line %d: a server without an address", c.line(d.start))
	}
	host, port, _ := strings.Cut(d.args[0], ":")
	colour, ok := strings.CutPrefix(host, serverPrefix)
	s.side = rollout.Side(colour)
	if !ok || !slices.Contains(colours, s.side) || port != serverPort {
		return s, fmt.Errorf("line %d: server %s is neither %s%s:%s nor %s%s:%s, the two that traffic is moved between",
			c.line(d.start), d.args[0], serverPrefix, colours[0], serverPort, serverPrefix, colours[1], serverPort)
	}
	for i, a := range d.args[1:] {
		switch name, value, _ := strings.Cut(a, "="); name {
		case "weight":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return s, fmt.Errorf("line %d: %s: want a whole number from 1", c.line(d.start), a)
			}
			if s.weight > 0 {
				s.weight = n
			}
		case "down", "backup":
			s.weight = 0
		case "resolve":
		default:
			s.other = append(s.other, d.written[1+i])
		}
	}
	return s, nil
}

// failTimeout is how long Nginx leaves a side out after a failed try: what its server says, else what is written for one.
func (c *conf) failTimeout(side rollout.Side) time.Duration {
	for _, s := range c.servers {
		for _, a := range s.args[1:] {
			value, ok := strings.CutPrefix(a, "fail_timeout=")
			if !ok || s.side != side {
				continue
			}
			if _, err := strconv.Atoi(value); err == nil { // of no unit: seconds
				value += "s"
			}
			if d, err := time.ParseDuration(value); err == nil && d >= 0 {
				return d
			}
			return mostRest // in one of Nginx's other units, all of them longer
		}
	}
	return 2 * time.Second
}

// split is what the servers' weights say.
func (c *conf) split() (rollout.Split, error) {
	weights, sum := map[rollout.Side]int{}, 0
	for _, s := range c.servers {
		weights[s.side] += s.weight
		sum += s.weight
	}
	if sum == 0 {
		return rollout.Split{}, fmt.Errorf("line %d: `upstream %s` sends traffic to nobody", c.line(c.block.start), upstreamName)
	}
	split := rollout.Split{Shares: map[rollout.Side]float64{}}
	for side, w := range weights {
		if w > 0 {
			split.Shares[side] = 100 * float64(w) / float64(sum)
		}
	}
	return split, nil
}

// weights are the smallest whole numbers that stand for a split, exact to a hundredth of a percent.
func weights(split rollout.Split) map[rollout.Side]int {
	all := map[rollout.Side]int{}
	if side, ok := split.Sole(); ok {
		all[side] = 1
		return all
	}
	divisor := 0
	for side, share := range split.Shares {
		all[side] = max(1, int(math.Round(share*100)))
		divisor = gcd(divisor, all[side])
	}
	for side := range all {
		all[side] /= divisor
	}
	return all
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// methods are the directives that say how a server is chosen; of two, Nginx warns.
var methods = []string{"random", "least_conn", "ip_hash", "hash", "least_time", "fair", "sticky"}
