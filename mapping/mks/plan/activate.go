package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	appointpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/appointment_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// Activate brings the draft of a zorgplan into force: what the record's version would have become had it
// been signed when it came. The draft's resources move to the ids of the version in force, with the
// signatures on it (Provenances); the draft and what it replaces end (mks.md 2.7, 7.6). A plan that is no
// draft of a record of this format gives an empty Result.
func Activate(plan *fhir.Resource, signatures []*fhir.Resource, k mapping.Known, now time.Time) (mapping.Result, error) {
	a, err := NewActivation(plan, k, now)
	if a == nil || err != nil {
		return mapping.Result{}, err
	}
	if err := a.Run(signatures); err != nil {
		return mapping.Result{}, err
	}
	out := mapping.Result{Anchor: a.anchorRef(), Patient: a.Child.Ref}
	for i := range a.Added {
		tree, err := a.Added[i].Tree()
		if err != nil {
			return mapping.Result{}, err
		}
		out.Resources = append(out.Resources, mapping.Mapped{Resource: tree})
	}
	return out, nil
}

// Run adds all that brings the draft into force, the Provenance of its version last.
func (a *Activation) Run(signatures []*fhir.Resource) error {
	for _, step := range []func() error{a.move, a.appoint, a.retire} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, s := range signatures {
		if err := a.sign(s); err != nil {
			return err
		}
	}
	a.Added = append(a.Added, tofhir.Added{Edited: a.provenance, Ref: a.provenance.Ref()})
	return nil
}

// Activation is one draft on its way into force. Its mapper stands for the record's version.
type Activation struct {
	*tofhir.Mapper
	draftPath  string // key of the draft's anchor; that of the version in force is anchorPath
	parts      []*fhir.Resource
	moved      *strings.Replacer // ids of the draft → ids in force
	provenance *fhir.Resource    // of the version
}

// NewActivation finds what the draft consists of; nil for what is no draft of ours.
func NewActivation(plan *fhir.Resource, k mapping.Known, now time.Time) (*Activation, error) {
	n := plan.Root()
	h := headOf(n)
	a := &Activation{
		Mapper: &tofhir.Mapper{
			Document: &record.Document{Document: form.Blank(&record.Dialect), Type: record.Zorgplan(), Head: h},
			Known:    k, Now: now, Anchor: 0,
			Child: tofhir.Child{Ref: tofhir.RefOf(n.At("subject", "reference").Text()), Stored: true},
		},
		draftPath: "CarePlan/" + h.AnchorKey() + "/concept",
	}
	if h.RecordType != "zorgplan" || n.Member("status").Text() != "draft" || mapping.ID(a.draftPath) != plan.ID() {
		return nil, nil
	}
	hit, err := k.Read(fhir.Ref{Type: "Provenance", ID: mapping.ID(a.draftPath + "/" + strconv.Itoa(h.Version))})
	if err != nil || hit == nil {
		return nil, err
	}
	a.provenance, a.parts = hit.Resource, []*fhir.Resource{plan}
	return a, a.findTargets()
}

// headOf reads the envelope of a record from its anchor.
func headOf(anchor fhir.Node) record.Head {
	var h record.Head
	for e := range anchor.All("extension") {
		if e.Member("url").Text() != element.StructureDefinition("bron-record") {
			continue
		}
		version, err := strconv.Atoi(tofhir.Part(e, "versie").Text())
		if err != nil {
			continue
		}
		h = record.Head{
			RecordedDay: tofhir.FirstDay(tofhir.Part(e, "vastgelegdOp")),
			RecordType:  tofhir.Part(e, "recordType").Text(), RecordID: tofhir.Part(e, "recordId").Text(), Status: "definitief", Version: version,
			URA: tofhir.Part(e, "ura").Text(), App: tofhir.Part(e, "applicatie").Text(), LocalID: tofhir.Part(e, "lokaalId").Text(),
		}
	}
	return h
}

func (a *Activation) anchorRef() fhir.Ref { return fhir.Ref{Type: "CarePlan", ID: a.Key()} }

