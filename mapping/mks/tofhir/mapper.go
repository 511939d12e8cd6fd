package tofhir

import (
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Mapper is one run of Map: a document, what is stored, and the resources that come of it.
type Mapper struct {
	*record.Document
	Known mapping.Known
	Now   time.Time
	Child Child
	// Draft gives anchor and parts the ids of a draft (mks.md 2.7): a concept, or a care plan that
	// is not signed enough. Set it before the first id is asked for.
	Draft bool
	// Own are the lists of a kind record; other records look up what is stored.
	Own          map[string]Target
	Targets      map[string]Target // references resolved before
	Added        []Added
	Anchor       int // index in Added, -1 before AddAnchor
	Sender       fhir.Ref
	senderStored bool
	// Labels are the meta.security of the Provenance.
	Labels []*dpb.Coding
	kindState
	path     string                 // anchorPath
	patient  *dpb.Reference         // PatientRef
	source   *dpb.Uri               // meta.source, the same for all
	tags     map[string]*dpb.Coding // meta.tag by domain; "" is that of the record type
	Proposed bool                   // a consent that does not count yet (TOE-09)
}

// Child is what is stored of the child.
type Child struct {
	Ref    fhir.Ref // the id that it has or will have
	Found  *mapping.Found
	Stored bool // a kind record of this source system is stored
	Others bool // a kind record of another source system is stored
	Birth  form.Day
	// Stub: the Patient is known by its identifiers alone and has no custodian (mks.md 2.5).
	Stub bool
	// NewNumber: the record has a BSN that the Patient lacks; otherNumber: the Patient has another.
	NewNumber, otherNumber bool
	// Namesake is another Patient that has the BSN of the record.
	Namesake *mapping.Found
}

// Patient returns the stored Patient, a missing node when there is none.
func (c Child) Patient() fhir.Node { return Found(c.Found) }

// Found returns the tree of a stored resource, a missing node for nil.
func Found(f *mapping.Found) fhir.Node {
	if f == nil {
		return fhir.Node{}
	}
	return f.Resource.Root()
}

// Added is a resource to write.
type Added struct {
	message   proto.Message
	Edited    *fhir.Resource // instead of message: a stored resource that was edited
	Ref       fhir.Ref
	custodian fhir.Ref
	author    fhir.Ref
	stored    *mapping.Found // the resource that it is united with (2.6)
	union     *Union
	literal   *dpb.Reference // to Ref, when there is one to share
	stub      bool           // a Patient known by its identifier alone
	Unlisted  bool           // edited, though this version of the record does not yield it
}

// About says what add puts on a resource besides its content.
type About struct {
	ID       string        // from Mapper.Key or Mapper.Part
	Profiles []string      // canonicals
	Domains  []string      // codes of mks-domein
	Labels   []*dpb.Coding // meta.security
	// Custodian and author differ from the sender only where mks.md says so.
	Custodian, Author fhir.Ref
	literal           *dpb.Reference // Place.About
}

// Steps are what one record type adds to a run. A source leaf that write does not trace with
// form.Value.To is kept as source-member, so that nothing is lost.
type Steps struct {
	// Prepare looks up what references need, before they are checked. It may be nil.
	Prepare func(*Mapper) error
	// Stored checks what needs stored resources. It runs also when the document has faults; errors
	// are failed look-ups.
	Stored func(*Mapper) error
	// Write adds the resources, the anchor with Mapper.AddAnchor. It runs only without faults.
	Write func(*Mapper) error
}

// New begins a run of Map: it looks up the child and the sending organisation. Errors are failed look-ups.
func New(d *record.Document, k mapping.Known, now time.Time) (*Mapper, error) {
	m := &Mapper{
		Document: d, Known: k, Now: now, Anchor: -1, Targets: map[string]Target{}, Added: make([]Added, 0, 40),
		Draft: d.Head.Status == "concept" && d.Type.Name != "kind",
	}
	var err error
	if m.Child, err = m.findChild(); err != nil {
		return nil, err
	}
	if err = m.findSender(); err != nil {
		return nil, err
	}
	return m, nil
}

// findChild looks up the Patient by the local id of the source, then by BSN (mks.md 2.6).
func (m *Mapper) findChild() (Child, error) {
	h := m.Head
	c := Child{Ref: fhir.Ref{Type: "Patient", ID: mapping.ID("Patient/" + h.Source() + "/" + h.LocalID)}}
	number := fhir.Identifier{System: record.BSNSystem, Value: h.BSN}
	byLocal, err := m.Known.Identified("Patient", fhir.Identifier{System: h.Base() + "/kind", Value: h.LocalID})
	if err != nil {
		return c, err
	}
	hits := byLocal
	if len(hits) == 0 && h.BSN != "" {
		if hits, err = m.Known.Identified("Patient", number); err != nil {
			return c, err
		}
	}
	if len(hits) == 0 {
		return c, nil
	}
	c.Found, c.Ref = hits[0], hits[0].Resource.Ref()
	return c, m.readChild(&c, number)
}

// readChild reads the facts of the stored Patient.
func (m *Mapper) readChild(c *Child, number fhir.Identifier) error {
	n := c.Patient()
	c.Birth = form.Day(n.At("birthDate").Text())
	c.Stub = c.Birth == "" && !n.Member("name").Exists()
	for e := range n.All("extension") {
		if e.Member("url").Text() != element.StructureDefinition("bron-record") || rebuild.Part(e, "recordType").Text() != "kind" {
			continue
		}
		own := rebuild.Part(e, "ura").Text() == m.Head.URA && rebuild.Part(e, "applicatie").Text() == m.Head.App
		c.Stored, c.Others = c.Stored || own, c.Others || !own
	}
	if number.Value == "" || HasIdentifier(n, number) {
		return nil
	}
	hits, err := m.Known.Identified("Patient", number)
	if err != nil {
		return err
	}
	if len(hits) > 0 {
		c.Namesake = hits[0]
	}
	for id := range n.All("identifier") {
		c.otherNumber = c.otherNumber || id.Member("system").Text() == record.BSNSystem
	}
	c.NewNumber = true
	return nil
}

// Check resolves the references and runs the rules that need what is stored.
func (m *Mapper) Check(s Steps) error {
	if s.Prepare != nil {
		if err := s.Prepare(m); err != nil {
			return err
		}
	}
	var failed error
	if m.Type.Name != "kind" {
		m.NumberRule()
	}
	m.References(func(v form.Value, kinds []string) {
		if failed == nil && v.Sound() && !m.Full() {
			failed = m.checkReference(v, kinds)
		}
	})
	if failed != nil {
		return failed
	}
	return s.Stored(m)
}

// NumberRule holds MKS-ENV-11 for the child's custodian: a local id that is known with another BSN.
// A BSN that another Patient has is no fault that may be told: it would say that the child is known.
func (m *Mapper) NumberRule() {
	if m.Child.otherNumber && m.IsCustodian() {
		m.Fail("MKS-ENV-11", m.Root().At("kind").At("lokaalId"))
	}
}

// IsCustodian reports whether the sender is the child's custodian: of a new child or a stub it
// becomes that with its kind record.
func (m *Mapper) IsCustodian() bool {
	return m.Child.Found == nil || m.Child.Stub || m.Child.Found.Custodian.Current() == m.Sender
}

// Key returns the id of the anchor.
func (m *Mapper) Key() string { return mapping.ID(m.anchorPath(), m.concept()) }

// Part returns the id of a part of the record, such as part("a1/2").
func (m *Mapper) Part(name string) string { return mapping.ID(m.anchorPath(), m.concept(), "/", name) }

// anchorPath returns the key of the anchor in force, which is asked for with every part.
func (m *Mapper) anchorPath() string {
	if m.path == "" {
		m.path = string(m.Type.Anchor) + "/" + m.Head.AnchorKey()
	}
	return m.path
}

// concept is what the keys of a draft have besides.
func (m *Mapper) concept() string {
	if m.Draft {
		return "/concept"
	}
	return ""
}

// Add takes a google/fhir R4 resource message, puts id and meta on it (source, tags, profiles,
// labels) and returns its reference. Resources leave in the order in which they were added.
func (m *Mapper) Add(r proto.Message, a About) fhir.Ref {
	ref := fhir.Ref{Type: element.TypeOf(r), ID: a.ID}
	m.bear(r, a)
	m.Added = append(m.Added, Added{message: r, Ref: ref, custodian: a.Custodian, author: a.Author, literal: a.literal})
	return ref
}

// AddAnchor adds the resource that carries the record: add, the record's identifier and bron-record.
func (m *Mapper) AddAnchor(r proto.Message, a About) fhir.Ref {
	m.Anchor = len(m.Added)
	if m.Type.Name != "kind" {
		element.AddIdentifier(r, element.Identifier(m.Head.Base()+"/"+m.Head.RecordType, m.Head.RecordID))
	}
	return m.Add(r, a)
}

// bear puts id and meta on a resource of this record (mks.md 3.1).
func (m *Mapper) bear(r proto.Message, a About) {
	if m.source == nil {
		m.source = element.URI(m.Head.MetaSource())
		m.tags = map[string]*dpb.Coding{
			"": element.Coding(element.CodeSystem("mks-record"), m.Head.RecordType, record.Label("recordType", m.Head.RecordType)),
		}
	}
	all := &struct { // one piece of memory for what every resource bears, of most of them all
		id      dpb.Id
		meta    dpb.Meta
		profile [1]*dpb.Canonical
		tags    [2]*dpb.Coding
	}{}
	all.id.Value = a.ID
	all.meta.Source, all.meta.Security = m.source, a.Labels
	all.meta.Profile, all.meta.Tag = all.profile[:0], append(all.tags[:0], m.tags[""])
	for _, p := range a.Profiles {
		all.meta.Profile = append(all.meta.Profile, &dpb.Canonical{Value: p})
	}
	for _, d := range a.Domains {
		if m.tags[d] == nil {
			m.tags[d] = ListCoding("mks-domein", d)
		}
		all.meta.Tag = append(all.meta.Tag, m.tags[d])
	}
	element.Set(r, "id", &all.id)
	element.Set(r, "meta", &all.meta)
}
