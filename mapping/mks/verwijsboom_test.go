package mks_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

const (
	referral     = "boris/03-verwijsboom.json"
	referralForm = "QuestionnaireResponse/de44a61b-fc24-5603-8fb3-41f5998e9db8"
)

// treeEdit changes a tree: its document, inhoud and antwoorden.
type treeEdit func(doc, in, given map[string]any)

// tree returns a sample record after some changes.
func tree(t testing.TB, file string, changes ...treeEdit) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(sample(t, file), &doc); err != nil {
		t.Fatal(err)
	}
	in := doc["inhoud"].(map[string]any)
	for _, change := range changes {
		change(doc, in, in["antwoorden"].(map[string]any))
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// answer sets answers, given as pairs of name and value.
func answer(pairs ...any) treeEdit {
	return func(_, _, given map[string]any) {
		for i := 0; i < len(pairs); i += 2 {
			given[pairs[i].(string)] = pairs[i+1]
		}
	}
}

// put sets members of inhoud; nil removes one.
func put(pairs ...any) treeEdit {
	return func(_, in, _ map[string]any) {
		for i := 0; i < len(pairs); i += 2 {
			if in[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
				delete(in, pairs[i].(string))
			}
		}
	}
}

// edition makes it another version, or another status.
func edition(version int, status string) treeEdit {
	return func(doc, _, _ map[string]any) {
		doc["versie"], doc["status"] = version, status
		if status == "ingetrokken" {
			doc["intrekReden"] = "verkeerd kind"
		}
	}
}

// yes answers these questions with ja and all others with nee, for a child of that age.
func yes(age int, names ...string) treeEdit {
	return func(_, in, given map[string]any) {
		for name, v := range given {
			if _, ok := v.(bool); ok {
				given[name] = slices.Contains(names, strings.TrimPrefix(name, "vb."))
			}
		}
		for _, name := range []string{"vb.blijvend24u", "vb.verstandelijk"} {
			given[name] = "nee"
			if slices.Contains(names, strings.TrimPrefix(name, "vb.")) {
				given[name] = "ja"
			}
		}
		given["vb.somatisch"], given["vb.leeftijd"] = true, age
		delete(in, "indicatie")
	}
}

// outcomes sets uitkomsten, given as wet/onderdeel.
func outcomes(names ...string) treeEdit {
	return func(_, in, _ map[string]any) {
		list := []any{}
		for _, name := range names {
			law, part, _ := strings.Cut(name, "/")
			list = append(list, map[string]any{"wet": law, "onderdeel": part, "verantwoordelijke": "gemeente", "indicatiesteller": "med-01"})
		}
		in["uitkomsten"] = list
	}
}

// reported returns the issues of severity information and above with these rules, at their places.
func reported(issues []fhir.Issue, prefix string) []string {
	out := []string{}
	for _, i := range issues {
		if strings.HasPrefix(i.Diagnostics, prefix) {
			out = append(out, i.Severity[:1]+" "+i.Diagnostics+" "+i.Expression)
		}
	}
	return out
}

// readTree returns what Read finds, with the given prefix.
func readTree(t testing.TB, text []byte, prefix string) []string {
	t.Helper()
	_, issues := mks.Format{}.Read(document(t, text), receipt)
	return reported(issues, prefix)
}

func TestReferralOfBorisIsAsReviewed(t *testing.T) {
	golden(t, "verwijsboom-boris.golden", planBoris(t).store(sample(t, referral)))
}

// The worked examples of mks.md 5.1.
func TestReferralTableGivesTheWorkedExamples(t *testing.T) {
	t.Parallel()
	unknown := answer("vb.blijvend24u", "onbekend", "vb.verstandelijk", "onbekend")
	for _, c := range []struct {
		name    string
		given   []treeEdit
		want    []string
		reports []string
	}{
		{"1 year, tube and monitor", []treeEdit{yes(1, "handelingen", "verzorgingGeneeskundig", "hulpmiddelWoning", "vkdv"), unknown},
			list("zvw/verpleging", "zvw/verzorging", "zvw/vkdv", "wmo/hulpmiddel"), nil},
		{"3 years, always and disabled", []treeEdit{yes(3, "handelingen", "blijvend24u", "verstandelijk")},
			list("zvw/verpleging"), list("i MKS-VB-12 /inhoud/antwoorden/vb.leeftijd")},
		{"6 years, the same", []treeEdit{yes(6, "handelingen", "blijvend24u", "verstandelijk")}, list("wlz/alle", "zvw/verpleging"), nil},
		{"on the fifth birthday", []treeEdit{yes(5, "blijvend24u", "verstandelijk")}, list("wlz/alle"), nil},
		{"5 years, disability unknown", []treeEdit{yes(5, "blijvend24u"), answer("vb.verstandelijk", "onbekend")}, nil, nil},
		{"7 years, Wlz granted", []treeEdit{yes(7, "wlzIndicatie", "handelingen", "onderwijs")}, list("wlz/alle", "po/onderwijsondersteuning"), nil},
		{"7 years, always and not disabled", []treeEdit{yes(7, "handelingen", "blijvend24u")}, list("zvw/verpleging"), nil},
		{"10 years, no medical context", []treeEdit{yes(10, "adl", "begeleiding")}, list("jw/persoonlijke-verzorging", "jw/begeleiding"), nil},
		{"10 years, the huisarts answers for it", []treeEdit{yes(10, "verzorgingGeneeskundig"), answer("vb.verantwoordelijk", "huisarts")}, nil, nil},
		{"4 years, disability unknown", []treeEdit{yes(4, "blijvend24u", "handelingen"), answer("vb.verstandelijk", "onbekend")},
			list("zvw/verpleging"), list("i MKS-VB-12 /inhoud/antwoorden/vb.leeftijd")},
		{"4 years, Wlz granted", []treeEdit{yes(4, "blijvend24u", "verstandelijk", "wlzIndicatie")}, list("wlz/alle"), nil},
	} {
		want := append([]string{}, c.reports...)
		if d := cmp.Diff(want, readTree(t, tree(t, referral, append(c.given, outcomes(c.want...))...), "MKS-VB")); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		other := tree(t, referral, append(c.given, outcomes(append(c.want, "jw/logeeropvang")...))...)
		if got := readTree(t, other, "MKS-VB-03"); len(got) != 1 {
			t.Errorf("%s: another outcome gives %v", c.name, got)
		}
	}
}

// laws is the table of mks.md 5.1 in plain Go, to compare the rows with.
func laws(a map[string]any) []string {
	yes := func(name string) bool { return a["vb."+name] == true || a["vb."+name] == "ja" }
	var out []string
	add := func(when bool, outcome string) {
		if when {
			out = append(out, outcome)
		}
	}
	outside := a["vb.verantwoordelijk"] == "huisarts" && !yes("handelingen")
	if yes("wlzIndicatie") {
		add(true, "wlz/alle")
	} else {
		add(yes("blijvend24u") && yes("verstandelijk") && a["vb.leeftijd"].(int) >= 5, "wlz/alle")
		add(yes("handelingen"), "zvw/verpleging")
		add(yes("verzorgingGeneeskundig") && !outside, "zvw/verzorging")
		add(yes("vkdv") && yes("handelingen"), "zvw/vkdv")
		add(yes("adl") && !yes("verzorgingGeneeskundig"), "jw/persoonlijke-verzorging")
		add(yes("begeleiding"), "jw/begeleiding")
		add(yes("logeeropvang"), "jw/logeeropvang")
		add(yes("opvoeding"), "jw/jeugdhulp")
	}
	add(yes("hulpmiddelWoning"), "wmo/hulpmiddel")
	add(yes("vervoer"), "wmo/vervoer")
	add(yes("onderwijs"), "po/onderwijsondersteuning")
	return out
}

func TestReferralTableAgreesWithPlainCode(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var want []string
		random := func(_, in, given map[string]any) {
			for name, v := range given {
				if _, ok := v.(bool); ok {
					given[name] = rapid.Bool().Draw(rt, name)
				}
			}
			for _, name := range []string{"vb.blijvend24u", "vb.verstandelijk"} {
				given[name] = rapid.SampledFrom([]string{"ja", "nee", "onbekend"}).Draw(rt, name)
			}
			given["vb.verantwoordelijk"] = rapid.SampledFrom([]string{"kinderarts", "huisarts"}).Draw(rt, "by")
			given["vb.leeftijd"] = rapid.SampledFrom([]int{0, 4, 5, 17}).Draw(rt, "age")
			delete(in, "indicatie")
			want = laws(given)
			outcomes(want...)(nil, in, given)
		}
		text := tree(t, referral, random)
		if got := readTree(t, text, "MKS-VB-03"); len(got) > 0 {
			rt.Errorf("plain code gives %v, the table not: %s", want, text)
		}
	})
}

