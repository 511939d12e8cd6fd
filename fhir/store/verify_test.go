package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
)

func TestVerifyAuditFindsEveryKindOfBreak(t *testing.T) {
	broken := func(seq int64, kind string) *store.Break {
		return &store.Break{Compartment: "boris", Seq: seq, Kind: kind}
	}
	const boris = ` WHERE comp=(SELECT comp FROM epoch WHERE name='boris')`
	for _, c := range []struct{ name, sql string }{
		{"nothing", `SELECT 1`},
		{"a row in the middle deleted", `DELETE FROM audit` + boris + ` AND seq=3`},
		{"the first row deleted", `DELETE FROM audit` + boris + ` AND seq=1`},
		{"the last row deleted", `DELETE FROM audit` + boris + ` AND seq=5`},
		{"an instant changed", `UPDATE audit SET at=at+1` + boris + ` AND seq=2`},
		{"a body exchanged", `UPDATE audit SET body=(SELECT body FROM audit a WHERE a.comp<>audit.comp)` + boris + ` AND seq=4`},
		{"a body damaged", `UPDATE audit SET body=x'00'` + boris + ` AND seq=4`},
		{"a prev changed", `UPDATE audit SET prev=zeroblob(32)` + boris + ` AND seq=4`},
		{"a row added", `INSERT INTO audit SELECT comp,6,at,hash,hash,dict,recorded_at,body FROM audit` + boris + ` AND seq=5`},
		{"the head changed", `UPDATE epoch SET hash=zeroblob(32) WHERE name='boris'`},
	} {
		want := map[string]*store.Break{
			"nothing": nil, "a row in the middle deleted": broken(3, store.BreakGap), "the first row deleted": broken(1, store.BreakGap),
			"the last row deleted": broken(4, store.BreakTail), "an instant changed": broken(2, store.BreakHash),
			"a body exchanged": broken(4, store.BreakBody), "a body damaged": broken(4, store.BreakBody),
			"a prev changed": broken(4, store.BreakPrev), "a row added": broken(6, store.BreakHash), "the head changed": broken(5, store.BreakTail),
		}[c.name]
		t.Run(c.name, func(t *testing.T) {
			s := openAt(t, t.TempDir())
			for i := range 5 {
				commit(t, s, unit("a", i+1))
			}
			commit(t, s, exchange.Unit{Audits: []exchange.Audit{{Compartment: "_system", Body: []byte(`{"resourceType":"AuditEvent","y":2}`), RecordedAt: 1}}})
			if err := s.Exec(context.Background(), c.sql); err != nil {
				t.Fatal(err)
			}
			v, err := s.VerifyAudit(context.Background(), store.AuditCheck{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, v.Break); d != "" {
				t.Errorf("break (-want +got):\n%s", d)
			}
			if want == nil && (v.Rows != 6 || v.Chains != 2) {
				t.Errorf("%d rows in %d chains, want 6 in 2", v.Rows, v.Chains)
			}
		})
	}
}
