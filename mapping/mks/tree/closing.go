package tree

import (
	"fmt"
	"slices"
	"strconv"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	commpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/communication_go_proto"
	taskpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/decide"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// informed are the roles in the kindteam of whom informeren names. Read only.
var informed = map[string][]string{
	"kinderarts": {"hoofdbehandelaar", "kinderarts"}, "huisarts": {"huisarts"}, "jgz": {"jgz"}, "gemeente": {"gemeente"},
	"school": {"leerkracht"}, "vervoerder": {"vervoerder"},
}

// ClosingSteps are the record type beslisboom on its way to FHIR.
func ClosingSteps() tofhir.Steps {
	return tofhir.Steps{Stored: checkStoredClosing, Write: writeClosing}
}

// closingWriter maps one beslisboom.
type closingWriter struct {
	*tofhir.Mapper
	in     form.Value
	on     string // FHIRPath of the answers
	status treeStatus
	team   fhir.Node // the sender's kindteam
}

// writeClosing maps a beslisboom: its answers and what follows from them (mks.md 3.7). That the child
// has died is written by the kind record alone.
func writeClosing(m *tofhir.Mapper) error {
	w := &closingWriter{Mapper: m, in: m.Content(), on: "QuestionnaireResponse/" + m.Key(), status: statusOf(m.Head)}
	team, err := plan.Kindteam(m)
	if err != nil {
		return err
	}
	w.team = tofhir.Found(team)
	w.writeAnswers()
	w.requestCare()
	if err := w.handOver(); err != nil {
		return err
	}
	if err := w.inform(); err != nil {
		return err
	}
	return w.closePlans()
}

// closingDomains protect the answers: needs in free words may be of any domain.
func (w *closingWriter) closingDomains() []string {
	if w.in.At("antwoorden").At("bb.andereBehoeften").Present() {
		return tofhir.ChildDomains
	}
	return []string{"medisch"}
}

func (w *closingWriter) writeAnswers() {
	in, on := w.in, w.on
	items := append(treeAnswers(w.Mapper, record.ClosingQuestions, in.At("antwoorden"), on),
		treeItem("bb.uitkomst", "choice", "beslisboom-uitkomst", on, in.At("uitkomsten").Items()...),
		treeItem("bb.afwijking", "text", "", on, in.At("afwijkingReden")),
		treeItem("bb.zorgplan", "string", "", on, in.At("afgeslotenZorgplan")),
		treeItem("bb.evaluatie", "string", "", on, in.At("evaluatieAfsluitend")),
		treeItem("bb.informeren", "choice", "informeren", on, in.At("informeren").Items()...),
		treeItem("bb.overdracht", "string", "", on, in.At("overdracht")))
	addTree(w.Mapper, items, w.closingDomains())
}

// requestCare proposes care under the law that follows.
func (w *closingWriter) requestCare() {
	seen := map[string]bool{}
	for _, o := range w.in.At("uitkomsten").Items() {
		r, ok := decide.Requests[o.Str()]
		if !ok || seen[o.Str()] {
			continue
		}
		seen[o.Str()] = true
		id := w.Part(o.Str())
		s := indication(w.Mapper, r.Law, r.Part, "proposal")
		s.Requester = w.Ref(w.in.At("ingevuldDoor"))
		element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(r.By)))
		o.To("ServiceRequest/" + id + ".category")
		w.Add(s, tofhir.About{ID: id, Profiles: []string{element.StructureDefinition("mks-indicatie")}, Domains: []string{PartDomain(r.Part)}})
	}
}

