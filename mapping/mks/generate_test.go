package mks_test

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
)

// Draw answers a number from 0 to below n: the choices of a generator of documents.
type Draw func(n int) int

// Change gives members of a document other values of their types, by the member table of its record:
// any member may come, go, be empty, or have one that no table knows.
func Change(doc map[string]any, times int, draw Draw) {
	name, ok := doc["recordType"].(string)
	of, known := record.Of(name)
	if !ok || !known {
		return
	}
	g := generator{draw}
	for range times {
		g.change(doc, of.Whole)
	}
}

type generator struct{ draw Draw }

// change gives one member of an object, or of what it holds, another value.
func (g generator) change(v map[string]any, fs form.Fields) {
	if g.draw(12) == 0 || len(fs) == 0 {
		v[pick(g, oddNames)] = json.RawMessage(pick(g, oddValues))
		return
	}
	f := fs[g.draw(len(fs))]
	name := f.Name()
	if v[name] != nil && g.draw(8) > 0 && g.descend(v[name], f.Type().Fields()) {
		return
	}
	if name == "schema" || name == "recordType" {
		return
	}
	low, _ := f.Bounds()
	optional := low == 0
	switch {
	case optional && g.draw(6) == 0:
		delete(v, name)
	case optional && g.draw(6) == 0:
		v[name] = json.RawMessage(pick(g, []string{"null", "[]", "{}"}))
	default:
		v[name] = g.member(f)
	}
}

// descend changes something inside a member. It reports whether there was anything to change.
func (g generator) descend(v any, fs form.Fields) bool {
	switch v := v.(type) {
	case map[string]any:
		g.change(v, fs)
		return true
	case []any:
		return len(v) > 0 && g.descend(v[g.draw(len(v))], fs)
	}
	return false
}

func (g generator) member(f form.Field) any {
	low, high := f.Bounds()
	if high == 0 {
		return g.value(f.Type())
	}
	var out []any
	for range max(low, min(high, 1+g.draw(3))) {
		out = append(out, g.value(f.Type()))
	}
	return out
}

func (g generator) value(t form.Type) any {
	switch {
	case t.Kinds() != nil:
		return pick(g, refPool[t.Kinds()[g.draw(len(t.Kinds()))]])
	case t.Shape() == fhir.Bool:
		return g.draw(2) == 0
	case t.Shape() == fhir.Number:
		return json.Number(pick(g, passing(numberPool, t)))
	case t.Shape() == fhir.String:
		if t.Accepts("gewoon") && g.draw(8) > 0 {
			return pick(g, passing(textPool, t))
		}
		return pick(g, passing(stringPool(), t))
	}
	out := map[string]any{}
	for _, f := range t.Fields() {
		if low, _ := f.Bounds(); low > 0 || g.draw(2) == 0 {
			out[f.Name()] = g.member(f)
		}
	}
	if first := t.Fields()[0]; len(out) == 0 {
		out[first.Name()] = g.member(first)
	}
	return out
}

func pick[T any](g generator, all []T) T { return all[g.draw(len(all))] }

// passing returns the textPool that a type accepts.
func passing(pool []string, t form.Type) []string {
	return slices.DeleteFunc(slices.Clone(pool), func(s string) bool { return !t.Accepts(s) })
}

// refPool are references that the sample child boris and his source systems resolve.
var refPool = map[string][]string{
	"bet": {"bet-01", "bet-02", "bet-03", "bet-04"}, "med": {"med-01", "med-02", "med-05"},
	"org": {"org-01", "org-02", "org-04", "ura:90000002", "ura:90000009"}, "kind": {"kind"},
}

var oddNames = []string{"extra", "a/b", "~", "~1", "", "é👶", "0", "toelichting", "tekst", "a b\n"}

var oddValues = []string{
	"null", "[]", "{}", `""`, `" "`, `"x"`, "0", "-0.0", "1e400", "12345678901234567890.10", "true",
	`{"a":[1,null,{"b":[]}]}`, `[[],{},null,"\u0000"]`, `"\ud83d\ude00\u202eabc\u2066"`, `"<b>&amp;"`,
}

var numberPool = []string{
	"1", "2", "1.0", "20", "2e1", "100", "1e2", "37.20", "0.1", "0", "-1", "6", "3", "123456789.123456789", "12", "30",
}

// textPool are strings of every type, and such as break what is not careful.
var textPool = []string{
	"gewoon", " voor en na ", "twee  spaties", "regel\r\nregel\n\teind\r", "👶🏽👩‍👧 é e\u0301", "\u202eomgekeerd\u202c \u200f\u2067x\u2069",
	"\u00a0hard\u00a0", "\ufeffbom", "\u2028lijn\u2029", "\ufffe\uffff", "\u0080\u009f", "<b>&amp;]]></div>", `"\'`, "niet vermeld",
	"Zo nodig: x", "hbs-1#b", "a#b/1", "zp-1/2", "zp-1001/2", "hbs-1001/1", "geen", "kind", "ura:90000002", "sonde",
	"2026", "2026-10", "2026-10-25", "2026-03-29", "2024-02-29", "2019-03-04", "2025-05-04", "0001-01-01", "9999-12-31", "2026-11-01",
	"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-03-29T01:59:59.9+01:00", "2026-03-29T03:00:00+02:00", "2026-10-20T15:00:00Z",
	"2026-10-20T15:00:00.120Z", "2026-10-20T15:00:00.123456789+05:45", "2026-10-20T15:00:00-00:00", "2026-10-20T15:00:00+14:00", "2026-10-20t15:00:00z",
	"2026-11-02T10:15:00+01:00", "00:00", "07:00", "12:30", "23:59", "999912148", "999912185", "999930011", "90000001", "90000002", "90000009",
	"01999999", "39999999991", "19999999991", "9999", "01.019", "30.000", "282632008", "302040002", "66598005", "108291000146105", "1234AB", "1234 AB",
	"nl", "en", "NL", "BE", "T2", "Z3", "x1", "x2", "x3", "app-2", "K-1", "a1", "a2", "p1", "p2", "d1", "d2", "application/pdf", "text/plain; charset=utf-8",
	"https://voorbeeld.example/x", "geen url", "9c00df5407fca8647cb60be89006be40d795b499e37a50563eef940a74a43856",
}

// stringPool is textPool and the codes of all lists.
var stringPool = sync.OnceValue(func() []string {
	out := slices.Clone(textPool)
	for _, of := range record.All() {
		out = append(out, codesIn(of.Whole)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
})

// codesIn are the codes of the closed lists that a table names.
func codesIn(fs form.Fields) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Type().Codes()...)
		out = append(out, codesIn(f.Type().Fields())...)
	}
	return out
}
