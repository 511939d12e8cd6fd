package exchange

import (
	"errors"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// coordinated runs the rules of coordination on the changes of a request, and names the entry that they hold.
func (b *batch) coordinated() (note *Unit, refused, err error) {
	b.overlap, err = b.coordinate(b.v, b.event.call.Principal, false, b.event)
	if err != nil || b.overlap.refused == nil {
		return nil, nil, err
	}
	for _, st := range b.steps {
		if known := (*fhir.Error)(nil); st.write == b.overlap.at && errors.As(b.overlap.refused, &known) {
			for i := range known.Issues {
				known.Issues[i].Expression = string(st.Type)
			}
			under(known.Issues, st.Change)
		}
	}
	return b.overlap.note, b.overlap.refused, nil
}

// overlapping puts what is told of issues to the changes that brought them.
func (b *batch) overlapping(out []Done) {
	if b.overlap == nil {
		return
	}
	for _, t := range b.overlap.told {
		at, place := 0, ""
		for i, st := range b.asked {
			for _, name := range t.implicated {
				if ref, _, _ := strings.Cut(name, "#"); ref == st.ref.Current().String() {
					at, place = i, b.element(st, name)
				}
			}
		}
		if len(out) == 0 {
			return
		}
		t.issue.Expression = place
		issues := []fhir.Issue{t.issue}
		if place != "" {
			under(issues, b.asked[at].Change)
		}
		out[at].Issues = append(out[at].Issues, issues...)
		if !t.ref.IsZero() && !slices.Contains(out[at].Found, t.ref) {
			out[at].Found = append(out[at].Found, t.ref)
		}
	}
}

// element is the FHIRPath of what a name means in the resource that a step wrote.
func (b *batch) element(st *step, name string) string {
	if st.write < 0 {
		return ""
	}
	w := &b.unit.Writes[st.write]
	if len(w.Body) == 0 {
		return ""
	}
	r, err := b.treeOf(w)
	if err != nil {
		return ""
	}
	return coordination.ElementOf(r, name)
}

// uncoded tells once that something the unit writes is not compared.
func (o *overlap) uncoded(t *coordination.Table) {
	for _, w := range o.unit.Writes[:o.mark.writes] {
		if name := t.Uncoded(w.Ref); name != "" {
			o.told = append(o.told, toldIssue{implicated: []string{name}, issue: fhir.Issue{
				Severity: fhir.SeverityInformation, Code: "informational", Diagnostics: "O-UNCODED",
				Text: "Not compared with the care of others: no need code. Name the need in reasonCode, or address a coded Condition.",
			}})
			return
		}
	}
}
