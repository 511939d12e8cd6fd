package store

import (
	"sync"
	"time"
)

// maxRecent bounds the rows that are remembered; when there are more, all are let go.
const maxRecent = 4096

// recent remembers settings and authorisation state that request after request asks for. It is never
// behind the file: the folder belongs to this process, and the writer forgets what it changes before
// it commits, so that nobody sees the old row afterwards, and again when it has, for those who read
// the old row meanwhile. It is safe for concurrent use.
type recent struct {
	mu    sync.Mutex
	size  int // rows at most
	rows  map[recentKey]recentRow
	moves uint64 // how often something was forgotten
}

// recentKey names a row of auth_state, or of kv, which has no kind.
type recentKey struct{ kind, key string }

type recentRow struct {
	value []byte
	exp   int64 // milliseconds; 0 is never
}

// newRecent remembers so many rows; none where other processes write too.
func newRecent(size int) *recent { return &recent{size: size, rows: map[recentKey]recentRow{}} }

// get returns a remembered row that is live at now. Without one, moves goes to keep with what the
// file says.
func (r *recent) get(k recentKey, now time.Time) (row recentRow, moves uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok = r.rows[k]
	return row, r.moves, ok && (row.exp == 0 || row.exp > now.UnixMilli())
}

// keep remembers what was read after get returned moves, unless something has been forgotten since.
func (r *recent) keep(k recentKey, row recentRow, moves uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moves != moves || r.size == 0 {
		return
	}
	if len(r.rows) >= r.size {
		clear(r.rows)
	}
	r.rows[k] = row
}

// forget lets go what a transaction changes; all when it sweeps, which does not say what it removes.
func (r *recent) forget(t *tx) {
	if t.swept {
		r.clear()
		return
	}
	if len(t.stale) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves++
	for _, k := range t.stale {
		delete(r.rows, k)
	}
}

// clear lets all go.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moves++
	clear(r.rows)
}