// forms validates against our own Questionnaires and profiles.
var forms = sync.OnceValues(func() (*validate.Validator, error) {
	all, err := artifacts.All()
	if err != nil {
		return nil, err
	}
	byURL := map[string]fhir.Node{}
	for _, r := range all {
		byURL[r.Root().Member("url").Text()] = r.Root()
	}
	return validate.New(validate.Options{Definition: func(canonical string) (fhir.Node, bool) {
		name, _, _ := strings.Cut(canonical, "|")
		n, ok := byURL[name]
		return n, ok
	}}), nil
})

// misfits are what our Questionnaires and profiles say against a resource.
func misfits(r *fhir.Resource) []fhir.Issue {
	v, err := forms()
	if err != nil {
		return []fhir.Issue{{Text: err.Error()}}
	}
	return slices.DeleteFunc(v.Resource(r), func(i fhir.Issue) bool {
		return i.Severity != fhir.SeverityError && !strings.HasPrefix(i.Diagnostics, "FHIR-QR")
	})
}

// fits reports what our Questionnaires and profiles say against a result.
func fits(t *testing.T, name string, r mapping.Result) {
	t.Helper()
	for _, m := range r.Resources {
		for _, i := range misfits(m.Resource) {
			t.Errorf("%s: %s %s %s: %s", name, m.Resource.Ref(), i.Diagnostics, i.Expression, i.Text)
		}
	}
}

