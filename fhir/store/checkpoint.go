package store

import (
	"context"
	"os"
	"sync"
	"time"
)

// Bounds of the write-ahead log. SQLite's own checkpoint starts the log anew only in a moment
// without readers, which under steady load never comes: the log would grow without end, and every
// commit would pay for a checkpoint. So the writer makes that moment.
const (
	walLimit  = 32 << 20              // bytes
	readPause = 20 * time.Millisecond // at most, for readers that are inside
)

// gate lets readers through, and holds them back while the writer starts the log anew.
type gate struct {
	mu     sync.Mutex
	inside int
	opened chan struct{} // closed when the gate opens again; nil while it is open
	empty  chan struct{} // closed when the last reader leaves a closed gate
}

// enter waits for the gate; leave must follow unless there is an error.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		opened := g.opened
		if opened == nil {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// close closes the gate and waits for those inside; false when they take too long. Reopen it after.
func (g *gate) close(wait time.Duration) bool {
	g.mu.Lock()
	g.opened = make(chan struct{})
	if g.inside == 0 {
		g.mu.Unlock()
		return true
	}
	empty := make(chan struct{})
	g.empty = empty
	g.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-empty:
		return true
	case <-timer.C:
		return false
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.opened)
	g.opened, g.empty = nil, nil
}

// checkpoint moves the log into the file when it has grown past its limit: first what can be moved
// beside readers, then, without them, the rest. A reader that stays too long (it may be waiting for
// this very writer) puts it off until the log has grown by the limit again. Commits are durable
// without it.
func (w *writer) checkpoint() error {
	size := w.walSize()
	if size < w.walNext || w.c == nil {
		return nil
	}
	w.walNext = size + w.walStep
	if err := w.c.exec(`PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
		return err
	}
	alone := w.readers.gate.close(readPause)
	defer w.readers.gate.open()
	if !alone {
		return nil
	}
	if err := w.c.exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return err
	}
	w.walNext = w.walStep
	return nil
}

// walSize returns the size of the log in bytes, 0 when there is none.
func (w *writer) walSize() int64 {
	i, err := os.Stat(w.file + "-wal")
	if err != nil {
		return 0
	}
	return i.Size()
}
