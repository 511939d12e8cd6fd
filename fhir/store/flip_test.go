package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

// seal is a Signer for tests.
type seal struct{ name string }

func (s seal) Sign(payload []byte) (string, error) { return s.name + ":" + string(payload), nil }

func (s seal) Verify(signed string) ([]byte, error) {
	payload, ok := strings.CutPrefix(signed, s.name+":")
	if !ok {
		return nil, errors.New("foreign")
	}
	return []byte(payload), nil
}

// loggedUnit is a write with its event, as the use cases make it.
func loggedUnit(comp, id string, version int) exchange.Unit {
	ref := fhir.Ref{Type: "Goal", ID: id, Version: version}
	life := map[bool]string{true: "1", false: "3"}[version == 1]
	return exchange.Unit{
		Writes: []exchange.Write{{Ref: ref, Body: []byte(`{"resourceType":"Goal"}`), Compartments: []string{comp}}},
		Audits: []exchange.Audit{{Compartment: comp, RecordedAt: len(`{"resourceType":"AuditEvent",`), Body: fmt.Appendf(nil,
			`{"resourceType":"AuditEvent","outcome":"0","entity":[{"what":{"reference":%q},"lifecycle":{"code":%q}}]}`, ref, life)}},
	}
}

// vouchedLog is a log of two children with two checkpoints and rows beyond the last.
func vouchedLog(t *testing.T) *store.Store {
	t.Helper()
	s := openAt(t, t.TempDir())
	for round := 1; round <= 3; round++ {
		commit(t, s, loggedUnit("boris", "a", round))
		commit(t, s, loggedUnit("sanne", "b", round))
		if round == 3 {
			break
		}
		if signed, err := s.SignAudit(context.Background(), seal{"us"}); err != nil || !signed {
			t.Fatal(signed, err)
		}
	}
	return s
}

func wholeCheck() store.AuditCheck { return store.AuditCheck{Signer: seal{"us"}, Writes: true} }

func verify(t *testing.T, s *store.Store, check store.AuditCheck) store.Verification {
	t.Helper()
	v, err := s.VerifyAudit(context.Background(), check)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestAFlippedByteIsFoundWithItsPosition changes every column of every row of the log, a body at each of
// its bytes, one at a time.
func TestAFlippedByteIsFoundWithItsPosition(t *testing.T) {
	t.Parallel()
	s := vouchedLog(t)
	if v := verify(t, s, wholeCheck()); v.Break != nil || v.Rows != 8 || v.Checkpoints != 2 || v.Chains != 2 {
		t.Fatalf("untouched: %+v %+v", v, v.Break)
	}
	ctx := context.Background()
	rows, err := s.Dump(ctx)
	if err != nil || len(rows) != 8 {
		t.Fatal(len(rows), err)
	}
	flips, last := 0, rows[0]
	flip := func(row store.Dumped, column string, changed any) {
		flips++
		if err := s.Set(ctx, last, row, column, changed); err != nil {
			t.Fatal(err)
		}
		v, err := s.VerifyAudit(ctx, wholeCheck())
		if err != nil {
			t.Fatalf("%s %d %s: %v", row.Compartment, row.Seq, column, err)
		}
		b := v.Break
		switch {
		case b == nil:
			t.Errorf("%s row %d, %s: not found", row.Compartment, row.Seq, column)
		case column != "comp" && b.Compartment != row.Compartment, b.Seq != row.Seq && b.Seq != row.Seq-1:
			t.Errorf("%s row %d, %s: found at %+v", row.Compartment, row.Seq, column, *b)
		}
		last = row
	}
	for _, row := range rows {
		for column, value := range map[string]int64{"comp": row.Comp, "seq": row.Seq, "at": row.At, "dict": row.Dict, "recorded_at": row.RecordedAt} {
			for bit := 0; bit < 40; bit += 5 {
				if column == "comp" && bit < 3 || column == "seq" && bit < 3 {
					continue // would take the place of another row
				}
				flip(row, column, value^1<<bit)
			}
		}
		for column, blob := range map[string][]byte{"prev": row.Prev, "hash": row.Hash, "body": row.Body} {
			step := 1
			if column != "body" {
				step = 7
			}
			for i := 0; i < len(blob); i += step {
				changed := bytes.Clone(blob)
				changed[i] ^= 1 << (i % 8)
				flip(row, column, changed)
			}
		}
	}
	if flips < 500 {
		t.Errorf("only %d flips", flips)
	}
	if err := s.Restore(ctx, last); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, s, wholeCheck()); v.Break != nil {
		t.Errorf("put back: %+v", *v.Break)
	}
}

