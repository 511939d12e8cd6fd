package mks

import (
	"time"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// mapper is one run of Map: a document, what is stored, and the resources that come of it.
type mapper struct {
	*document
	known mapping.Known
	now   time.Time
	child child
	// draft gives anchor and parts the ids of a draft (mks.md 2.7): a concept, or a care plan that
	// is not signed enough. Set it before the first id is asked for.
	draft bool
	// own are the lists of a kind record; other records look up what is stored.
	own          map[string]target
	targets      map[string]target // references resolved before
	added        []added
	anchor       int // index in added, -1 before addAnchor
	sender       fhir.Ref
	senderStored bool
	// labels are the meta.security of the Provenance.
	labels []*dpb.Coding
	kindState
	proposed bool // a consent that does not count yet (TOE-09)
}

// child is what is stored of the child.
type child struct {
	ref    fhir.Ref // the id that it has or will have
	found  *mapping.Found
	stored bool // a kind record of this source system is stored
	others bool // a kind record of another source system is stored
	birth  form.Day
	// stub: the Patient is known by its identifiers alone and has no custodian (mks.md 2.5).
	stub bool
	// newNumber: the record has a BSN that the Patient lacks; otherNumber: the Patient has another.
	newNumber, otherNumber bool
	// namesake is another Patient that has the BSN of the record.
	namesake *mapping.Found
}

// patient returns the stored Patient, a missing node when there is none.
func (c child) patient() fhir.Node { return found(c.found) }

// found returns the tree of a stored resource, a missing node for nil.
func found(f *mapping.Found) fhir.Node {
	if f == nil {
		return fhir.Node{}
	}
	return f.Resource.Root()
}

// added is a resource to write.
type added struct {
	message   proto.Message
	edited    *fhir.Resource // instead of message: a stored resource that was edited
	ref       fhir.Ref
	custodian fhir.Ref
	author    fhir.Ref
	stored    *mapping.Found // the resource that it is united with (2.6)
	union     union
	stub      bool // a Patient known by its identifier alone
	unlisted  bool // edited, though this version of the record does not yield it
}

// about says what add puts on a resource besides its content.
type about struct {
	id       string        // from mapper.key or mapper.part
	profiles []string      // canonicals
	domains  []string      // codes of mks-domein
	labels   []*dpb.Coding // meta.security
	// custodian and author differ from the sender only where mks.md says so.
	custodian, author fhir.Ref
}

// steps are what one record type adds to a run. A source leaf that write does not trace with
// form.Value.To is kept as source-member, so that nothing is lost.
type steps struct {
	// prepare looks up what references need, before they are checked. It may be nil.
	prepare func(*mapper) error
	// stored checks what needs stored resources. It runs also when the document has faults; errors
	// are failed look-ups.
	stored func(*mapper) error
	// write adds the resources, the anchor with mapper.addAnchor. It runs only without faults.
	write func(*mapper) error
}

func newMapper(d *document, k mapping.Known, now time.Time) (*mapper, error) {
	m := &mapper{
		document: d, known: k, now: now, anchor: -1, targets: map[string]target{},
		draft: d.head.status == "concept" && d.rec.name != "kind",
	}
	var err error
	if m.child, err = m.findChild(); err != nil {
		return nil, err
	}
	if err = m.findSender(); err != nil {
		return nil, err
	}
	return m, nil
}

// findChild looks up the Patient by the local id of the source, then by BSN (mks.md 2.6).
func (m *mapper) findChild() (child, error) {
	h := m.head
	c := child{ref: fhir.Ref{Type: "Patient", ID: mapping.ID("Patient/" + h.source() + "/" + h.localID)}}
	number := fhir.Identifier{System: bsnSystem, Value: h.bsn}
	byLocal, err := m.known.Identified("Patient", fhir.Identifier{System: h.base() + "/kind", Value: h.localID})
	if err != nil {
		return c, err
	}
	hits := byLocal
	if len(hits) == 0 && h.bsn != "" {
		if hits, err = m.known.Identified("Patient", number); err != nil {
			return c, err
		}
	}
	if len(hits) == 0 {
		return c, nil
	}
	c.found, c.ref = hits[0], hits[0].Resource.Ref()
	return c, m.readChild(&c, number)
}

// readChild reads the facts of the stored Patient.
func (m *mapper) readChild(c *child, number fhir.Identifier) error {
	n := c.patient()
	c.birth = form.Day(n.At("birthDate").Text())
	c.stub = c.birth == "" && !n.Member("name").Exists()
	for e := range n.All("extension") {
		if e.Member("url").Text() != element.StructureDefinition("bron-record") || part(e, "recordType").Text() != "kind" {
			continue
		}
		own := part(e, "ura").Text() == m.head.ura && part(e, "applicatie").Text() == m.head.app
		c.stored, c.others = c.stored || own, c.others || !own
	}
	if number.Value == "" || hasIdentifier(n, number) {
		return nil
	}
	hits, err := m.known.Identified("Patient", number)
	if err != nil {
		return err
	}
	if len(hits) > 0 {
		c.namesake = hits[0]
	}
	for id := range n.All("identifier") {
		c.otherNumber = c.otherNumber || id.Member("system").Text() == bsnSystem
	}
	c.newNumber = true
	return nil
}

// part returns the value of a part of a complex extension, whatever its type.
func part(ext fhir.Node, name string) fhir.Node {
	for n := range ext.All("extension") {
		if n.Member("url").Text() == name {
			return extensionValue(n)
		}
	}
	return fhir.Node{}
}

// extensionOn returns an extension of ours on n, a missing node without one.
func extensionOn(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition(name) {
			return e
		}
	}
	return fhir.Node{}
}

