package smart

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestBlockedBucketsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLimits(0, 0)
	now := time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC)
	for i := range maxBlocked + 100 {
		l.block(strconv.Itoa(i), now, now.Add(time.Minute))
	}
	if n := len(l.blocked); n != maxBlocked {
		t.Errorf("%d buckets are remembered, want %d", n, maxBlocked)
	}
	later := now.Add(time.Minute)
	l.block("new", later, later.Add(time.Minute))
	if l.blockedFor("new", later) != time.Minute || len(l.blocked) != 1 {
		t.Errorf("%d buckets are remembered after the window, want the new one alone", len(l.blocked))
	}
}

func TestAddressesAreLimitedByNetwork(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"192.0.2.7:443":                   "192.0.2.7",
		"[::ffff:192.0.2.7]:443":          "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:443":      "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1%eth0]:443": "2001:db8:1:2::/64",
		"":                                "unknown",
		"pipe":                            "unknown",
	}
	for remote, want := range cases {
		if got := addressOf(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("addressOf(%q) = %q, want %q", remote, got, want)
		}
	}
}