// findTargets reads what the draft's version yielded, and tells the id that each part has in force.
func (a *Activation) findTargets() error {
	pairs := []string{mapping.ID(a.draftPath), a.Key(), a.provenance.ID(), a.Part(strconv.Itoa(a.Head.Version))}
	for n := range a.provenance.Root().All("target", "reference") {
		ref := tofhir.RefOf(n.Text())
		if ref.IsZero() || tofhir.Shared[ref.Type] {
			continue
		}
		hit, err := a.Known.Read(ref)
		if err != nil {
			return fmt.Errorf("mks.Activate: %w", err)
		}
		if hit == nil {
			continue
		}
		if name, ok := a.partName(hit.Resource); ok {
			a.parts = append(a.parts, hit.Resource)
			pairs = append(pairs, ref.ID, a.Part(name))
		}
	}
	a.moved = strings.NewReplacer(pairs...)
	return nil
}

// plainParts are the parts of a plan that bear no id of the source.
var plainParts = []string{"dagprogramma", "noodplan", "voeding"}

// partName returns the name under which a resource is a part of the draft.
func (a *Activation) partName(r *fhir.Resource) (string, bool) {
	candidates := slices.Clone(plainParts)
	for v := range r.Root().All("identifier", "value") {
		if _, id, ok := strings.Cut(v.Text(), "#"); ok {
			candidates = append(candidates, id)
		}
	}
	for _, name := range candidates {
		if mapping.ID(a.draftPath+"/"+name) == r.ID() {
			return name, true
		}
	}
	return "", false
}

// move adds the draft's resources under the ids in force, with the statuses of a plan in force.
func (a *Activation) move() error {
	for _, r := range a.parts {
		fresh, err := a.relocated(r)
		if err != nil {
			return err
		}
		if fresh.Type() == "Goal" {
			if fresh, err = a.keepGoal(fresh); err != nil {
				return err
			}
		}
		a.Added = append(a.Added, tofhir.Added{Edited: fresh, Ref: fresh.Ref()})
	}
	return nil
}

// comesIntoForce says where a type has the statuses of a draft, and what they become.
var comesIntoForce = map[fhir.Type][]struct {
	path     []string
	from, to string
}{
	"CarePlan": {
		{[]string{"status"}, Statuses["draft"].plan, Statuses["active"].plan},
		{[]string{"activity", "detail", "status"}, Statuses["draft"].activity, Statuses["active"].activity},
	},
	"NutritionOrder": {{[]string{"status"}, Statuses["draft"].plan, Statuses["active"].plan}},
	"Goal":           {{[]string{"lifecycleStatus"}, Statuses["draft"].goal, Statuses["active"].goal}},
	"Flag":           {{[]string{"status"}, Statuses["draft"].Flag, Statuses["active"].Flag}},
}

// relocated returns a resource of the draft as it is in force.
func (a *Activation) relocated(r *fhir.Resource) (*fhir.Resource, error) {
	var places []fhir.Node
	for _, row := range comesIntoForce[r.Type()] {
		for n := range r.Root().All(row.path...) {
			if n.Text() == row.from {
				places = append(places, n)
			}
		}
	}
	to := func(n fhir.Node) string {
		for _, row := range comesIntoForce[r.Type()] {
			if n.Text() == row.from && row.path[len(row.path)-1] == n.Name() {
				return row.to
			}
		}
		return "definitief" // bron-record of a concept that was signed
	}
	for e := range r.Root().All("extension") {
		if status := tofhir.Part(e, "status"); e.Member("url").Text() == element.StructureDefinition("bron-record") && status.Exists() {
			places = append(places, status)
		}
	}
	slices.SortFunc(places, func(x, y fhir.Node) int {
		i, _ := x.Span()
		j, _ := y.Span()
		return cmp.Compare(i, j)
	})
	text, done := string(r.Bytes()), 0
	var out strings.Builder
	for _, n := range places {
		start, end := n.Span()
		out.WriteString(text[done:start])
		out.WriteString(strconv.Quote(to(n)))
		done = end
	}
	out.WriteString(text[done:])
	return a.parsed(out.String())
}

// parsed reads text with the ids in force.
func (a *Activation) parsed(text string) (*fhir.Resource, error) {
	r, issues := fhir.Parse([]byte(a.moved.Replace(text)), fhir.Limits{Bytes: 2 * len(text), Nodes: 2 * len(text)})
	if fhir.HasErrors(issues) {
		return nil, fmt.Errorf("mks.Activate: %s", issues[0].Diagnostics)
	}
	return r.Edit(fhir.Edit{Path: []string{"meta", "versionId"}}, fhir.Edit{Path: []string{"meta", "lastUpdated"}})
}

