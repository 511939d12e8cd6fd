package terminology

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Input holds the parameters of a request as they were given.
type Input struct {
	given []given
}

// given is one parameter.
type given struct {
	name, place string
	text        string    // of a primitive
	value       fhir.Node // of an object; missing in a query
	unread      bool      // it has no value that an operation takes
}

// FromQuery takes the parameters of a query string or a form.
func FromQuery(q url.Values) Input {
	var in Input
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, text := range q[name] {
			in.given = append(in.given, given{name: name, place: shown(name), text: text})
		}
	}
	return in
}

// FromParameters takes those of a Parameters resource; the resource must be one.
func FromParameters(r *fhir.Resource) (Input, []fhir.Issue) {
	if r.Type() != "Parameters" {
		return Input{}, []fhir.Issue{fault("structure", "TERM-PARAMETERS", string(r.Type()), "Send a Parameters resource.")}
	}
	var in Input
	for p := range r.Root().All("parameter") {
		g := given{name: p.Member("name").Text(), place: p.Path(), unread: true}
		for m := range p.Children() {
			if _, ok := strings.CutPrefix(m.Name(), "value"); ok {
				g.unread = m.Shape() == fhir.Array
				g.text, g.value = m.Text(), m
			}
		}
		in.given = append(in.given, g)
	}
	return in, nil
}

// With returns the parameters of both.
func (in Input) With(other Input) Input { return Input{append(slices.Clip(in.given), other.given...)} }

// kind is what a parameter of an operation takes.
type kind uint8

const (
	oneText kind = iota
	manyTexts
	yesNo
	number
	oneCoding
	oneConcept
)

// kindTexts say what is expected.
var kindTexts = map[kind]string{
	oneText: "Give one text that is not empty.", manyTexts: "Give texts that are not empty.", yesNo: "Give true or false.",
	number: "Give a whole number, 0 or more.", oneCoding: "Give a Coding with system and code in the body, as Parameters.",
	oneConcept: "Give a CodeableConcept with codings in the body, as Parameters.",
}

// fits says whether a parameter has a value of a kind.
var fits = map[kind]func(given) bool{
	oneText:   func(g given) bool { return strings.TrimSpace(g.text) != "" },
	manyTexts: func(g given) bool { return strings.TrimSpace(g.text) != "" },
	yesNo:     func(g given) bool { return g.text == "true" || g.text == "false" },
	number: func(g given) bool {
		n, err := strconv.Atoi(g.text)
		return err == nil && n >= 0 && n <= 1<<30 && strconv.Itoa(n) == g.text
	},
	oneCoding: func(g given) bool { return isCoding(g.value) },
	oneConcept: func(g given) bool {
		for c := range g.value.All("coding") {
			if !isCoding(c) {
				return false
			}
		}
		return g.value.Member("coding").Len() > 0
	},
}

func isCoding(n fhir.Node) bool {
	return n.Member("system").Text() != "" && n.Member("code").Text() != ""
}

// form reads the parameters of one operation and gathers all faults of them.
type form struct {
	given  map[string][]given
	issues []fhir.Issue
}

// read sorts the input by the parameters that an operation takes.
func read(in Input, takes map[string]kind) *form {
	f := &form{given: map[string][]given{}}
	for _, g := range in.given {
		k, ok := takes[g.name]
		switch {
		case !ok:
			f.fault("not-supported", "TERM-PARAM-UNKNOWN", g.place,
				"The parameter "+shown(g.name)+" is not supported. This operation takes "+strings.Join(slices.Sorted(maps.Keys(takes)), ", ")+".")
		case g.unread || !fits[k](g):
			f.fault("value", "TERM-PARAM-VALUE", g.place, shown(g.name)+" has no value that this server can use. "+kindTexts[k])
		case len(f.given[g.name]) > 0 && k != manyTexts:
			f.fault("duplicate", "TERM-PARAM-TWICE", g.place, "Give "+shown(g.name)+" once.")
		default:
			f.given[g.name] = append(f.given[g.name], g)
		}
	}
	return f
}

// shown is a name that a parameter can have; anything else is not repeated.
func shown(name string) string {
	if len(name) > 40 || strings.ContainsFunc(name, func(c rune) bool {
		return (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_'
	}) || name == "" {
		return "given"
	}
	return name
}

func fault(code, rule, place, text string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: code, Diagnostics: rule, Expression: place, Text: text}
}

func (f *form) fault(code, rule, place, text string) {
	f.issues = append(f.issues, fault(code, rule, place, text))
}

// missing notes what a request lacks.
func (f *form) missing(text string) { f.fault("required", "TERM-PARAM-MISSING", "", text) }

func (f *form) has(name string) bool { return len(f.given[name]) > 0 }

func (f *form) text(name string) string {
	if !f.has(name) {
		return ""
	}
	return f.given[name][0].text
}

func (f *form) texts(name string) []string {
	var out []string
	for _, g := range f.given[name] {
		out = append(out, g.text)
	}
	return out
}

func (f *form) flag(name string) bool { return f.text(name) == "true" }

// count returns a number, or the one that stands for none.
func (f *form) count(name string, none int) int {
	if !f.has(name) {
		return none
	}
	return atoi(f.text(name))
}

// code is a code with its system.
type code struct{ system, version, code, display string }

// codes reads what a code operation is asked about: code with its system, coding, or
// codeableConcept. lacking says what to do where a code comes without a system.
func (f *form) codes(system, lacking string) []code {
	ways := 0
	for _, name := range []string{"code", "coding", "codeableConcept"} {
		if f.has(name) {
			ways++
		}
	}
	if ways != 1 {
		f.missing("Give the code in one way: code with system, coding, or codeableConcept.")
		return nil
	}
	var out []code
	if f.has("code") {
		if system == "" {
			f.missing(lacking)
		}
		out = append(out, code{system: system, code: f.text("code"), display: f.text("display")})
	}
	for _, name := range []string{"coding", "codeableConcept"} {
		for _, g := range f.given[name] {
			list := g.value
			if name == "codeableConcept" {
				list = g.value.Member("coding")
			}
			for n := range list.All() {
				out = append(out, code{n.Member("system").Text(), n.Member("version").Text(), n.Member("code").Text(), n.Member("display").Text()})
			}
		}
	}
	return out
}

// err returns all faults as one refusal, or nil.
func (f *form) err(op string) error {
	if len(f.issues) == 0 {
		return nil
	}
	return &fhir.Error{Kind: fhir.BadRequest, Op: op, Issues: f.issues}
}
