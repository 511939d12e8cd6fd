// Package bundle takes a FHIR Bundle (document, transaction or message) as a source format: which
// record it is, which child it is about, and what its resources become in the store. It refuses
// storage, and never changes what a resource says beyond its id and its references.
package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Schema is what Format.Schema returns: the resourceType of what it reads.
const Schema = "Bundle"

// maxEntries bounds a Bundle.
const maxEntries = 1000

// Format is the mapping.Format of FHIR Bundles. The zero value is ready.
//
// A Bundle is one record of its sender: Bundle.identifier, else Composition.identifier, else the
// MessageHeader names it. It has no versions: another content needs another identifier. A resource
// is known again by its fullUrl, or by a business identifier where it bears one; a child, staff and
// organisations that another organisation holds are referred to, and stay as they are.
type Format struct{}

var _ mapping.Format = Format{}

// Schema implements mapping.Format.
func (Format) Schema() string { return Schema }

// content is a Bundle as it was read.
type content struct {
	kind    string // document, transaction, message
	key     fhir.Identifier
	entries []entry
}

// entry is one resource of the Bundle.
type entry struct {
	path     string // FHIRPath of the resource in the Bundle
	pointer  string // the same as a JSON pointer
	fullURL  string
	resource *fhir.Resource
}

// kinds are the types of Bundle that can be pushed, with the type that their first entry has.
var kinds = map[string]fhir.Type{"document": "Composition", "transaction": "", "message": "MessageHeader"}

// closed are the types that no sender stores: they are made by the server, or are no record of care.
var closed = []fhir.Type{"AuditEvent", "Bundle", "OperationOutcome", "Parameters", "Person", "Subscription"}

// people are the directory types that come with a record. Definitions are published otherwise.
var people = []fhir.Type{"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Medication", "Substance", "Endpoint"}

// Pushable reports whether a sender may push a type.
func Pushable(t fhir.Type) bool {
	return !slices.Contains(closed, t) && (!auth.IsDirectory(t) || slices.Contains(people, t))
}

// tellsKind reports whether an Organization says of itself what access hangs on (access.md 4.5).
func tellsKind(r *fhir.Resource) bool {
	for n := range r.Root().All("type", "coding") {
		if r.Type() == "Organization" && strings.HasPrefix(n.Member("system").Text(), fhir.Canonical) {
			return true
		}
	}
	return false
}

// isSeveral reports whether an Organization bears two identifiers of one system: it would make two
// organisations one.
func isSeveral(r *fhir.Resource) bool {
	seen := map[string]bool{}
	for n := range r.Root().All("identifier") {
		id := identifierAt(n)
		if r.Type() == "Organization" && id.Value != "" && seen[id.System] {
			return true
		}
		seen[id.System] = true
	}
	return false
}

// Read implements mapping.Format. Expressions of its issues are FHIRPath in the Bundle.
func (Format) Read(doc *fhir.Resource, _ time.Time) (mapping.Source, []fhir.Issue) {
	r := &reading{root: doc.Root()}
	r.read()
	s := mapping.Source{
		Schema: Schema, Version: 1, Doc: doc, Foreign: true, Faulty: len(r.issues) > 0,
		Sender: r.custodian(), Value: r.content,
	}
	if r.content.key.Value != "" {
		s.Record = "fhir-bundle/" + r.content.key.String()
	}
	return s, r.issues
}

// Map implements mapping.Format. Source.Holder is the sender.
func (Format) Map(s mapping.Source, k mapping.Known, now time.Time) (mapping.Result, error) {
	c, ok := s.Value.(content)
	if !ok || s.Faulty {
		return mapping.Result{Sender: s.Holder}, nil
	}
	m := &mapper{
		content: c, holder: s.Holder, known: k, now: now, places: make([]place, len(c.entries)),
		names: map[string]fhir.Ref{}, made: map[string]bool{}, file: map[fhir.Type][]*mapping.Found{},
	}
	return m.result()
}

// Back implements mapping.Format: a Bundle is FHIR already.
func (Format) Back([]*fhir.Resource, mapping.Origin) ([]byte, []fhir.Issue, error) {
	return nil, []fhir.Issue{fault("Bundle", "not-supported", "bundle-back", "A Bundle is FHIR already; read its resources from /fhir.")}, nil
}

func fault(expression, code, rule, text string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: code, Expression: expression, Diagnostics: rule, Text: text}
}

// reading gathers the entries of a Bundle and all its faults.
type reading struct {
	root    fhir.Node
	content content
	issues  []fhir.Issue
}

func (r *reading) fault(expression, code, rule, text string) {
	r.issues = append(r.issues, fault(expression, code, rule, text))
}