// keepGoal carries what evaluations said of the goal in force, as a pushed version does.
func (a *Activation) keepGoal(goal *fhir.Resource) (*fhir.Resource, error) {
	hit, err := a.Known.Read(goal.Ref())
	if err != nil || hit == nil {
		return goal, err
	}
	old := tofhir.Found(hit)
	var edits []fhir.Edit
	for _, name := range []string{"achievementStatus", "statusDate", "outcomeReference"} {
		if n := old.Member(name); n.Exists() {
			edits = append(edits, fhir.Edit{Path: []string{name}, JSON: n.Raw()})
		}
	}
	for c := range old.All("achievementStatus", "coding", "code") {
		if status, ok := endedBy[c.Text()]; ok && old.Member("lifecycleStatus").Text() == status {
			edits = append(edits, fhir.Edit{Path: []string{"lifecycleStatus"}, JSON: strconv.Quote(status)})
		}
	}
	return goal.Edit(edits...)
}

// appoint adds the proposed Appointments for which a draft does not ask.
func (a *Activation) appoint() error {
	seen := map[string]int{}
	for d := range a.Added[0].Edited.Root().All("activity", "detail") {
		next := form.Day(d.At("scheduledTiming", "repeat", "boundsPeriod", "start").Text())
		kind := tofhir.CodeIn(d, "code", "evaluatie-soort")
		if next == "" || kind == "" {
			continue
		}
		ref := fhir.Ref{Type: "Appointment", ID: a.Part(tofhir.Numbered(seen, kind))}
		w := &planWriter{Mapper: a.Mapper}
		if kept, err := w.keepAppointment(ref, next); kept || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		p := &appointpb.Appointment{
			Status:                element.Enum(&appointpb.Appointment_StatusCode{}, "proposed"),
			ServiceType:           []*dpb.CodeableConcept{tofhir.ListConcept("evaluatie-soort", kind)},
			SupportingInformation: []*dpb.Reference{element.Literal(a.anchorRef())},
			RequestedPeriod:       []*dpb.Period{element.Period(next, next)},
			Participant:           []*appointpb.Appointment_Participant{participant(nil, a.PatientRef())},
		}
		for e := range d.All("extension") {
			if e.Member("url").Text() == element.StructureDefinition("deelnemer-rol") {
				p.Participant = append(p.Participant, participant(tofhir.ListConcept("teamrol", e.Member("valueCode").Text()), nil))
			}
		}
		a.Add(p, tofhir.About{ID: ref.ID})
	}
	return nil
}

// retire ends the draft and what the version in force had more, and tells in the Provenance what is written.
func (a *Activation) retire() error {
	if err := a.Mapper.Retire(); err != nil {
		return err
	}
	told := map[string]bool{}
	p, err := a.parsed(string(a.provenance.Bytes()))
	if err != nil {
		return err
	}
	for n := range p.Root().All("target", "reference") {
		told[n.Text()] = true
	}
	edits := []fhir.Edit{{Path: []string{"recorded"}, JSON: strconv.Quote(a.Now.UTC().Format(time.RFC3339))}}
	for _, w := range a.Added {
		if !told[w.Ref.String()] {
			edits = append(edits, fhir.Edit{Path: []string{"target"}, Append: true, JSON: fmt.Sprintf(`{"reference":%q}`, w.Ref.String())})
		}
	}
	a.provenance, err = p.Edit(edits...)
	return err
}

// sign adds a signature on the draft as one on the plan in force. Of whom it is, is in its id.
func (a *Activation) sign(s *fhir.Resource) error {
	who := tofhir.RefOf(s.Root().At("signature", "who", "reference").Text())
	name := "handtekening/" + strconv.Itoa(a.Head.Version) + "/"
	if local := cmp.Or(s.Root().At("signature", "who", "identifier", "value").Text(), "kind"); mapping.ID(a.draftPath+"/"+name+local) == s.ID() {
		name += local // it came with the record
	} else {
		name += who.ID
	}
	copied, err := a.parsed(string(s.Bytes()))
	if err != nil {
		return err
	}
	copied, err = copied.Edit(
		fhir.Edit{Path: []string{"id"}, JSON: strconv.Quote(a.Part(name))},
		fhir.Edit{Path: []string{"target"}, JSON: fmt.Sprintf(`[{"reference":%q}]`, a.anchorRef().String())},
		fhir.Edit{Path: []string{"meta", "source"}, JSON: strconv.Quote(a.Head.MetaSource())})
	if err != nil {
		return err
	}
	a.Added = append(a.Added, tofhir.Added{Edited: copied, Ref: copied.Ref()})
	return nil
}
