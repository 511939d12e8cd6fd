package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// Bounds of the write-ahead log. SQLite's own checkpoint starts the log anew only in a moment
// without readers, which under steady load never comes: the log would grow without end, and every
// commit would pay for a checkpoint. So the writer makes that moment.
const (
	walLimit  = 32 << 20              // bytes
	walMost   = 4                     // times its limit, before commits wait for what moves it
	frameSize = 4096 + 24             // bytes that a page takes in it
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

// checkpoint moves the log into the file when it has grown past its limit. Most of it moves beside commits and
// readers, on a connection of its own; what came meanwhile is left to finish. Commits are durable without it.
func (w *writer) checkpoint() error {
	size, err := w.logged()
	switch {
	case err != nil || size < w.walNext:
		return err
	case w.moved == nil:
		moved := make(chan error, 1)
		w.moved = moved
		go func() { moved <- moveLog(w.db) }()
		return nil
	case size < walMost*w.walNext:
		return nil
	}
	return w.finish(<-w.moved)
}

// moveLog moves what stands in the log into the file, but for what a reader still needs there.
func moveLog(db driver.Connector) error {
	c, err := newConn(context.Background(), db)
	if err != nil {
		return err
	}
	return errors.Join(c.exec(`PRAGMA wal_checkpoint(PASSIVE)`), c.close())
}

// finish moves the rest without readers, so that the next commit starts the log anew. A reader that stays too
// long (it may be waiting for this very writer) puts it off until the log has grown by the limit again.
func (w *writer) finish(err error) error {
	w.moved = nil
	w.walNext += w.walStep
	if err != nil || w.c == nil {
		return err
	}
	alone := w.readers.gate.close(readPause)
	defer w.readers.gate.open()
	if !alone {
		return nil
	}
	if err := w.c.exec(`PRAGMA wal_checkpoint(RESTART)`); err != nil {
		return err
	}
	w.walNext = w.walStep
	return nil
}

// logged returns how much of the log is in use, in bytes: its file keeps its size.
func (w *writer) logged() (int64, error) {
	if w.c == nil {
		return 0, nil
	}
	var busy, frames, moved int64
	_, err := w.c.one(`PRAGMA wal_checkpoint(NOOP)`, nil, &busy, &frames, &moved)
	return frames * frameSize, err
}
