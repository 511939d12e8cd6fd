package mks_test

import (
	"bytes"
	"regexp"
	"slices"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// sub returns the object that is a member, made when it is absent.
func sub(c map[string]any, name string) map[string]any {
	m, ok := c[name].(map[string]any)
	if !ok {
		m = map[string]any{}
		c[name] = m
	}
	return m
}

func TestTransferRulesFireWhereTheyShould(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(doc, c map[string]any)
		want   string // severity rule expression
	}{
		{"variant 0-1 at eighteen months", func(_, c map[string]any) { c["leeftijdsvariant"] = "0-1" }, "error MKS-OVD-01 /inhoud/leeftijdsvariant"},
		{"a closed gate is told at once", func(_, c map[string]any) { sub(c, "ontslaggereedheid")["materialenGeleverd"] = false }, "warning MKS-OVD-02 /inhoud/ontslaggereedheid"},
		{"no diagnosis", func(_, c map[string]any) { delete(c, "medischeDiagnoses") }, "error MKS-OVD-03 /inhoud"},
		{"no practitioner", func(_, c map[string]any) { c["behandelaars"] = []any{} }, "error MKS-OVD-03 /inhoud"},
		{"sender is receiver", func(_, c map[string]any) { sub(c, "ontvanger")["organisatie"] = "o-zkh" }, "error MKS-OVD-04 /inhoud/ontvanger/organisatie"},
		{"sender is receiver by its URA", func(_, c map[string]any) { sub(c, "ontvanger")["organisatie"] = "ura:90000002" }, "error MKS-OVD-04 /inhoud/ontvanger/organisatie"},
		{"measured after it was recorded", func(_, c map[string]any) {
			sub(c, "metingen")["gewicht"] = map[string]any{"waarde": 9.4, "op": "2026-11-02T15:00:01+01:00"}
		}, "error MKS-OVD-06 /inhoud/metingen/gewicht/op"},
		{"a saturation over 100", func(_, c map[string]any) {
			sub(c, "metingen")["saturatie"] = map[string]any{"waarde": 101, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-07 /inhoud/metingen/saturatie/waarde"},
		{"a pain score outside its scale", func(_, c map[string]any) { sub(c, "pijn")["score"] = 11 }, "error MKS-OVD-08 /inhoud/pijn/score"},
		{"a COMFORT score begins at 6", func(_, c map[string]any) {
			c["pijn"] = map[string]any{"schaal": "COMFORT", "score": 5, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-08 /inhoud/pijn/score"},
		{"a malformed digest", func(_, c map[string]any) {
			c["bijlagen"] = []any{map[string]any{"titel": "x", "mime": "application/pdf", "sha256": "ABC"}}
		}, "error MKS-OVD-09 /inhoud/bijlagen/0/sha256"},
		{"head circumference of a child over one", func(_, c map[string]any) {
			sub(c, "metingen")["schedelomtrek"] = map[string]any{"waarde": 48, "op": "2026-11-02T08:00:00+01:00"}
		}, "error MKS-OVD-10 /inhoud/metingen/schedelomtrek"},
		{"no three-way talk", func(_, c map[string]any) { delete(c, "drieluikGesprek") }, "warning MKS-OVD-11 /inhoud/drieluikGesprek"},
		{"a talk without its day", func(_, c map[string]any) { delete(sub(c, "drieluikGesprek"), "datum") }, "error MKS-OVD-12 /inhoud/drieluikGesprek/datum"},
		{"a sender that is another organisation", func(_, c map[string]any) { sub(c, "verzender")["organisatie"] = "ura:90000001" }, "error MKS-OVD-13 /inhoud/verzender/organisatie"},
		{"no end of the admission", func(_, c map[string]any) { delete(sub(c, "opname"), "tot") }, "warning MKS-OVD-14 /inhoud/opname/tot"},
		{"another custody than is stored", func(_, c map[string]any) { sub(c, "juridisch")["gezag"] = "Voogdij" }, "warning MKS-OVD-15 /inhoud/juridisch/gezag"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, issues := submit(t, storedChild(t), changed(t, c.change))
			if !slices.Contains(told(issues), c.want) {
				t.Errorf("got %q, want %q among them", told(issues), c.want)
			}
		})
	}
}

func told(issues []fhir.Issue) []string {
	var out []string
	for _, i := range issues {
		out = append(out, i.Severity+" "+i.Diagnostics+" "+i.Expression)
	}
	return out
}

func TestSoundTransferGivesOnlyTheGateWarning(t *testing.T) {
	t.Parallel()
	_, _, issues := submit(t, storedChild(t), sample(t, borisTransfer))
	if got := told(issues); !slices.Equal(got, []string{"warning MKS-OVD-02 /inhoud/ontslaggereedheid"}) {
		t.Errorf("issues: %q", got)
	}
}

// gates returns the checks that MKS-OVD-02 names.
func gates(issues []fhir.Issue) []string {
	var out []string
	for _, i := range issues {
		if i.Diagnostics == "MKS-OVD-02" {
			out = append(out, regexp.MustCompile(`G[1-7]`).FindAllString(i.Text, -1)...)
		}
	}
	return out
}

// keptBySender shows what others know of the child as kept by the hospital that sends the transfer.
type keptBySender struct{ *mapping.Memory }

func (k keptBySender) Child(patient fhir.Ref, types ...fhir.Type) ([]*mapping.Found, error) {
	all, err := k.Memory.Child(patient, types...)
	for i, f := range all {
		own := *f
		own.Custodian = fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/90000002")}
		all[i] = &own
	}
	return all, err
}

func TestTransferNamesEveryCheckThatKeepsTheGateClosed(t *testing.T) {
	t.Parallel()
	ready := func(c map[string]any) map[string]any { return c["ontslaggereedheid"].(map[string]any) }
	for _, c := range []struct {
		name   string
		change func(doc, c map[string]any)
		want   []string
	}{
		{"nothing but the acceptance is missing", func(_, _ map[string]any) {}, []string{"G1"}},
		{"nothing is arranged", func(_, c map[string]any) { delete(c, "ontslaggereedheid") }, []string{"G1", "G2", "G3", "G4", "G5", "G6"}},
		{"care at home is not arranged", func(_, c map[string]any) { ready(c)["zorgThuisGeregeld"] = false }, []string{"G1", "G2"}},
		{"no telephone number", func(_, c map[string]any) { delete(ready(c), "aanspreekpunt24u") }, []string{"G1", "G6"}},
		{"one parent is not competent", func(_, c map[string]any) {
			ready(c)["oudersGetraind"].([]any)[1].(map[string]any)["bekwaam"] = false
		}, []string{"G1", "G4", "G5"}},
		{"one parent with a reserved action is not trained", func(_, c map[string]any) {
			ready(c)["oudersGetraind"] = ready(c)["oudersGetraind"].([]any)[:1]
		}, []string{"G1", "G5"}},
		{"another direction has no gate", func(_, c map[string]any) { c["richting"] = "aanbieder-naar-aanbieder" }, nil},
		{"a withdrawal opens and closes nothing", func(doc, _ map[string]any) {
			doc["status"], doc["intrekReden"] = "ingetrokken", "verkeerd kind"
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := storedChild(t)
			apply(t, k, planEdited(t, "boris/07-zorgplan-v3.json", func(_, in map[string]any) {
				for _, a := range planList(in, "acties") {
					for _, e := range planList(a, "uitvoerders") {
						delete(e, "bekwaam")
					}
				}
			}))
			text := changed(t, c.change)
			_, _, issues := submit(t, keptBySender{k}, text)
			if got := gates(issues); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			_, _, issues = submit(t, k, text) // the plan is that of home care: the hospital is told nothing of it
			want := slices.DeleteFunc(slices.Clone(c.want), func(id string) bool { return id == "G5" })
			if got := gates(issues); !slices.Equal(got, want) {
				t.Errorf("of a plan of another: got %v, want %v", got, want)
			}
		})
	}
}

func TestTransferRulesOfThePartiesNeedNoStoredOrganisation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, to, want string }{
		{"the sender is another URA", "ura:90000009", "ura:90000001", "error MKS-OVD-13 /inhoud/verzender/organisatie"},
		{"the receiver is the source system", "o-zkh", "ura:90000002", "error MKS-OVD-04 /inhoud/ontvanger/organisatie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := changed(t, func(_, in map[string]any) {
				in["verzender"].(map[string]any)["organisatie"] = c.from
				in["ontvanger"].(map[string]any)["organisatie"] = c.to
			})
			_, _, issues := submit(t, mapping.NewMemory(), text)
			if !slices.Contains(told(issues), c.want) {
				t.Errorf("got %q, want %q among them", told(issues), c.want)
			}
		})
	}
}

