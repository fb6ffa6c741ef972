// Command dns answers every query for an address over UDP, as the name servers of some networks do.
//
//	dns [-delay 800ms] [-any 10.0.0.9] [name=address ...]
//
// Names it does not know get the address of -any, or NXDOMAIN without it.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

func main() {
	delay := flag.Duration("delay", 0, "before each answer")
	other := flag.String("any", "", "the address of names that are not given")
	flag.Parse()
	fmt.Fprintln(os.Stderr, "dns:", serve(*delay, *other, flag.Args()))
	os.Exit(1)
}

// serve answers until it cannot.
func serve(delay time.Duration, other string, names []string) error {
	known := map[string]netip.Addr{}
	if other != "" {
		names = append(names, "="+other)
	}
	for _, n := range names {
		name, address, _ := strings.Cut(n, "=")
		a, err := netip.ParseAddr(address)
		if err != nil || !a.Is4() {
			return fmt.Errorf("%s: want name=address of IPv4", n)
		}
		known[name] = a
	}
	conn, err := net.ListenPacket("udp", ":53") //nolint:noctx // it ends with the container
	if err != nil {
		return err
	}
	for {
		query := make([]byte, 1500)
		n, from, err := conn.ReadFrom(query)
		if err != nil {
			return err
		}
		reply, err := answer(query[:n], known)
		if err != nil {
			fmt.Fprintln(os.Stderr, "dns:", from, err)
			continue
		}
		time.AfterFunc(delay, func() { _, _ = conn.WriteTo(reply, from) }) // who asked asks again
	}
}

// answer makes the reply to a query with one question. Only questions for an IPv4 address get a record.
func answer(query []byte, known map[string]netip.Addr) ([]byte, error) {
	const header = 12
	end := header
	var labels []string
	for {
		if end >= len(query) || end+1+int(query[end]) > len(query) {
			return nil, errors.New("the query is cut")
		}
		length := int(query[end])
		if end++; length == 0 {
			break
		}
		labels = append(labels, string(query[end:end+length]))
		end += length
	}
	if end+4 > len(query) {
		return nil, errors.New("the query is cut")
	}
	address, ok := known[strings.ToLower(strings.Join(labels, "."))]
	if !ok {
		address, ok = known[""]
	}
	reply := append([]byte{}, query[:end+4]...)
	binary.BigEndian.PutUint16(reply[2:], 0x8180) // a response, recursion desired and available
	clear(reply[4:header])
	reply[5] = 1 // question
	switch {
	case !ok:
		reply[3] |= 3 // NXDOMAIN
	case binary.BigEndian.Uint16(query[end:]) == 1: // A
		reply[7] = 1 // answer: the name above, A, IN, one second, four bytes
		reply = append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4)
		four := address.As4()
		reply = append(reply, four[:]...)
	}
	return reply, nil
}
