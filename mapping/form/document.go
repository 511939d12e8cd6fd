package form

import (
	"maps"

	"github.com/drieluik/drieluik/fhir"
)

// Document is a source document as it was read. A mapping works on a Clone, so that it can run again.
type Document struct {
	root    Value
	dialect *Dialect
	issues  []fhir.Issue
	told    map[finding]bool // what issues holds
	refused bool             // one of issues is an error
	large   bool             // it is past the bounds, and not read to its end
	faulty  map[place]bool   // places with a fault at or below
	kept    map[place]bool   // places of unknown and empty members: source-member
	trace   trace
	refs    []named // references, in the order of the table
	moments []place // instants, in the order of the table
	parts   int     // members and elements
}

// finding is a rule at a place.
type finding struct {
	rule string
	at   place
}

// named is a reference and what it may name.
type named struct {
	at    place
	kinds []string
}

// References calls visit for every reference that the table describes and that is a text, in its order, with
// what it may name.
func (d *Document) References(visit func(v Value, kinds []string)) {
	for _, r := range d.refs {
		visit(Value{d, r.at}, r.kinds)
	}
}

// MaxIssues bounds what is told of a document that is refused all the same. Nothing is left out of the
// report of one that is stored.
const MaxIssues = 1000

// Bounds of one document. Past them a few bytes of the source, such as a member that is not known or a
// reference, would become hundreds of an answer each.
const (
	MaxParts = 50_000 // members and elements
	MaxItems = 1000   // of one list
)

// Read checks the form of a document against a table. It reads no document past the bounds.
func Read(r *fhir.Resource, dialect *Dialect, table Fields) *Document {
	d := Blank(dialect)
	d.root.at = r.Root()
	d.measure(d.root)
	if !d.large {
		d.Object(d.root, table)
	}
	return d
}

// Blank returns a document without members: that of a mapping which goes on with what is stored.
func Blank(dialect *Dialect) *Document {
	d := &Document{
		dialect: dialect, told: map[finding]bool{}, faulty: map[place]bool{},
		kept: map[place]bool{},
	}
	d.root = Value{d: d}
	return d
}

// Clone returns a copy for one run of a mapping: without issues, with what is faulty and kept. It shares
// nothing that changes.
func (d *Document) Clone() *Document {
	c := *d
	c.issues, c.told, c.refused = nil, map[finding]bool{}, false
	c.faulty, c.kept = maps.Clone(d.faulty), maps.Clone(d.kept)
	c.trace = newTrace(d.parts)
	c.root.d = &c
	return &c
}

// Root returns the document as a value.
func (d *Document) Root() Value { return d.root }

// Issues returns what was reported, in order.
func (d *Document) Issues() []fhir.Issue { return d.issues }

// Refused reports whether one of the issues is an error.
func (d *Document) Refused() bool { return d.refused }

// Large reports whether the document is past the bounds: it was not read, and no rule is asked of it.
func (d *Document) Large() bool { return d.large }

// Full reports whether so much was told of a document that is refused that nothing more will be.
func (d *Document) Full() bool { return d.refused && len(d.issues) >= MaxIssues }

// Fault reports a fault of form and marks the place, so that rules which need it are skipped.
func (d *Document) Fault(rule string, v Value) {
	d.Report(fhir.SeverityError, rule, v)
	d.Mark(v)
}

// Mark makes a place and all that holds it faulty.
func (d *Document) Mark(v Value) {
	for p := v.place; ; p = p.holder() {
		d.faulty[p] = true
		if p.rest == "" && !p.at.Parent().Exists() {
			return
		}
	}
}

// Fail reports an error of a rule.
func (d *Document) Fail(rule string, v Value) { d.Report(fhir.SeverityError, rule, v) }

// Warn reports a warning: the document is stored all the same.
func (d *Document) Warn(rule string, v Value) { d.Report(fhir.SeverityWarning, rule, v) }

// Inform reports something worth knowing.
func (d *Document) Inform(rule string, v Value) { d.Report(fhir.SeverityInformation, rule, v) }

// Report adds an issue, with what the dialect says of its rule. Each rule fires once per place.
func (d *Document) Report(severity, rule string, v Value) {
	d.Say(severity, rule, v, d.dialect.text(rule), d.dialect.Translated[rule])
}

// Say is Report with another sentence, without values of the source, and its translations.
func (d *Document) Say(severity, rule string, v Value, text string, in fhir.Translations) {
	if d.told[finding{rule, v.place}] {
		return
	}
	if d.Full() {
		d.cut()
		return
	}
	d.told[finding{rule, v.place}] = true
	d.refused = d.refused || severity == fhir.SeverityError
	d.issues = append(d.issues, fhir.Issue{
		Severity: severity, Code: d.dialect.code(rule), Expression: v.Pointer(), Diagnostics: rule, Text: text, In: in,
	})
}

// cut says once that there is more.
func (d *Document) cut() {
	more := d.dialect.Rules.More
	if last := d.issues[len(d.issues)-1]; last.Diagnostics == more {
		return
	}
	d.issues = append(d.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: "too-long", Diagnostics: more, Text: d.dialect.text(more), In: d.dialect.Translated[more],
	})
}

// Keep marks a member that is kept as it came, traced or not.
func (d *Document) Keep(v Value) { d.kept[v.place] = true }

// Kept reports whether a member is kept as it came.
func (d *Document) Kept(v Value) bool { return d.kept[v.place] }