// extension returns the value of a simple extension of ours on n, a missing node without one.
func extension(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition(name) {
			return extensionValue(e)
		}
	}
	return fhir.Node{}
}

func extensionValue(ext fhir.Node) fhir.Node {
	for n := range ext.Children() {
		if len(n.Name()) > 5 && n.Name()[:5] == "value" {
			return n
		}
	}
	return fhir.Node{}
}

// check resolves the references and runs the rules that need what is stored.
func (m *mapper) check(s steps) error {
	if s.prepare != nil {
		if err := s.prepare(m); err != nil {
			return err
		}
	}
	var failed error
	if m.rec.name != "kind" {
		m.numberRule()
	}
	m.Root().Walk(m.rec.whole, func(v form.Value, t form.Type) {
		if failed == nil && t.Kinds() != nil && v.Sound() && !m.Full() {
			failed = m.checkReference(v, t.Kinds())
		}
	})
	if failed != nil {
		return failed
	}
	return s.stored(m)
}

// numberRule holds MKS-ENV-11 for the child's custodian: a local id that is known with another BSN.
// A BSN that another Patient has is no fault that may be told: it would say that the child is known.
func (m *mapper) numberRule() {
	if m.child.otherNumber && m.isCustodian() {
		m.Fail("MKS-ENV-11", m.Root().At("kind").At("lokaalId"))
	}
}

// isCustodian reports whether the sender is the child's custodian: of a new child or a stub it
// becomes that with its kind record.
func (m *mapper) isCustodian() bool {
	return m.child.found == nil || m.child.stub || m.child.found.Custodian.Current() == m.sender
}

// key returns the id of the anchor.
func (m *mapper) key() string { return mapping.ID(m.anchorPath()) }

// part returns the id of a part of the record, such as part("a1/2").
func (m *mapper) part(name string) string { return mapping.ID(m.anchorPath() + "/" + name) }

func (m *mapper) anchorPath() string {
	path := string(m.rec.anchor) + "/" + m.head.anchorKey()
	if m.draft {
		path += "/concept"
	}
	return path
}

// add takes a google/fhir R4 resource message, puts id and meta on it (source, tags, profiles,
// labels) and returns its reference. Resources leave in the order in which they were added.
func (m *mapper) add(r proto.Message, a about) fhir.Ref {
	ref := fhir.Ref{Type: element.TypeOf(r), ID: a.id}
	element.SetID(r, a.id)
	element.SetMeta(r, m.meta(a))
	m.added = append(m.added, added{message: r, ref: ref, custodian: a.custodian, author: a.author})
	return ref
}

// addAnchor adds the resource that carries the record: add, the record's identifier and bron-record.
func (m *mapper) addAnchor(r proto.Message, a about) fhir.Ref {
	m.anchor = len(m.added)
	if m.rec.name != "kind" {
		element.AddIdentifier(r, element.Identifier(m.head.base()+"/"+m.head.recordType, m.head.recordID))
	}
	return m.add(r, a)
}

// meta returns meta for a resource of this record (mks.md 3.1).
func (m *mapper) meta(a about) *dpb.Meta {
	out := &dpb.Meta{Source: &dpb.Uri{Value: m.head.metaSource()}, Security: a.labels}
	for _, p := range a.profiles {
		out.Profile = append(out.Profile, &dpb.Canonical{Value: p})
	}
	out.Tag = append(out.Tag, element.Coding(element.CodeSystem("mks-record"), m.head.recordType, label("recordType", m.head.recordType)))
	for _, d := range a.domains {
		out.Tag = append(out.Tag, listCoding("mks-domein", d))
	}
	return out
}