func TestTreesFitTheirQuestionnairesAndProfiles(t *testing.T) {
	t.Parallel()
	c := planBoris(t)
	for name, text := range map[string][]byte{
		"as it is":               sample(t, referral),
		"a draft":                tree(t, referral, edition(2, "concept")),
		"withdrawn":              tree(t, referral, edition(3, "ingetrokken")),
		"acts without the need":  tree(t, referral, yes(1, "vkdv"), outcomes()),
		"every answer, a reason": tree(t, referral, put("afwijkingReden", "overleg met de gemeente"), answer("vb.logeeropvang", true)),
		"the same outcome twice": tree(t, referral, yes(1, "handelingen"), outcomes("zvw/verpleging", "zvw/verpleging")),
	} {
		_, r, issues := c.try(text)
		if fhir.HasErrors(issues) {
			t.Errorf("%s: %v", name, rules(issues, fhir.SeverityError))
		}
		fits(t, name, r)
	}
	k := closingCase(t)
	for name, text := range map[string][]byte{
		"as it is":                    sample(t, closing),
		"a draft":                     tree(t, closing, edition(1, "concept")),
		"withdrawn":                   tree(t, closing, edition(2, "ingetrokken")),
		"continued without the need":  tree(t, closing, answer("bb.verpleging", false), put("uitkomsten", list("disciplines"))),
		"every outcome, for a reason": tree(t, closing, put("afwijkingReden", "x", "uitkomsten", list("jeugdwet", "wlz", "disciplines", "jeugdwet"))),
	} {
		_, r, issues := submit(t, k, text)
		if fhir.HasErrors(issues) {
			t.Errorf("closing %s: %v", name, rules(issues, fhir.SeverityError))
		}
		fits(t, "closing "+name, r)
	}
}

func TestWhatTheFormHasNoPlaceForIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text []byte
		want map[string]string
	}{
		"acts without the need": {tree(t, referral, answer("vb.handelingen", false, "vb.vkdv", false), outcomes("zvw/verzorging", "wmo/hulpmiddel"), put("indicatie", nil)),
			map[string]string{"/inhoud/antwoorden/vb.handelingenLijst": `["sondevoeding","saturatiebewaking","sonde inbrengen"]`}},
		"a rule that is no code": {tree(t, referral, func(_, in, _ map[string]any) {
			in["uitkomsten"].([]any)[1].(map[string]any)["regels"] = []any{"V5", "V  5"}
		}), map[string]string{"/inhoud/uitkomsten/1/regels": `["V5","V  5"]`}},
		"a member of its own": {tree(t, referral, answer("vb.eigen", map[string]any{"a": nil}), put("indicatie", nil)),
			map[string]string{"/inhoud/antwoorden/vb.eigen": `{"a":null}`}},
	} {
		_, r, issues := planBoris(t).try(c.text)
		if fhir.HasErrors(issues) {
			t.Fatalf("%s: %v", name, rules(issues, fhir.SeverityError))
		}
		got := map[string]string{}
		for e := range anchorOf(t, r).All("extension") {
			if strings.HasSuffix(e.Member("url").Text(), "/source-member") {
				parts := texts(e, "extension", "valueString")
				got[parts[0]] = parts[1]
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
