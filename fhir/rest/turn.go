package rest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of large bodies. One takes several times its size in memory while it is worked on, so that only some are
// at a time; the others wait, for less than the time in which an answer can still be written.
const (
	largeBody  = 512 << 10 // bytes from which on a body waits for its turn
	largeRoom  = 12 << 20  // bytes of large bodies that are worked on at a time
	longestTry = 20 * time.Second
)

// turns let large bodies in.
type turns struct {
	room *semaphore.Weighted
	size int64
	told func(working bool)

	mu      sync.Mutex
	working int
}

// count tells when the first begins and the last ends.
func (t *turns) count(by int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.working
	if t.working += by; (before == 0) != (t.working == 0) {
		t.told(t.working > 0)
	}
}

// newTurns makes room for one body of any size that is taken. told, unless it is nil, hears when the first is
// worked on, and when none is any more.
func newTurns(maxBody int64, told func(working bool)) *turns {
	if told == nil {
		told = func(bool) {}
	}
	size := max(maxBody, largeRoom)
	return &turns{room: semaphore.NewWeighted(size), size: size, told: told}
}

// turn is what a request, with the entries of its Bundle, holds of the room.
type turn struct {
	of   *turns
	held int64
}

type turnKey struct{}

// begin gives a request its turn, which end gives back; the request of an entry has that of its Bundle.
func (t *turns) begin(ctx context.Context) (within context.Context, end func()) {
	if _, ok := ctx.Value(turnKey{}).(*turn); ok {
		return ctx, func() {}
	}
	own := &turn{of: t}
	return context.WithValue(ctx, turnKey{}, own), own.end
}

func (t *turn) end() {
	if t.held == 0 {
		return
	}
	t.of.count(-1)
	t.of.room.Release(t.held)
}

// await waits until a body of that size may be worked on. It is Unavailable when that takes too long.
func await(ctx context.Context, size int) error {
	t, ok := ctx.Value(turnKey{}).(*turn)
	if !ok || size < largeBody || t.held > 0 {
		return nil
	}
	waiting, stop := context.WithTimeout(ctx, longestTry)
	defer stop()
	held := min(int64(size), t.of.size)
	if err := t.of.room.Acquire(waiting, held); err != nil {
		return fhir.Errorf(fhir.Unavailable, "rest.body", "throttled", "body-queue",
			"The server is at work on other large bodies; send this one again later, or in smaller parts.")
	}
	t.held = held
	t.of.count(1)
	return nil
}