// handOver asks, for each other need, that a discipline takes it over. A later version leaves a Task
// for the same need as the disciplines have moved it.
func (w *closingWriter) handOver() error {
	if !slices.Contains(w.in.At("uitkomsten").Strs(), "disciplines") {
		return nil
	}
	for i, need := range w.in.At("antwoorden").At("bb.andereBehoeften").Items() {
		ref := fhir.Ref{Type: "Task", ID: w.Part("disciplines/" + strconv.Itoa(i+1))}
		need.To(ref.String() + ".description")
		kept, err := w.keepMoved(ref, "cancelled", func(task fhir.Node) bool { return task.Member("description").Text() == need.Str() },
			"draft", "requested", "cancelled", "entered-in-error")
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		w.Add(&taskpb.Task{
			Status: element.Enum(&taskpb.Task_StatusCode{}, w.status.task), Intent: element.Enum(&taskpb.Task_IntentCode{}, "order"),
			Code: tofhir.ListConcept("beslisboom-uitkomst", "disciplines"), Description: element.String(need.Str()),
			Focus: element.Literal(w.answers()), ForValue: w.PatientRef(), AuthoredOn: element.Moment(w.Root().At("vastgelegdOp").Str()),
		}, tofhir.About{ID: ref.ID, Domains: tofhir.ChildDomains})
	}
	return nil
}

func (w *closingWriter) answers() fhir.Ref {
	return fhir.Ref{Type: "QuestionnaireResponse", ID: w.Key()}
}

// inform prepares a Communication to each party; a draft tells nobody. What was sent stays as it is.
func (w *closingWriter) inform() error {
	if w.Draft {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range w.in.At("informeren").Items() {
		party := v.Str()
		if seen[party] {
			continue
		}
		seen[party] = true
		ref := fhir.Ref{Type: "Communication", ID: w.Part(party)}
		v.To(ref.String() + ".topic")
		kept, err := w.keepMoved(ref, "entered-in-error", func(fhir.Node) bool { return true }, "preparation", "entered-in-error")
		if err != nil {
			return err
		}
		if !kept {
			w.Add(w.communication(party), tofhir.About{ID: ref.ID, Domains: []string{"medisch"}})
		}
	}
	return nil
}

func (w *closingWriter) communication(party string) *commpb.Communication {
	status := "preparation"
	if w.Head.Status == "ingetrokken" {
		status = "entered-in-error"
	}
	return &commpb.Communication{
		Status:   element.Enum(&commpb.Communication_StatusCode{}, status),
		Category: []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "afsluiting-melden")},
		Topic:    tofhir.ListConcept("informeren", party),
		Subject:  w.PatientRef(), About: []*dpb.Reference{element.Literal(w.answers())},
		Sender: w.Ref(w.in.At("ingevuldDoor")), Recipient: w.recipients(party),
	}
}

// recipients are the current members of the sender's own kindteam in the roles of a party, and the
// child's general practitioner as its custodian knows it. Others are found by whoever sends the message.
func (w *closingWriter) recipients(party string) []*dpb.Reference {
	var refs []fhir.Ref
	for p := range w.team.All("participant") {
		if !p.At("period", "end").Exists() && slices.Contains(informed[party], tofhir.CodeIn(p, "role", "teamrol")) {
			refs = append(refs, tofhir.RefOf(p.At("member", "reference").Text()))
		}
	}
	if party == "huisarts" && w.Child.Stored && w.IsCustodian() {
		for r := range w.Child.Patient().All("generalPractitioner", "reference") {
			refs = append(refs, tofhir.RefOf(r.Text()))
		}
	}
	var out []*dpb.Reference
	for i, ref := range refs {
		if !ref.IsZero() && !slices.Contains(refs[:i], ref) {
			out = append(out, element.Literal(ref))
		}
	}
	return out
}

// keepMoved keeps a resource that somebody has taken further than the statuses in which this record
// leaves it, when it is still about the same. A withdrawal changes its status alone.
func (w *closingWriter) keepMoved(ref fhir.Ref, withdrawn string, same func(fhir.Node) bool, ours ...string) (bool, error) {
	hit, err := w.Known.Read(ref)
	if err != nil {
		return false, fmt.Errorf("mks.keepMoved: %w", err)
	}
	n := tofhir.Found(hit)
	if hit == nil || w.Head.Status != "ingetrokken" && (slices.Contains(ours, n.Member("status").Text()) || !same(n)) {
		return false, nil
	}
	edits := []fhir.Edit{{Path: []string{"meta", "source"}, JSON: strconv.Quote(w.Head.MetaSource())}}
	if w.Head.Status == "ingetrokken" {
		edits = append(edits, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(withdrawn)})
	}
	return true, w.AddEdited(hit.Resource, edits...)
}