func TestTransferRulesSkipWhatIsFaulty(t *testing.T) {
	t.Parallel()
	text := changed(t, func(_, c map[string]any) {
		c["drieluikGesprek"], c["opname"], c["ontslaggereedheid"] = "ja", 1, map[string]any{"zorgThuisGeregeld": "ja"}
	})
	_, _, issues := submit(t, storedChild(t), text)
	if got := rules(issues, fhir.SeverityWarning); len(got) > 0 {
		t.Errorf("warnings about faulty members: %v", got)
	}
}

func TestVariantChangesOnTheFirstBirthday(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		day, variant string
		refused      bool
	}{
		{"2026-05-03", "0-1", false}, {"2026-05-03", "1-18", true}, {"2026-05-04", "0-1", true}, {"2026-05-04", "1-18", false},
	} {
		t.Run(c.variant+" on "+c.day, func(t *testing.T) {
			t.Parallel()
			k := mapping.NewMemory()
			apply(t, k, planEdited(t, "boris/02-kind-ziekenhuis.json", func(_, in map[string]any) { in["geboortedatum"] = "2025-05-04" }))
			_, _, issues := submit(t, k, changed(t, func(_, in map[string]any) {
				in["overplaatsingsdatum"], in["leeftijdsvariant"] = c.day, c.variant
			}))
			if got := slices.Contains(told(issues), "error MKS-OVD-01 /inhoud/leeftijdsvariant"); got != c.refused {
				t.Errorf("refused is %v: %q", got, told(issues))
			}
		})
	}
}