func (r *reading) read() {
	r.content.kind = r.root.Member("type").Text()
	first, known := kinds[r.content.kind]
	if !known {
		r.fault("Bundle.type", "not-supported", "bundle-type", "Push a Bundle of type document, transaction or message.")
	}
	if n := r.root.Member("entry").Len(); n > maxEntries {
		r.fault("Bundle.entry", "too-long", "bundle-entries", fmt.Sprintf("Send at most %d entries at once.", maxEntries))
		return
	}
	i := 0
	for n := range r.root.All("entry") {
		r.entry(n, i)
		i++
	}
	entries := r.content.entries
	if first != "" && (len(entries) == 0 || entries[0].path != place0 || entries[0].resource.Type() != first) {
		r.fault("Bundle.entry[0]", "structure", "bundle-first", fmt.Sprintf("The first entry of a %s is its %s.", r.content.kind, first))
	}
	r.patients()
	r.twice()
	if r.content.key = r.key(); r.content.key.Value == "" {
		r.fault("Bundle.identifier", "required", "bundle-key",
			"Give the Bundle an identifier with system and value, so that it is known again when it is sent twice.")
	}
}

const place0 = "Bundle.entry[0].resource"

// entry reads one entry.
func (r *reading) entry(n fhir.Node, i int) {
	at := fmt.Sprintf("Bundle.entry[%d]", i)
	if method := n.At("request", "method").Text(); method != "" && method != "POST" && method != "PUT" {
		r.fault(at+".request.method", "not-supported", "bundle-method",
			"A push adds or replaces what you hold; send other methods as a transaction to the FHIR base URL.")
	}
	for _, name := range []string{"ifMatch", "ifNoneMatch", "ifModifiedSince"} {
		if n.At("request", name).Exists() {
			r.fault(at+".request."+name, "not-supported", "bundle-condition",
				"A push has no conditions on versions; send it as a transaction to the FHIR base URL.")
		}
	}
	res, issues := fhir.Parse([]byte(n.Member("resource").Raw()), fhir.Limits{})
	if fhir.HasErrors(issues) {
		for _, is := range issues {
			is.Expression = at + ".resource"
			r.issues = append(r.issues, is)
		}
		return
	}
	if !Pushable(res.Type()) {
		r.fault(at+".resource", "not-supported", "bundle-entry-type", "A resource of this type cannot be pushed; leave it out.")
		return
	}
	r.content.entries = append(r.content.entries, entry{
		path: at + ".resource", pointer: fmt.Sprintf("/entry/%d/resource", i), fullURL: n.Member("fullUrl").Text(), resource: res,
	})
}

// patients wants one child: a push that mixes children is how data of one reaches the file of another.
func (r *reading) patients() {
	count := 0
	for _, e := range r.content.entries {
		if e.resource.Type() == "Patient" {
			count++
		}
	}
	if count != 1 {
		r.fault("Bundle.entry", "business-rule", "bundle-patient", "A push is about one child; give exactly one Patient.")
	}
}

// twice refuses two entries under one name.
func (r *reading) twice() {
	seen := map[string]bool{}
	for _, e := range r.content.entries {
		name := e.fullURL
		if name == "" {
			name = e.resource.Ref().String()
		}
		if (e.fullURL != "" || e.resource.ID() != "") && seen[name] {
			r.fault(e.path, "duplicate", "bundle-twice", "Two entries have the same fullUrl, or the same type and id.")
		}
		seen[name] = true
	}
}

// key returns the identifier of the record, zero when there is none.
func (r *reading) key() fhir.Identifier {
	if id := identifierAt(r.root.Member("identifier")); id.Value != "" {
		return id
	}
	for _, e := range r.content.entries {
		switch root := e.resource.Root(); e.resource.Type() {
		case "Composition":
			return identifierAt(root.Member("identifier"))
		case "MessageHeader":
			if endpoint := root.At("source", "endpoint").Text(); endpoint != "" {
				return fhir.Identifier{System: endpoint, Value: e.resource.ID()}
			}
		}
	}
	return fhir.Identifier{}
}

// identifierAt reads an Identifier; without a system it names nothing.
func identifierAt(n fhir.Node) fhir.Identifier {
	id := fhir.Identifier{System: n.Member("system").Text(), Value: n.Member("value").Text()}
	if id.System == "" {
		return fhir.Identifier{}
	}
	return id
}

// custodian returns the organisation that the Bundle's own Provenance names as its custodian, zero
// when none does.
func (r *reading) custodian() fhir.Identifier {
	for _, e := range r.content.entries {
		if e.resource.Type() != "Provenance" {
			continue
		}
		for agent := range e.resource.Root().All("agent") {
			for c := range agent.All("type", "coding") {
				if c.Member("code").Text() == "custodian" {
					return r.organization(agent.Member("who"))
				}
			}
		}
	}
	return fhir.Identifier{}
}

// organization returns the identifier of a reference: its own, or that of the entry it points to.
func (r *reading) organization(who fhir.Node) fhir.Identifier {
	if id := identifierAt(who.Member("identifier")); id.Value != "" {
		return id
	}
	text := who.Member("reference").Text()
	for _, e := range r.content.entries {
		if text == "" || e.fullURL != text && e.resource.Ref().String() != text {
			continue
		}
		for n := range e.resource.Root().All("identifier") {
			if id := identifierAt(n); id.Value != "" {
				return id
			}
		}
	}
	return fhir.Identifier{}
}
