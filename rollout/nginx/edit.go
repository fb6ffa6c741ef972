package nginx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ml-service/rollout"
)

// change replaces text[start:end].
type change struct {
	start, end int
	text       string
}

// with gives the configuration with another split: the same text but for the servers, and for `zone`, `resolve` and `random`,
// which it puts where they belong. Spaces behind the block's last line keep the file's length; where it has to grow, it
// grows to what the longest split needs, so that it does so once.
func (c *conf) with(split rollout.Split) (string, error) {
	inside, err := c.inside(split)
	if err != nil {
		return "", err
	}
	length, end := c.block.end-1-c.block.open, c.block.end-1
	if len(pad(inside, 0)) > length {
		longest, err := c.inside(rollout.Between(colours[1], 33.33, colours[0]))
		if err != nil {
			return "", err
		}
		length = len(pad(longest, 0))
	}
	return c.text[:c.block.open] + pad(inside, length) + c.text[end:], nil
}

// inside is what stands between the block's braces with another split.
func (c *conf) inside(split rollout.Split) (string, error) {
	want := weights(split)
	shared := len(want) > 1
	stays := map[rollout.Side]int{} // the server that is kept, by side
	for i, s := range c.servers {
		if _, twice := stays[s.side]; want[s.side] > 0 && !twice {
			stays[s.side] = i
		}
	}
	var added []string
	for _, side := range colours {
		if _, ok := stays[side]; want[side] > 0 && !ok {
			added = append(added, c.serverText(side, want[side], shared, nil))
		}
	}
	var changes []change
	gone := map[int]bool{} // directives that are taken out, by where they start
	last := -1             // start of the last server that stays
	for i, s := range c.servers {
		switch first, ok := stays[s.side]; {
		case ok && first == i:
			changes = append(changes, change{s.start, s.end, c.serverText(s.side, want[s.side], shared, s.other)})
			last = s.start
		case len(stays) == 0 && i == 0:
			changes = append(changes, change{s.start, s.end, added[0]})
			added, last = added[1:], s.start
		default:
			changes = append(changes, c.without(s.directive))
			gone[s.start] = true
		}
	}
	head, random := c.head(shared)
	if random != nil {
		changes = append(changes, c.without(*random))
		gone[random.start] = true
	}
	if last < 0 {
		head, added = append(head, added...), nil
	}
	first := slices.IndexFunc(c.block.block, func(d directive) bool { return !gone[d.start] })
	for _, line := range head {
		changes = append(changes, c.before(first, line))
	}
	for _, line := range added {
		changes = append(changes, c.behind(last, line))
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var block strings.Builder
	from := c.block.open
	for _, ch := range changes {
		if ch.start < from {
			return "", fmt.Errorf("line %d: two changes meet in `upstream %s`; write one directive a line", c.line(ch.start), upstreamName)
		}
		block.WriteString(c.text[from:ch.start])
		block.WriteString(ch.text)
		from = ch.end
	}
	block.WriteString(c.text[from : c.block.end-1])
	return block.String(), nil
}

// head are the directives that have to stand in the block and do not, and the `random` that has to go.
func (c *conf) head(shared bool) (lines []string, gone *directive) {
	var zone, method bool
	for _, d := range c.block.block {
		zone = zone || d.name == "zone"
		if d.name == "random" && len(d.args) == 0 && !shared {
			gone = &d
		}
		method = method || slices.Contains(methods, d.name)
	}
	if !zone {
		lines = append(lines, zoneLine)
	}
	if shared && !method {
		lines = append(lines, "random;")
	}
	return lines, gone
}

func (c *conf) serverText(side rollout.Side, weight int, shared bool, rest []string) string {
	text := fmt.Sprintf("server %s%s:%s", serverPrefix, side, serverPort)
	if shared {
		text += fmt.Sprintf(" weight=%d", weight)
	}
	if rest == nil {
		text += serverRest
	}
	for _, a := range rest {
		text += " " + a
	}
	if c.resolver {
		text += " resolve"
	}
	return text + ";"
}

// lineOf gives where the line of a position begins, and whether only white space stands between the two.
func (c *conf) lineOf(at int) (start int, alone bool) {
	start = strings.LastIndexByte(c.text[:at], '\n') + 1
	return start, start > c.block.open && strings.TrimSpace(c.text[start:at]) == ""
}

// before puts a directive before the i-th of the block, on a line of its own where that one has one; into an empty block at -1.
func (c *conf) before(i int, line string) change {
	if i < 0 {
		return change{c.block.open, c.block.open, " " + line}
	}
	at := c.block.block[i].start
	start, alone := c.lineOf(at)
	if !alone {
		return change{at, at, line + " "}
	}
	return change{at, at, line + c.newline(start) + c.text[start:at]}
}

// behind puts a directive behind the one that starts at a position, on a line of its own where that one has one.
func (c *conf) behind(at int, line string) change {
	i := slices.IndexFunc(c.block.block, func(d directive) bool { return d.start == at })
	end := c.block.block[i].end
	start, alone := c.lineOf(at)
	rest, _, _ := strings.Cut(c.text[end:], "\n")
	trimmed := strings.TrimSpace(rest)
	switch {
	case !alone, trimmed != "" && trimmed[0] != '#':
		return change{end, end, " " + line}
	case trimmed == "":
		return change{end, end + len(strings.TrimRight(rest, "\r")), c.newline(start) + c.text[start:at] + line}
	default: // the comment belongs to the line
		end += len(strings.TrimRight(rest, " \t\r"))
		return change{end, end, c.newline(start) + c.text[start:at] + line}
	}
}

// newline is how the line before a line's start ends.
func (c *conf) newline(start int) string {
	if strings.HasSuffix(c.text[:start], "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// without takes a directive out, with its line where nothing else stands there.
func (c *conf) without(d directive) change {
	start, alone := c.lineOf(d.start)
	rest := c.text[d.end:]
	end := d.end + len(rest) - len(strings.TrimLeft(rest, " \t\r"))
	if alone && end < len(c.text) && c.text[end] == '\n' {
		return change{start, end + 1, ""}
	}
	if !alone {
		return change{d.start, d.end + len(rest) - len(strings.TrimLeft(rest, " \t")), ""}
	}
	return change{d.start, d.end, ""}
}

// pad makes the inside of a block length bytes long, where it can, by the spaces behind its last line.
func pad(inside string, length int) string {
	body := strings.TrimRight(inside, " \t\r\n")
	tail := inside[len(body):]
	if newline := strings.IndexAny(tail, "\r\n"); newline >= 0 {
		tail = tail[newline:]
	} else {
		tail = ""
	}
	return body + strings.Repeat(" ", max(0, length-len(body)-len(tail))) + tail
}
