package samordningsplan

import (
	"strings"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// mapper is one run of Map: a document, what is stored, and the resources that come of it.
type mapper struct {
	*plan
	known  mapping.Known
	source mapping.Source
	sender fhir.Ref
	// patient is the id that the person has or will have; guest: the stored Patient is another's.
	patient fhir.Ref
	person  *mapping.Found
	guest   bool
	orgs    map[string]organisation // by the local id of the aktör
	added   []added
	stored  *mapping.Found      // the plan as it is stored
	before  map[string]fhir.Ref // by id, the stored plans that this one takes over

	leftOut map[string]bool            // aktörer whom an exception leaves out
	serving map[string]map[string]bool // domains of whoever answers for the measures of a goal
	waits   map[string]wait            // by the id of the measure
	union   []string                   // domains of all aktörer
}

// wait is what is said of a measure that waits, and its place in avvakta.
type wait struct {
	at    form.Value
	index int
}

// organisation is the Organization of an aktör.
type organisation struct {
	ref fhir.Ref
	// foreign: it is stored and not of the sender, so that the document does not change it.
	foreign bool
	found   *mapping.Found
}

// added is a resource to write.
type added struct {
	message proto.Message
	edited  *fhir.Resource // instead of message
	ref     fhir.Ref
}

func newMapper(p *plan, s mapping.Source, k mapping.Known) (*mapper, error) {
	m := &mapper{plan: p, known: k, source: s, orgs: map[string]organisation{}}
	m.sender = s.Holder
	if m.sender.IsZero() {
		m.sender = organisationRef(m.root.At("ansvar").At("vardenhetHsaId").Str())
	}
	var err error
	if m.stored, err = k.Read(m.planRef()); err != nil {
		return nil, err
	}
	if err = m.findPerson(); err != nil {
		return nil, err
	}
	for _, actor := range m.root.At("aktorer").Items() {
		if err = m.findOrganisation(actor); err != nil {
			return nil, err
		}
	}
	if err = m.findBefore(); err != nil {
		return nil, err
	}
	m.gather()
	return m, nil
}

// gather reads once what many resources ask of the document.
func (m *mapper) gather() {
	m.leftOut, m.serving, m.waits = m.excluded(), map[string]map[string]bool{}, map[string]wait{}
	all := map[string]bool{}
	for _, a := range m.root.At("aktorer").Items() {
		all[m.domain(a.At("id").Str())] = true
	}
	m.union = ordered(all)
	for _, act := range m.root.At("insatser").Items() {
		for _, goal := range act.At("mal").Strs() {
			if m.serving[goal] == nil {
				m.serving[goal] = map[string]bool{}
			}
			m.serving[goal][m.domain(act.At("ansvarigAktor").Str())] = true
		}
	}
	for i, v := range m.root.At("avvakta").Items() {
		m.waits[v.At("insats").Str()] = wait{v, i}
	}
}

// endpointOf is the identifier system of the source system, E in samordningsplan.md 4.
func (p *plan) endpointOf() string { return endpoint + p.root.At("kallsystemHsaId").Str() }

func (p *plan) document() string { return p.root.At("dokumentId").Str() }

// ref is the reference of the resource that a key of the document stands for.
func (p *plan) ref(t fhir.Type, key string) fhir.Ref {
	return fhir.Ref{Type: t, ID: mapping.UUID(strings.Join(
		[]string{"samordningsplan", p.root.At("kallsystemHsaId").Str(), p.document(), string(t), key}, "/"))}
}

func (p *plan) planRef() fhir.Ref { return p.ref("CarePlan", "plan") }

func (p *plan) teamRef() fhir.Ref { return p.ref("CareTeam", "team") }

func organisationRef(key string) fhir.Ref {
	return fhir.Ref{Type: "Organization", ID: mapping.UUID("organization/" + key)}
}

// target is the reference that a reference of the document stands for: an aktör its Organization, a
// företrädare its RelatedPerson, a mål its Goal, person the Patient; zero when it names none of these.
func (m *mapper) target(ref string) fhir.Ref {
	switch {
	case ref == thePerson:
		return m.patient
	case m.names(ref, "aktorer"):
		return m.orgs[ref].ref
	case m.names(ref, "foretradare"):
		return m.ref("RelatedPerson", ref)
	case m.names(ref, "mal"):
		return m.ref("Goal", ref)
	}
	return fhir.Ref{}
}

// to is target as the datatype, nil when it names none.
func (m *mapper) to(v form.Value) *dpb.Reference { return element.Literal(m.target(v.Str())) }

func (m *mapper) subject() *dpb.Reference { return element.Literal(m.patient) }

// add takes a resource of a key of the document, puts id, identifier and tags on it, and returns its
// reference. Resources leave in the order in which they were added.
func (m *mapper) add(r proto.Message, key string, domains ...string) fhir.Ref {
	ref := m.ref(element.TypeOf(r), key)
	element.AddIdentifier(r, element.Identifier(m.endpointOf(), m.document()+"#"+key))
	m.put(r, ref, element.Meta{Tags: tags(domains)})
	return ref
}

// put adds a resource under a reference. Where the Patient is another's, what the document says of protection stands
// on each resource of its own.
func (m *mapper) put(r proto.Message, ref fhir.Ref, meta element.Meta) {
	if ofPlan[ref.Type] && !m.root.At("godkandForPatient").Yes() {
		meta.Security = append(meta.Security, element.OwnCoding("access-label", "not-for-patient"))
	}
	if m.guest {
		meta.Security = append(meta.Security, m.protection()...)
	}
	element.SetID(r, ref.ID)
	element.SetMeta(r, meta.Proto())
	m.added = append(m.added, added{message: r, ref: ref})
}

// during is the Period of two days. FHIR has none that ends before it starts: of such the end is left out,
// and the document keeps it.
func (m *mapper) during(from, to form.Value) *dpb.Period {
	if from.Day().After(to.Day()) {
		m.Keep(to)
	}
	return span(from.Day(), to.Day())
}

// ofPlan are the types that tell what is in the plan: one that is not for the person is not shown in any of them.
// Who is called, who consents and who represents is not hidden from them. Read only.
var ofPlan = map[fhir.Type]bool{
	"CarePlan": true, "Goal": true, "CareTeam": true, "Task": true, "QuestionnaireResponse": true, "Provenance": true,
}

func span(from, to form.Day) *dpb.Period {
	if from.After(to) {
		to = ""
	}
	return element.Period(from, to)
}

func tags(domains []string) []*dpb.Coding {
	var out []*dpb.Coding
	for _, d := range domains {
		out = append(out, element.OwnCoding("mks-domein", d))
	}
	return out
}

// index is the extension of a resource that stands for an element of a list.
func index(i int) *dpb.Extension {
	return element.OwnExtension("source-index", element.Unsigned(int64(i)))
}

// ordered returns domains once each, in their order.
func ordered(of map[string]bool) []string {
	var out []string
	for _, d := range domains {
		if of[d] {
			out = append(out, d)
		}
	}
	return out
}

// domain is that of whoever answers for something: an aktör by its work, anybody else sociaal.
func (m *mapper) domain(ref string) string {
	if d := domainOf[m.actor(ref).At("verksamhetsTyp").Str()]; d != "" {
		return d
	}
	return "sociaal"
}

// mainActor is the aktör behind CarePlan.author: that of the coordinator, else the initiator's, else the
// one that judged the need.
func (m *mapper) mainActor() string {
	for _, v := range []form.Value{m.coordinator().At("aktor"), m.root.At("initiativ").At("aktor"), m.root.At("behovsbedomning").At("gjordAv")} {
		if m.names(v.Str(), "aktorer") {
			return v.Str()
		}
	}
	return ""
}

// write makes all resources, the Provenance last. Errors are those of what is looked up.
func (m *mapper) write() error {
	m.root.At("schema").To()
	m.writePerson()
	m.writeGuardians()
	m.writeOrganisations()
	m.writeRoles()
	m.writeServices()
	m.writeTeam()
	m.writeGoals()
	m.writePlan()
	if err := m.writeConsents(); err != nil {
		return err
	}
	m.writeMeetings()
	m.writeFollowUps()
	m.writeHandovers()
	m.writeSignals()
	m.writePriorMeetings()
	m.writeForm()
	m.writeChildForm()
	return nil
}
