// Package egress says where this server may call: it judges URLs that others give it, and the addresses
// behind them when they are dialled, so that nobody can make the server speak to what only it reaches. It
// sends nothing itself.
package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

// ErrAddress says that a URL, or the address behind it, may not be called. It never names it.
var ErrAddress = errors.New("address is not allowed")

// Guard is what the operator allows. The zero value allows https to public addresses alone.
type Guard struct {
	// LoopbackHTTP allows http to a loopback host: for a server that is itself on one.
	LoopbackHTTP bool
	// Loopback allows loopback hosts without naming them in Private.
	Loopback bool
	// Private are the exact host:port inside the institution's network that may be called.
	Private []string
}

// Target parses a URL that may be called as far as its text tells: https, or http where LoopbackHTTP
// allows it, with a host and without user and fragment. ErrAddress else.
func (g Guard) Target(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Hostname() == "" || u.Fragment != "" {
		return nil, ErrAddress
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && g.LoopbackHTTP && IsLoopback(u.Hostname())) {
		return nil, ErrAddress
	}
	return u, nil
}

// Dial connects to host:port, when each address that is tried may be called: it is judged after
// resolution, so that a name cannot change its meaning in between. ErrAddress else. It suits
// http.Transport.DialContext.
func (g Guard) Dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, ErrAddress
	}
	private := slices.Contains(g.Private, hostPort) || g.Loopback && IsLoopback(host)
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		return checkAddress(address, private)
	}}
	return d.DialContext(ctx, network, hostPort)
}

// IsLoopback reports whether a host of a URL is this machine.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// refusedNets are the networks that are not called (smart.md 3.5): what is not public. Of IPv6, what lies
// outside assignedNet is refused besides.
func refusedNets() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "3fff::/20",
	)
}

// assignedNet is where all public addresses of IPv6 are: what lies elsewhere is local, special, or nobody's yet.
func assignedNet() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// metadataNets answer with the credentials of a cloud machine, or are the agent that configures it; no setting
// opens them. The one of Azure looks like a public address.
func metadataNets() []netip.Prefix {
	return prefixes(
		"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "168.63.129.16/32", "100.100.100.200/32",
		"192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128",
	)
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// checkAddress judges the address that is about to be dialled. private lifts the refusal of
// networks for a host that the operator named.
func checkAddress(address string, private bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrAddress
	}
	ip := embedded(ap.Addr().WithZone(""))
	within := func(n netip.Prefix) bool { return n.Contains(ip) }
	switch {
	case slices.ContainsFunc(metadataNets(), within):
		return ErrAddress
	case private:
		return nil
	case ip.Is6() && !assignedNet().Contains(ip), slices.ContainsFunc(refusedNets(), within):
		return ErrAddress
	}
	return nil
}

// embedded returns the IPv4 address that an IPv6 address stands for: mapped, translated, compatible, 6to4
// or NAT64; every other address is returned as it is.
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if ip.Is4() {
		return ip
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip), netip.MustParsePrefix("::ffff:0:0:0/96").Contains(ip),
		netip.MustParsePrefix("::/96").Contains(ip) && b[12] != 0:
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return ip
}