func TestTransferOfABabyHasItsOwnProfileAndMeasurements(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	apply(t, k, planEdited(t, "boris/02-kind-ziekenhuis.json", func(_, in map[string]any) { in["geboortedatum"] = "2026-05-04" }))
	r := apply(t, k, changed(t, func(_, in map[string]any) {
		in["leeftijdsvariant"] = "0-1"
		in["metingen"] = map[string]any{"schedelomtrek": map[string]any{"waarde": 42.5, "op": "2026-11-02T08:00:00+01:00"}}
	}))
	c := anchorOf(t, r)
	if got := claims(c); !slices.Equal(got, list("mks-overdracht-0-1")) || c.Member("title").Text() != "Overdrachtsbericht kind 0-1 jaar" {
		t.Errorf("%q claims %q", c.Member("title").Text(), got)
	}
	if got := claims(partOf(t, r, "Observation", "schedelomtrek")); !slices.Equal(got, list("nl-core-HeadCircumference")) {
		t.Errorf("the measurement claims %q", got)
	}
	for _, m := range r.Resources {
		checkInvariants(t, m.Resource)
	}
	checkSections(t, r)
}

func TestMeasurementsAreHeldToTheirBounds(t *testing.T) {
	t.Parallel()
	bounds := []struct{ name, below, low, high, above string }{
		{"gewicht", "0.29", "0.3", "200", "200.1"}, {"lengte", "19.9", "20", "220", "220.5"},
		{"saturatie", "-0.1", "0", "100", "100.01"}, {"hartslag", "19", "20", "300", "301"},
		{"ademfrequentie", "3", "4", "120", "121"}, {"temperatuur", "24.9", "25", "45", "45.1"}, {"zuurstof", "-1", "0", "15", "1e400"},
	}
	k := storedChild(t)
	for _, b := range bounds {
		pointer := "error MKS-OVD-07 /inhoud/metingen/" + b.name + "/waarde"
		for value, refused := range map[string]bool{b.below: true, b.low: false, b.high: false, b.above: true} {
			text := bytes.Replace(sample(t, borisTransfer), []byte(`"metingen": {`), []byte(
				`"metingen": {"`+b.name+`":{"waarde":`+value+`,"op":"2026-11-02T15:00:00+01:00"}}, "eerder": {`), 1)
			_, _, issues := submit(t, k, text)
			if got := slices.Contains(told(issues), pointer); got != refused {
				t.Errorf("%s of %s: refused is %v: %q", b.name, value, got, told(issues))
			}
		}
	}
}

// TestCustodyIsNotToldToAStranger: a sender that takes no part in the care does not learn what is stored.
func TestCustodyIsNotToldToAStranger(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	apply(t, k, planEdited(t, "boris/01-kind.json", func(_, in map[string]any) { delete(in, "kindteam") }))
	store(t, k, "boris/02-kind-ziekenhuis.json")
	_, _, issues := submit(t, k, changed(t, func(_, c map[string]any) { sub(c, "juridisch")["gezag"] = "Voogdij" }))
	if slices.Contains(told(issues), "warning MKS-OVD-15 /inhoud/juridisch/gezag") {
		t.Errorf("%q", told(issues))
	}
}
