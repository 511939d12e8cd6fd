package netwerk_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/packages"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/netwerk"
)

// validator knows R4, our artefacts and, with the profiles' folder, those of nl-core.
func validator(folders ...string) (*validate.Validator, error) {
	var set packages.Set
	for _, f := range folders {
		if err := set.Load(f); err != nil {
			return nil, err
		}
	}
	own, err := artifacts.All()
	for _, r := range own {
		set.Add(r)
	}
	terms := terminology.New(set.Resources("CodeSystem", "ValueSet"))
	return validate.New(validate.Options{Definition: set.Definition, Member: terms.Member}), err
}

var ours = sync.OnceValues(func() (*validate.Validator, error) { return validator() })

func TestWhatRecordsBecomeConformsToTheProfilesItClaims(t *testing.T) {
	t.Parallel()
	profiles := filepath.Join(cmp.Or(os.Getenv("DRIELUIK_SHARED"), filepath.Join("..", "..", "..", "shared")), "fhir", "nl-core", "package")
	if _, err := os.Stat(profiles); err != nil {
		t.Skip("the profiles of nl-core are absent: set DRIELUIK_SHARED")
	}
	v, err := validator(profiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"01-boris", "02-daan"} {
		r, _ := taken(t, file(t, "valid/"+name+".json"), mapping.NewMemory())
		for _, x := range resources(r) {
			for p := range x.Root().All("meta", "profile") {
				if !v.Knows(p.Text()) {
					t.Errorf("%s claims %s, which is not there", x.Ref(), p.Text())
				}
			}
			for _, i := range v.Resource(x) {
				if i.Severity == fhir.SeverityError {
					t.Errorf("%s %s: %s %s %s", name, x.Ref(), i.Expression, i.Diagnostics, i.Text)
				}
			}
		}
	}
}

// draw makes records: each member may come or go, codes and references are of the lists.
type draw struct{ *rapid.T }

func (d draw) one(label string, of ...string) string { return rapid.SampledFrom(of).Draw(d.T, label) }
func (d draw) maybe(label string) bool               { return rapid.Bool().Draw(d.T, label) }
func (d draw) number(label string, low, high int) int {
	return rapid.IntRange(low, high).Draw(d.T, label)
}

func (d draw) text(label string) string {
	return d.one(label, "x", "XXX_Oma Rie", "regel\nregel", "é👶🏽", "<b>&amp;", "twee  spaties", "2026-10-01", "n1", "\u202eom", "net-1#n1")
}

func (d draw) some(label string, of ...string) []any {
	var out []any
	for range d.number(label+" count", 1, 3) {
		out = append(out, d.one(label, of...))
	}
	return out
}

// put sets an optional member: it stays away, is empty, or has a value.
func (d draw) put(into map[string]any, name string, value func() any) {
	switch d.number(name+" is", 0, 5) {
	case 0, 1:
	case 2:
		into[name] = rapid.SampledFrom([]any{nil, []any{}, map[string]any{}}).Draw(d.T, name+" empty")
	default:
		into[name] = value()
	}
}

var (
	offered = []string{"vervoer", "oppas", "zorg-onder-instructie", "professionele-zorg"}
	week    = []string{"mon", "tue", "sun"}
)

func (d draw) member(i int, ids []string) map[string]any {
	person := i == 0 || d.maybe("person")
	out := map[string]any{
		"id": ids[i], "naam": d.text("naam"), "kring": d.number("kring", 1, 4),
		"sterkte":  d.one("sterkte", "sterk", "matig", "zwak", "gespannen", "verbroken"),
		"richting": d.one("richting", "naar-client", "van-client", "wederzijds"),
	}
	d.put(out, "relatie", func() any { return d.text("relatie") })
	d.put(out, "aanbod", func() any { return d.some("aanbod", offered...) })
	d.put(out, "niet", func() any { return d.some("niet", "koken", "administratie") })
	d.put(out, "grenzen", func() any { return []any{d.text("grens"), d.text("grens")} })
	d.put(out, "telefoon", func() any { return d.text("telefoon") })
	d.put(out, "beschikbaarheid", func() any {
		free := map[string]any{"dagen": d.some("dagen", week...)}
		d.put(free, "van", func() any { return "09:00" })
		d.put(free, "tot", func() any { return "23:59" })
		return []any{free}
	})
	d.put(out, "onbekend/~", func() any { return map[string]any{"a": []any{1, nil}} })
	if !person {
		out["soort"] = d.one("soort", "professional", "organisatie")
		d.put(out, "ura", func() any { return "90000007" })
		return out
	}
	out["soort"] = d.one("soort", "familie", "vriend", "buur", "vrijwilliger", "lotgenoot")
	d.put(out, "relatieCode", func() any { return d.one("relatieCode", "AUNT", "OTH") })
	d.put(out, "belasting", func() any { return d.number("belasting", 0, 4) })
	d.put(out, "zichtbaarVoor", func() any { return d.some("zichtbaarVoor", ids...) })
	consent := map[string]any{
		"benaderen": true, "datum": "2026-10-01", "gegevenDoor": []any{map[string]any{"rol": "gezag", "naam": d.text("gever")}, map[string]any{"rol": "kind", "naam": "x", "bsn": "999912148"}},
	}
	d.put(consent, "ziet", func() any { return d.some("ziet", "agenda", "eigen-taken", "doelen", "medisch-kort") })
	d.put(consent, "ingetrokken", func() any { return "2026-10-09" })
	out["toestemming"] = consent
	return out
}

