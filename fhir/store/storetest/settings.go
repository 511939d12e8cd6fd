package storetest

import (
	"context"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// settings: they stand in the unit that writes them, which a moved one fails, and are read in pages by prefix.
func settings(t *testing.T, open Open) {
	s := open(t)
	set := func(key, value string) exchange.Setting { return exchange.Setting{Key: key, Value: []byte(value)} }
	commit(t, s, exchange.Unit{Settings: []exchange.Setting{
		set("a/9", "niet"), set("b/10", "x"), set("b/2", "y"), set("b/Z", "z"), set("b/a", "w"), set("b0", "niet"), set("b", "niet"),
	}})
	read := func(after string, max int) (got []exchange.Setting) {
		view(t, s, func(sn exchange.Snapshot) (err error) {
			got, err = sn.Settings("b/", after, max)
			return err
		})
		return got
	}
	same(t, "all", read("", 9), []exchange.Setting{set("b/10", "x"), set("b/2", "y"), set("b/Z", "z"), set("b/a", "w")})
	same(t, "a page", read("b/10", 2), []exchange.Setting{set("b/2", "y"), set("b/Z", "z")})
	task := fhir.Ref{Type: "Task", ID: "t", Version: 1}
	for i, c := range []struct {
		relied exchange.Setting
		want   fhir.Kind
	}{
		{set("b/10", "anders"), fhir.Conflict}, {exchange.Setting{Key: "b/10"}, fhir.Conflict}, {set("b/11", "x"), fhir.Conflict},
		{set("b/10", "x"), 0}, {exchange.Setting{Key: "b/11"}, 0},
	} {
		task.Version = i + 1
		_, err := s.Commit(context.Background(), exchange.Unit{
			Relied: []exchange.Reliance{{Setting: &c.relied}}, Notices: []exchange.Notice{{Compartment: "kind", Ref: task, Kind: "create"}},
			Settings: []exchange.Setting{{Key: "b/2"}, set("b/Z", "twee")},
		})
		if c.want == 0 && err != nil || c.want != 0 && fhir.KindOf(err) != c.want {
			t.Errorf("relying on %+v: %v", c.relied, err)
		}
		if c.want != 0 {
			same(t, "after a unit that failed", read("b/10", 2), []exchange.Setting{set("b/2", "y"), set("b/Z", "z")})
		}
	}
	same(t, "after both", read("", 9), []exchange.Setting{set("b/10", "x"), set("b/Z", "twee"), set("b/a", "w")})
}