// TestWhatIsCutOffOrRewrittenIsFound: what the chains themselves cannot tell, because their heads were
// changed with them.
func TestWhatIsCutOffOrRewrittenIsFound(t *testing.T) {
	t.Parallel()
	const boris = `(SELECT comp FROM epoch WHERE name='boris')`
	for name, c := range map[string]struct {
		sql, kind string
		check     store.AuditCheck
	}{
		"the tail cut off with its head": {`DELETE FROM audit WHERE comp=` + boris + ` AND seq>1;
			UPDATE epoch SET seq=1,hash=(SELECT hash FROM audit WHERE comp=` + boris + ` AND seq=1) WHERE name='boris'`, store.BreakCheckpoint, store.AuditCheck{Signer: seal{"us"}}},
		"a whole chain gone":   {`DELETE FROM audit WHERE comp=` + boris + `; UPDATE epoch SET seq=0,hash=zeroblob(32) WHERE name='boris'`, store.BreakCheckpoint, store.AuditCheck{Signer: seal{"us"}}},
		"the event of a write": {`UPDATE resource_version SET ver=9 WHERE comp=` + boris + ` AND ver=2`, store.BreakUnlogged, wholeCheck()},
		"another's signature":  {`SELECT 1`, store.BreakSignature, store.AuditCheck{Signer: seal{"them"}}},
		"a row of no chain":    {`UPDATE audit SET comp=77 WHERE comp=` + boris + ` AND seq=3`, store.BreakStray, wholeCheck()},
		"nothing":              {`SELECT 1`, "", wholeCheck()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := vouchedLog(t)
			if err := s.Exec(context.Background(), c.sql); err != nil {
				t.Fatal(err)
			}
			v := verify(t, s, c.check)
			kind := ""
			if v.Break != nil {
				kind = v.Break.Kind
			}
			if kind != c.kind {
				t.Errorf("found %q %+v, want %q", kind, v.Break, c.kind)
			}
		})
	}
}

// TestACheckpointIsMadeOnlyWhereTheLogHasGrown: and the rows beyond the last are counted.
func TestACheckpointIsMadeOnlyWhereTheLogHasGrown(t *testing.T) {
	t.Parallel()
	s := vouchedLog(t)
	ctx := context.Background()
	for _, want := range []struct {
		rows   int64
		signed bool
	}{{2, true}, {0, false}, {0, false}} {
		n, since, err := s.Unsigned(ctx)
		signed, serr := s.SignAudit(ctx, seal{"us"})
		if err != nil || serr != nil || n != want.rows || signed != want.signed || since.IsZero() == want.signed {
			t.Errorf("%d rows, signed %v, %v %v; want %+v", n, signed, err, serr, want)
		}
	}
	if v := verify(t, s, wholeCheck()); v.Break != nil || v.Checkpoints != 3 {
		t.Errorf("%+v %+v", v, v.Break)
	}
}

