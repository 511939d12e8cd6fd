package main

import (
	"context"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// keptLog is a log whose clock the test holds.
type keptLog struct {
	t     *testing.T
	dir   string
	now   time.Time
	store *store.Store
	key   auditSigner
}

func (l *keptLog) open() {
	l.t.Helper()
	var err error
	if l.store, err = store.Open(context.Background(), l.dir, store.Options{Now: func() time.Time { return l.now }}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *keptLog) restart() {
	l.t.Helper()
	if err := l.store.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.open()
}

// write adds rows to one chain.
func (l *keptLog) write(rows int) {
	l.t.Helper()
	const head = `{"resourceType":"AuditEvent",`
	u := exchange.Unit{Audits: make([]exchange.Audit, rows)}
	for i := range u.Audits {
		u.Audits[i] = exchange.Audit{Compartment: exchange.SystemCompartment, Body: []byte(head + `"action":"R"}`), RecordedAt: len(head)}
	}
	if _, err := l.store.Commit(context.Background(), u); err != nil {
		l.t.Fatal(err)
	}
}

// look is one look of the keeper of the log; it fails unless so many checkpoints stand then.
func (l *keptLog) look(what string, want int) {
	l.t.Helper()
	if err := signDue(context.Background(), l.store, l.key, l.now); err != nil {
		l.t.Fatal(err)
	}
	err := l.store.View(context.Background(), func(v exchange.Snapshot) error {
		rows, err := v.Audit("_checkpoint", 1, 100)
		if len(rows) != want {
			l.t.Errorf("%s: %d checkpoints, want %d", what, len(rows), want)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// TestTheLogIsSignedEveryTenMinutesOrTenThousandRows: whichever is first, counted from the oldest row
// that no checkpoint covers; a server that is started again and again misses none.
func TestTheLogIsSignedEveryTenMinutesOrTenThousandRows(t *testing.T) {
	t.Parallel()
	k, err := jose.GenerateKey(jose.ES384)
	if err != nil {
		t.Fatal(err)
	}
	l := &keptLog{t: t, dir: t.TempDir(), now: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), key: auditSigner{k}}
	l.open()
	defer func() {
		if err := l.store.Close(); err != nil {
			t.Error(err)
		}
	}()
	l.look("an empty log", 0)
	l.write(1)
	l.now = l.now.Add(10*time.Minute - time.Second)
	l.look("before ten minutes", 0)
	l.now = l.now.Add(time.Second)
	l.look("after ten minutes", 1)
	l.now = l.now.Add(24 * time.Hour)
	l.look("a day without rows", 1)

	l.write(9_999)
	l.look("a row less than ten thousand", 1)
	l.write(1)
	l.look("ten thousand rows", 2)

	l.write(1)
	for range 9 {
		l.now = l.now.Add(time.Minute)
		l.restart()
		l.look("started each minute", 2)
	}
	l.now = l.now.Add(time.Minute + time.Second)
	l.restart()
	l.look("the tenth start", 3)

	l.write(1)
	l.now = l.now.Add(48 * time.Hour)
	l.restart()
	l.look("started after two days", 4)
	v, err := l.store.VerifyAudit(t.Context(), store.AuditCheck{Signer: l.key})
	if err != nil || v.Break != nil || v.Checkpoints != 4 {
		t.Errorf("%+v %v", v, err)
	}
}
