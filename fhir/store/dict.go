package store

import "sync"

// Limits of the in-process cache of dict.
const (
	maxInterned     = 1 << 16
	maxInternedText = 256
)

// interned caches rows of dict that are committed. It is safe for concurrent use.
type interned struct {
	mu sync.RWMutex
	n  map[string]int64
	s  map[int64]string
}

func newInterned() *interned { return &interned{n: map[string]int64{}, s: map[int64]string{}} }

func (d *interned) number(text string) (int64, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n, ok := d.n[text]
	return n, ok
}

func (d *interned) text(n int64) (string, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	s, ok := d.s[n]
	return s, ok
}

func (d *interned) add(text string, n int64) {
	if len(text) > maxInternedText {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.n) < maxInterned {
		d.n[text], d.s[n] = n, text
	}
}

// lookup returns the number of text in dict as this connection sees it, 0 for "" and -1 for what
// is not there. What it finds is committed: the writer looks in its own new numbers first.
func (d *interned) lookup(c *conn, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, ok := d.number(text); ok {
		return n, nil
	}
	var n int64
	found, err := c.one(`SELECT n FROM dict WHERE text=?`, args(c.key(text)), &n)
	if err != nil {
		return 0, err
	}
	if !found {
		return -1, nil
	}
	d.add(text, n)
	return n, nil
}

// reverse returns the text of a number.
func (d *interned) reverse(c *conn, n int64) (string, error) {
	if s, ok := d.text(n); ok {
		return s, nil
	}
	var s string
	found, err := c.one(`SELECT text FROM dict WHERE n=?`, args(n), &s)
	if err == nil && found {
		d.add(s, n)
	}
	return s, err
}