// openClocked opens a store whose clock shows now.
func openClocked(t *testing.T, now *time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), t.TempDir(), store.Options{Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestOldRowsGoAndLeaveAnAnchor: what is left is whole, can grow, and can be purged again.
func TestOldRowsGoAndLeaveAnAnchor(t *testing.T) {
	t.Parallel()
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openClocked(t, &now)
	ctx := context.Background()
	year := func(n int) time.Time { return time.Date(2020+n, 1, 1, 0, 0, 0, 0, time.UTC) }
	for n := range 6 {
		now = year(n).Add(time.Hour)
		commit(t, s, loggedUnit("boris", "a", n+1))
		if n < 2 {
			commit(t, s, loggedUnit("sanne", "b", n+1))
		}
		if _, err := s.SignAudit(ctx, seal{"us"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ before, gone, left int }{{0, 0, 8}, {2, 4, 4}, {2, 0, 4}, {5, 3, 1}} {
		n, err := s.PurgeAudit(ctx, seal{"us"}, year(c.before))
		if err != nil || n != c.gone {
			t.Fatalf("before year %d: %d rows went, want %d, %v", c.before, n, c.gone, err)
		}
		v := verify(t, s, wholeCheck())
		rows, err := s.Audits(ctx, store.AuditSpan{Max: 100})
		if v.Break != nil || err != nil || len(rows) != c.left {
			t.Errorf("before year %d: %+v, %d rows are left, want %d, %v", c.before, v.Break, len(rows), c.left, err)
		}
	}
	now = year(6)
	commit(t, s, loggedUnit("sanne", "b", 3))
	commit(t, s, loggedUnit("boris", "a", 7))
	if _, err := s.SignAudit(ctx, seal{"us"}); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, s, wholeCheck()); v.Break != nil {
		t.Errorf("grown on: %+v", *v.Break)
	}
}

// TestALongLogGoesStepByStep: who writes waits for none of years of rows, and what is left is whole.
func TestALongLogGoesStepByStep(t *testing.T) {
	t.Parallel()
	const rows = 4500
	now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	groups := 0
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{Now: func() time.Time { return now }, Committed: func(int, time.Duration) { groups++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u := unit("a", 1)
	for range rows - 1 {
		u.Audits = append(u.Audits, u.Audits[0])
	}
	commit(t, s, u)
	now = now.AddDate(1, 0, 0)
	commit(t, s, unit("a", 2))
	if _, err := s.SignAudit(t.Context(), seal{"us"}); err != nil {
		t.Fatal(err)
	}
	before := groups
	if n, err := s.PurgeAudit(t.Context(), seal{"us"}, now.Add(-time.Hour)); err != nil || n != rows || groups-before < 3 {
		t.Errorf("%d rows went in %d steps: %v", n, groups-before, err)
	}
	if v := verify(t, s, store.AuditCheck{Signer: seal{"us"}}); v.Break != nil || v.Rows < 1 {
		t.Errorf("%+v", v)
	}
}

// TestNobodyTakesMoreThanAPurge: of a purged log each further row is missed, and so is what vouches for
// those that went.
func TestNobodyTakesMoreThanAPurge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for what, sql := range map[string]string{
		"a row at the beginning": `DELETE FROM audit WHERE comp=(SELECT comp FROM epoch WHERE name='boris') AND seq=3`,
		"a row at the end":       `DELETE FROM audit WHERE comp=(SELECT comp FROM epoch WHERE name='boris') AND seq=4`,
		"the anchor":             `DELETE FROM audit WHERE comp=(SELECT comp FROM epoch WHERE name='_anchor') AND seq=1`,
		"a whole chain":          `DELETE FROM audit WHERE comp=(SELECT comp FROM epoch WHERE name='sanne')`,
	} {
		now := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		s := openClocked(t, &now)
		for n := range 4 {
			now = time.Date(2020+n, 1, 1, 1, 0, 0, 0, time.UTC)
			commit(t, s, loggedUnit("boris", "a", n+1))
			commit(t, s, loggedUnit("sanne", "b", n+1))
			if _, err := s.SignAudit(ctx, seal{"us"}); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.PurgeAudit(ctx, seal{"us"}, time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || n != 4 {
			t.Fatalf("%d rows went, %v", n, err)
		}
		if v := verify(t, s, wholeCheck()); v.Break != nil {
			t.Fatalf("before: %+v", *v.Break)
		}
		if err := s.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
		if v := verify(t, s, wholeCheck()); v.Break == nil {
			t.Errorf("%s went, and nothing is found", what)
		}
	}
}

// TestAPartOfTheLogIsCheckedByItself: what lies outside the span is not looked at.
func TestAPartOfTheLogIsCheckedByItself(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openClocked(t, &now)
	ctx := context.Background()
	for day := range 5 {
		now = time.Date(2026, 1, 1+day, 12, 0, 0, 0, time.UTC)
		commit(t, s, loggedUnit("boris", "a", day+1))
		if _, err := s.SignAudit(ctx, seal{"us"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Exec(ctx, `UPDATE audit SET body=x'00' WHERE comp=(SELECT comp FROM epoch WHERE name='boris') AND seq=2`); err != nil {
		t.Fatal(err)
	}
	check := wholeCheck()
	check.From = time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)
	if v := verify(t, s, check); v.Break != nil {
		t.Errorf("after the damage: %+v", *v.Break)
	}
	if v := verify(t, s, wholeCheck()); v.Break == nil || v.Break.Seq != 2 {
		t.Errorf("all of it: %+v", v.Break)
	}
}
