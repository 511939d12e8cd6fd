package netwerk

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// mapper is one run of Map.
type mapper struct {
	*document
	head
	known   mapping.Known
	stored  *mapping.Found // the child's Patient
	patient fhir.Ref
	team    fhir.Ref
	sender  fhir.Ref
	shared  map[string]*mapping.Found // organisations that are stored under their number, by member id
	// takenBack are the members who withdrew their consent here, by id.
	takenBack map[string]bool
	out       []mapping.Mapped
}

func newMapper(d *document, k mapping.Known) (*mapper, error) {
	m := &mapper{document: d, head: d.head(), known: k, shared: map[string]*mapping.Found{}}
	if err := m.findChild(); err != nil {
		return nil, err
	}
	m.team = fhir.Ref{Type: "CareTeam", ID: m.id("CareTeam", "netwerk")}
	org, err := m.organization(m.ura)
	if err != nil {
		return nil, err
	}
	m.sender = fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/" + m.ura)}
	if org != nil {
		m.sender = org.Resource.Ref()
	}
	for key, l := range d.members {
		if m.shared[key], err = m.organization(l.At("ura").Str()); err != nil {
			return nil, err
		}
		if m.shared[key] != nil {
			continue
		}
		if m.shared[key], err = m.registered(key, l); err != nil {
			return nil, err
		}
	}
	return m, m.readWithdrawn()
}

// organization finds the stored organisation of a number that did not come with this record, or is its own since;
// nil for none.
func (m *mapper) organization(number string) (*mapping.Found, error) {
	if number == "" {
		return nil, nil
	}
	hits, err := m.known.Identified("Organization", fhir.Identifier{System: uraSystem, Value: number})
	if err != nil {
		return nil, err
	}
	for _, hit := range hits {
		if !strings.HasPrefix(m.keyOf(hit.Resource), m.record+"#") || hit.Custodian.Current() != m.sender {
			return hit, nil
		}
	}
	return nil, nil
}

// registered finds the organisation that a member became when an operator registered it: its number is what was
// registered, whatever the record says now. Nil for none.
func (m *mapper) registered(key string, l form.Value) (*mapping.Found, error) {
	if !isOrganisation(l) {
		return nil, nil
	}
	hit, err := m.known.Read(fhir.Ref{Type: "Organization", ID: m.id("Organization", key)})
	if err != nil || hit == nil || hit.Custodian.Current() == m.sender {
		return nil, err
	}
	return hit, nil
}

// keyOf is what a resource is called in the records of this source, "" for one of another.
func (m *mapper) keyOf(r *fhir.Resource) string {
	for id := range r.Root().All("identifier") {
		if id.Member("system").Text() == systemOfSource+m.ura {
			return id.Member("value").Text()
		}
	}
	return ""
}

// findChild looks up the Patient by BSN, then by the local id of the source.
func (m *mapper) findChild() error {
	for _, id := range slices.Backward(m.client) {
		if id.Value != "" {
			m.patient = fhir.Ref{Type: "Patient", ID: mapping.UUID("patient/" + id.String())}
		}
	}
	for _, id := range m.client {
		if id.Value == "" {
			continue
		}
		hits, err := m.known.Identified("Patient", id)
		if err != nil {
			return err
		}
		if len(hits) > 0 {
			m.stored, m.patient = hits[0], hits[0].Resource.Ref()
			return nil
		}
	}
	return nil
}

// check runs the rules that need what is stored.
func (m *mapper) check() error {
	if born := m.at("client").At("geboortedatum"); born.AbsentOrSound() {
		birth := born.Day()
		if !born.Present() && m.stored != nil {
			birth = form.Day(m.stored.Resource.Root().Member("birthDate").Text())
		}
		m.decisionRules(birth)
	}
	for _, a := range m.at("afspraken").Items() {
		status := a.At("status")
		if !status.Sound() || !a.At("id").Sound() {
			continue
		}
		task, err := m.known.Read(fhir.Ref{Type: "Task", ID: m.id("Task", a.At("id").Str())})
		if err != nil {
			return err
		}
		if task != nil && !mayFollow(stateOf(task.Resource.Root()), status.Str()) {
			m.Fail("NW-T01", status)
		}
	}
	return nil
}

// follows are the steps from one status of an agreement to the next.
var follows = map[string][]string{
	"voorgesteld": {"geaccepteerd", "geweigerd"}, "geaccepteerd": {"loopt", "gestopt", "geweigerd"}, "loopt": {"gestopt"},
	"geweigerd": {"voorgesteld"}, "gestopt": {"voorgesteld"},
}

func mayFollow(from, to string) bool {
	return from == "" || from == to || slices.Contains(follows[from], to)
}

// stateOf is the status of an agreement that its Task has.
func stateOf(task fhir.Node) string {
	for c := range task.All("businessStatus", "coding") {
		if c.Member("system").Text() == states.System {
			return c.Member("code").Text()
		}
	}
	return ""
}

// id is the logical id of a part of the record.
func (m *mapper) id(t fhir.Type, key string) string {
	return mapping.UUID("netwerk/" + m.ura + "/" + m.record + "/" + string(t) + "/" + key)
}

// refTo is the resource of a member.
func (m *mapper) refTo(key string) fhir.Ref {
	if hit := m.shared[key]; hit != nil {
		return hit.Resource.Ref()
	}
	t := fhir.Type("RelatedPerson")
	if isOrganisation(m.members[key]) {
		t = "Organization"
	}
	return fhir.Ref{Type: t, ID: m.id(t, key)}
}

// literal refers to a member.
func (m *mapper) literal(v form.Value) *dpb.Reference {
	if !v.Present() {
		return nil
	}
	return element.Literal(m.refTo(v.Str()))
}

// called is the identifier of a part of the record.
func (m *mapper) called(key string) *dpb.Identifier {
	return element.Identifier(systemOfSource+m.ura, m.record+"#"+key)
}

// social marks what a network is about (access.md 4.4).
func social() []*dpb.Coding { return []*dpb.Coding{element.OwnCoding("mks-domein", "sociaal")} }

// add adds a resource with its id and meta. custodian is zero for the sender.
func (m *mapper) add(r proto.Message, ref fhir.Ref, meta element.Meta) error {
	element.SetID(r, ref.ID)
	element.SetMeta(r, meta.Proto())
	tree, err := fhir.FromProto(r)
	if err != nil {
		return err
	}
	m.out = append(m.out, mapping.Mapped{Resource: tree})
	return nil
}

// profile is the canonical of a profile of nl-core.
func profile(name string) []string { return []string{nlCore + name} }

// traces is the trace in the order in which members were mapped, of those that are there.
func (m *mapper) traces() []mapping.Trace {
	there := map[string]bool{}
	gather(m.Root(), there)
	var out []mapping.Trace
	for ptr, elements := range m.Traced() {
		if there[ptr] {
			out = append(out, mapping.Trace{Pointer: ptr, Elements: elements})
		}
	}
	return out
}

// gather marks the pointers at and below a value.
func gather(v form.Value, into map[string]bool) {
	into[v.Pointer()] = true
	for _, x := range append(v.Items(), v.Members()...) {
		gather(x, into)
	}
}

// path is an element of a resource, for the trace.
func path(ref fhir.Ref, element string) string { return ref.String() + "." + element }

// extensionAt is an extension of an element, for the trace.
func extensionAt(on, name string) string {
	return on + ".extension('" + fhir.Canonical + "/StructureDefinition/" + name + "')"
}

// nth is the i-th of a list of elements.
func nth(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
