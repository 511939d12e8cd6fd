package mks

import (
	"time"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
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
	own     map[string]target
	targets map[string]target // references resolved before
	added   []added
	anchor  int // index in added, -1 before addAnchor
	sender  fhir.Ref
	// labels are the meta.security of the Provenance.
	labels []*dpb.Coding
	// sourceOnly are members that only the Provenance keeps (2.6).
	sourceOnly []value
}

// child is what is stored of the child.
type child struct {
	ref    fhir.Ref // the id that it has or will have
	found  *mapping.Found
	stored bool // a kind record of this source system is stored
	birth  day
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
	tree      *fhir.Resource // instead of message: a stored resource that was edited
	ref       fhir.Ref
	custodian fhir.Ref
	author    fhir.Ref
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

func newMapper(d *document, k mapping.Known, now time.Time) (*mapper, error) {
	m := &mapper{
		document: d, known: k, now: now, anchor: -1, targets: map[string]target{},
		draft: d.head.status == "concept" && d.rec.name != "kind",
	}
	var err error
	if m.child, err = m.findChild(); err != nil {
		return nil, err
	}
	return m, nil
}

// findChild looks up the Patient by BSN, then by the local id of the source (mks.md 2.6).
func (m *mapper) findChild() (child, error) {
	h := m.head
	c := child{ref: fhir.Ref{Type: "Patient", ID: mapping.ID("Patient/" + h.source() + "/" + h.localID)}}
	ids := []fhir.Identifier{{System: bsnSystem, Value: h.bsn}, {System: h.base() + "/kind", Value: h.localID}}
	for _, id := range ids {
		if id.Value == "" || c.found != nil {
			continue
		}
		hits, err := m.known.Identified("Patient", id)
		if err != nil {
			return c, err
		}
		if len(hits) > 0 {
			c.found, c.ref = hits[0], hits[0].Resource.Ref()
		}
	}
	if c.found == nil {
		return c, nil
	}
	c.birth = day(c.patient().At("birthDate").Text())
	for n := range c.patient().All("extension") {
		c.stored = c.stored || h.isRecordOf(n)
	}
	return c, nil
}

// isRecordOf reports whether an extension is the bron-record of this source's kind record.
func (h head) isRecordOf(ext fhir.Node) bool {
	return ext.Member("url").Text() == extensionURL("bron-record") &&
		part(ext, "ura").Text() == h.ura && part(ext, "applicatie").Text() == h.app &&
		part(ext, "recordType").Text() == "kind"
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

// extension returns the value of a simple extension of ours on n, a missing node without one.
func extension(n fhir.Node, name string) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == extensionURL(name) {
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
func (m *mapper) check() error {
	content := typ{shape: fhir.Object, fields: m.rec.fields}
	var failed error
	m.root.walk(envelope(content), func(v value, t typ) {
		if failed == nil && t.refs != nil && v.sound() {
			failed = m.checkReference(v, t.refs)
		}
	})
	if failed != nil {
		return failed
	}
	if m.rec.stored == nil {
		return nil
	}
	return m.rec.stored(m)
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
	ref := fhir.Ref{Type: typeOf(r), ID: a.id}
	setID(r, a.id)
	setMeta(r, m.meta(a))
	m.added = append(m.added, added{message: r, ref: ref, custodian: a.custodian, author: a.author})
	return ref
}

// addAnchor adds the resource that carries the record: add, the record's identifier and bron-record.
func (m *mapper) addAnchor(r proto.Message, a about) fhir.Ref {
	m.anchor = len(m.added)
	if m.rec.name != "kind" {
		addIdentifier(r, identifier(m.head.base()+"/"+m.head.recordType, m.head.recordID))
	}
	return m.add(r, a)
}

// meta returns meta for a resource of this record (mks.md 3.1).
func (m *mapper) meta(a about) *dpb.Meta {
	out := &dpb.Meta{Source: &dpb.Uri{Value: m.head.metaSource()}, Security: a.labels}
	for _, p := range a.profiles {
		out.Profile = append(out.Profile, &dpb.Canonical{Value: p})
	}
	out.Tag = append(out.Tag, coding(codeSystem("mks-record"), m.head.recordType, label("recordType", m.head.recordType)))
	for _, d := range a.domains {
		out.Tag = append(out.Tag, listCoding("mks-domein", d))
	}
	return out
}
