package smart

import (
	"errors"
	"net/netip"
	"slices"
)

var errAddress = errors.New("address is not allowed")

// refusedNets are the networks that no key set is fetched from (smart.md 3.5): what is not public.
func refusedNets() []netip.Prefix {
	nets := []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "fc00::/7",
		"fe80::/10", "fec0::/10", "ff00::/8",
	}
	out := make([]netip.Prefix, len(nets))
	for i, n := range nets {
		out[i] = netip.MustParsePrefix(n)
	}
	return out
}

// metadataAddresses answer with the credentials of a cloud machine; no setting opens them.
func metadataAddresses() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254")}
}

// checkAddress judges the address that is about to be dialled. private lifts the refusal of
// networks for a host that the operator named.
func checkAddress(address string, private bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	ip := embedded(ap.Addr().WithZone(""))
	if slices.Contains(metadataAddresses(), ip) {
		return errAddress
	}
	if private {
		return nil
	}
	for _, n := range refusedNets() {
		if n.Contains(ip) {
			return errAddress
		}
	}
	return nil
}

// embedded returns the IPv4 address that an IPv6 address stands for: mapped, compatible, 6to4 or
// NAT64; every other address is returned as it is.
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if ip.Is4() {
		return ip
	}
	b := ip.As16()
	switch {
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("::/96").Contains(ip) && b[12] != 0:
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return ip
}
