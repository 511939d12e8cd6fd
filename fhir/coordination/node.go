package coordination

import (
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// refAt returns the first literal reference at the names, zero when there is none.
func refAt(n fhir.Node, names ...string) fhir.Ref {
	ref, _ := fhir.ParseRef(n.At(names...).At("reference").Text())
	ref.ID = fhir.Interned(ref.ID)
	return ref.Current()
}

// maxOfList is how many codes, references or identifiers of one list are read: comparing them costs their square.
const maxOfList = 500

func appendRefs(refs []fhir.Ref, n fhir.Node, name string) []fhir.Ref {
	for m := range n.All(name) {
		if ref := refAt(m); !ref.IsZero() && len(refs) < maxOfList && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// codingsAt returns the codings of the concepts of a member, each once.
func codingsAt(n fhir.Node, name string) []Coding {
	var out []Coding
	for c := range n.All(name, "coding") {
		coding := Coding{fhir.Interned(c.Member("system").Text()), fhir.Interned(c.Member("code").Text())}
		if coding.System != "" && coding.Code != "" && len(out) < maxOfList && !slices.Contains(out, coding) {
			out = append(out, coding)
		}
	}
	return out
}

// nameOf returns an identifier that is whole as one text, else "".
func nameOf(id fhir.Node) string {
	system, value := id.Member("system").Text(), id.Member("value").Text()
	if system == "" || value == "" {
		return ""
	}
	return system + "|" + value
}

func appendName(names []string, id fhir.Node) []string {
	if name := nameOf(id); name != "" && len(names) < maxOfList {
		return append(names, name)
	}
	return names
}

func spanOf(period fhir.Node, zone *time.Location) span {
	return span{first(period.Member("start").Text(), zone), last(period.Member("end").Text(), zone)}
}

// extension returns the first extension of that url, or a missing node.
func extension(n fhir.Node, url string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			return e
		}
	}
	return fhir.Node{}
}

func number(n fhir.Node) (int, bool) {
	v, err := strconv.Atoi(n.Text())
	return v, err == nil && v >= 0
}

// instant reads a FHIR dateTime or date: the last second that it can mean.
func instant(text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	d := last(text, time.UTC)
	if d == noDay {
		return time.Time{}, false
	}
	return time.Unix((int64(d)+1)*secondsOfDay-1, 0), true
}

// activityRef names an activity of a plan, by its id or else its place.
func activityRef(plan fhir.Ref, a fhir.Node, place int) string {
	id := a.Member("id").Text()
	if id == "" {
		id = strconv.Itoa(place)
	}
	return plan.String() + "#" + id
}

// ImplicatedBy returns what the resource of an issue implicates, sorted, each once: "Type/id", of an activity
// "CarePlan/id#activity".
func ImplicatedBy(issue fhir.Node) []string {
	var out []string
	for n := range issue.All("implicated") {
		ref := refAt(n)
		if ref.IsZero() {
			continue
		}
		name := ref.String()
		if id := extension(n, structures+"activity-id").Member("valueString").Text(); id != "" {
			name += "#" + id
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ElementOf returns the FHIRPath of an intervention in the resource that carries it.
func ElementOf(r *fhir.Resource, name string) string {
	i := -1
	for a := range r.Root().All("activity") {
		i++
		if activityRef(r.Ref(), a, i) == name {
			return a.Path()
		}
	}
	return r.Root().Path()
}