func (d draw) agreement(i int, ids []string) map[string]any {
	freq := map[string]any{"dagen": d.some("dagen", week...)}
	d.put(freq, "tijd", func() any { return "00:00" })
	d.put(freq, "per", func() any { return d.one("per", "week", "twee-weken", "maand") })
	out := map[string]any{
		"id": fmt.Sprintf("t%d", i), "wat": d.text("wat"), "soort": d.one("soort", offered...), "wie": d.one("wie", ids...),
		"frequentie": freq, "start": "2026-10-06", "status": d.one("status", "voorgesteld", "geaccepteerd", "geweigerd", "loopt", "gestopt"),
		"beslisser": map[string]any{"naam": "x", "rol": d.one("rol", "client", "ouder", "organisatie"), "organisatie": d.text("organisatie")},
		"evaluatie": "2026-12-01", "voorbereiding": map[string]any{"tekst": d.text("tekst"), "datum": "2026-10-01", "door": d.one("door", ids...)},
	}
	d.put(out, "doel", func() any { return d.text("doel") })
	d.put(out, "reden", func() any { return d.text("reden") })
	d.put(out, "instructieDoor", func() any { return d.one("instructieDoor", ids...) })
	d.put(out, "reserve", func() any { return d.one("reserve", ids...) })
	return out
}

func (d draw) record() map[string]any {
	ids := []string{"n1", "n2", "a-3", "Z"}[:d.number("members", 1, 4)]
	client := map[string]any{"lokaalId": "K-1", "naam": d.text("naam"), "bsn": "999912148"}
	d.put(client, "geboortedatum", func() any { return d.one("born", "2025-05-04", "2013-06-01", "2009-01-01") })
	out := map[string]any{
		"schema": "netwerk/1", "recordId": "net-1", "versie": d.number("versie", 1, 1_000_000),
		"vastgelegdOp": d.one("op", "2026-10-01T19:40:00+02:00", "2026-10-01T19:40:00.5Z", "2026-10-01T19:40:00.123456789-00:00"),
		"bronsysteem":  map[string]any{"ura": "90000001", "naam": d.text("bron")}, "client": client,
		"opgesteldDoor": map[string]any{"rol": d.one("rol", "client", "ouder", "kantelcoach"), "naam": d.text("naam")},
		"datum":         "2026-10-01", "geldigTot": d.one("tot", "2027-04-01", "2028-01-01"),
		"besluit": map[string]any{"wie": d.text("wie"), "aanspreekpuntOrganisatie": map[string]any{"naam": "x", "organisatie": d.text("organisatie"), "mandaat": "y"}},
	}
	var members, agreements []any
	for i := range ids {
		members = append(members, d.member(i, ids))
	}
	out["leden"] = members
	if len(ids) > 1 {
		d.put(out, "onderling", func() any { return []any{map[string]any{"a": ids[1], "b": ids[0], "sterkte": "matig"}} })
	}
	for i := range d.number("agreements", 0, 2) {
		agreements = append(agreements, d.agreement(i, ids))
	}
	d.put(out, "afspraken", func() any { return agreements })
	return out
}

// TestWhateverIsAcceptedIsValidTracedAndReturns is reverse(map(r)) = r.
func TestWhateverIsAcceptedIsValidTracedAndReturns(t *testing.T) {
	t.Parallel()
	v, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	rapid.Check(t, func(rt *rapid.T) {
		text, err := json.Marshal(draw{rt}.record())
		if err != nil {
			rt.Fatal(err)
		}
		if holds(rt, v, text) {
			accepted++
		}
	})
	if accepted < 5 {
		t.Errorf("only %d records were accepted", accepted)
	}
}

type failer interface {
	Helper()
	Errorf(string, ...any)
}

// holds checks what every document must keep to, and reports whether it was accepted.
func holds(t failer, v *validate.Validator, text []byte) bool {
	t.Helper()
	doc, issues := fhir.ParseDocument(text, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return false
	}
	s, found := netwerk.Format{}.Read(doc, receipt)
	r, err := netwerk.Format{}.Map(s, mapping.NewMemory(), receipt)
	if err != nil {
		t.Errorf("%v", err)
	}
	if refused := fhir.HasErrors(found) || fhir.HasErrors(r.Issues); refused || len(r.Resources) == 0 {
		if !refused || len(r.Resources) > 0 {
			t.Errorf("refused is %v with %d resources", refused, len(r.Resources))
		}
		return false
	}
	for _, x := range resources(r) {
		for _, i := range v.Resource(x) {
			if i.Severity == fhir.SeverityError {
				t.Errorf("%s: %s %s", x.Ref(), i.Expression, i.Text)
			}
		}
	}
	var traced []string
	for _, x := range r.Trace {
		traced = append(traced, x.Pointer)
	}
	untraced(doc.Root(), traced, t)
	returns(t, text, r)
	return true
}

// untraced reports the leaves that no trace covers.
func untraced(n fhir.Node, traced []string, t failer) {
	if slices.Contains(traced, n.Pointer()) && n.Pointer() != "" {
		return
	}
	if n.Len() == 0 {
		t.Errorf("%s has no trace", n.Pointer())
	}
	for c := range n.Children() {
		untraced(c, traced, t)
	}
}

// FuzzDocument holds that no document makes the format panic, and that what it accepts is valid, traced and
// comes back.
func FuzzDocument(f *testing.F) {
	v, err := ours()
	if err != nil {
		f.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(records, "*valid", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		f.Add(file(f, filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name))))
	}
	f.Fuzz(func(t *testing.T, text []byte) { holds(t, v, text) })
}
