package egress

import "testing"

// checkAddress runs in the dialer's Control hook, on addresses that a test cannot listen on.
func TestATT15_CheckAddress(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ public, named bool }{
		"8.8.8.8:443":                    {true, true},
		"[2606:4700::1111]:443":          {true, true},
		"127.0.0.1:443":                  {false, true},
		"0.0.0.0:443":                    {false, true},
		"10.1.2.3:443":                   {false, true},
		"172.31.255.255:443":             {false, true},
		"172.32.0.1:443":                 {true, true},
		"192.168.1.1:443":                {false, true},
		"100.64.0.1:443":                 {false, true},
		"100.128.0.1:443":                {true, true},
		"169.254.1.1:443":                {false, true},
		"192.0.0.8:443":                  {false, true},
		"192.0.2.1:443":                  {false, true},
		"198.18.0.1:443":                 {false, true},
		"198.51.100.7:443":               {false, true},
		"203.0.113.7:443":                {false, true},
		"224.0.0.1:443":                  {false, true},
		"255.255.255.255:443":            {false, true},
		"[::1]:443":                      {false, true},
		"[::]:443":                       {false, true},
		"[fe80::1%eth0]:443":             {false, true},
		"[fd12:3456::1]:443":             {false, true},
		"[ff02::1]:443":                  {false, true},
		"[2001:db8::1]:443":              {false, true},
		"[::ffff:10.0.0.1]:443":          {false, true},
		"[::ffff:8.8.8.8]:443":           {true, true},
		"[2002:a00:1::]:443":             {false, true}, // 6to4 of 10.0.0.1
		"[64:ff9b::192.168.0.1]:443":     {false, true}, // NAT64
		"[64:ff9b::8.8.8.8]:443":         {true, true},
		"[::10.0.0.1]:443":               {false, true},
		"169.254.169.254:80":             {false, false},
		"[::ffff:169.254.169.254]:80":    {false, false},
		"[64:ff9b::169.254.169.254]:80":  {false, false},
		"[2002:a9fe:a9fe::1]:80":         {false, false},
		"[fd00:ec2::254]:80":             {false, false},
		"not an address":                 {false, false},
		"[fd00:ec2::253]:443":            {false, true},
		"[2a02:2e0:3fe:1001:302::]:443":  {true, true},
		"[64:ff9b:1::a00:1]:443":         {false, true}, // NAT64, local use
		"[0:0:0:0:0:ffff:7f00:1]:443":    {false, true},
		"[::ffff:0:0]:443":               {false, true},
		"[2001:0:4136:e378:8000::1]:443": {false, true}, // Teredo
		"[::0.0.0.5]:443":                {false, true},
		"[::ffff:0:10.0.0.1]:443":        {false, true}, // IPv4-translated
		"[::ffff:0:8.8.8.8]:443":         {true, true},
		"[::ffff:0:169.254.169.254]:80":  {false, false},
		"[5f00::1]:443":                  {false, true}, // segment routing
		"[4000::1]:443":                  {false, true}, // not given to anybody yet
		"[100:0:0:1::1]:443":             {false, true},
		"192.88.99.1:443":                {false, true}, // relays of 6to4
		"168.63.129.16:80":               {false, false},
		"[::ffff:168.63.129.16]:80":      {false, false},
		"169.254.170.2:80":               {false, false},
		"169.254.170.23:80":              {false, false},
		"100.100.100.200:80":             {false, false},
		"192.0.0.192:80":                 {false, false},
		"[fd00:ec2::23]:80":              {false, false},
		"[fd20:ce::254]:80":              {false, false},
	}
	for address, want := range cases {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			if got := checkAddress(address, false) == nil; got != want.public {
				t.Errorf("allowed = %v, want %v", got, want.public)
			}
			if got := checkAddress(address, true) == nil; got != want.named {
				t.Errorf("allowed when named by the operator = %v, want %v", got, want.named)
			}
		})
	}
}
