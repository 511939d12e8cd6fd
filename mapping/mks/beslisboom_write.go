package mks

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
)

// closingSteps are the record type beslisboom on its way to FHIR.
func closingSteps() steps { return steps{stored: checkStoredClosing, write: writeClosing} }

// closingWriter maps one beslisboom.
type closingWriter struct {
	*mapper
	in     form.Value
	on     string // FHIRPath of the answers
	status treeStatus
	team   fhir.Node // the sender's kindteam
}

// writeClosing maps a beslisboom: its answers and what follows from them (mks.md 3.7). That the child
// has died is written by the kind record alone.
func writeClosing(m *mapper) error {
	w := &closingWriter{mapper: m, in: m.inhoud(), on: "QuestionnaireResponse/" + m.key(), status: m.head.treeStatus()}
	team, err := m.kindteam()
	if err != nil {
		return err
	}
	w.team = found(team)
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
		return childDomains
	}
	return []string{"medisch"}
}

func (w *closingWriter) writeAnswers() {
	in, on := w.in, w.on
	items := append(w.treeAnswers(closingQuestions, in.At("antwoorden"), on),
		treeItem("bb.uitkomst", "choice", "beslisboom-uitkomst", on, in.At("uitkomsten").Items()...),
		treeItem("bb.afwijking", "text", "", on, in.At("afwijkingReden")),
		treeItem("bb.zorgplan", "string", "", on, in.At("afgeslotenZorgplan")),
		treeItem("bb.evaluatie", "string", "", on, in.At("evaluatieAfsluitend")),
		treeItem("bb.informeren", "choice", "informeren", on, in.At("informeren").Items()...),
		treeItem("bb.overdracht", "string", "", on, in.At("overdracht")))
	w.addTree(items, w.closingDomains())
}

// requestCare proposes care under the law that follows.
func (w *closingWriter) requestCare() {
	seen := map[string]bool{}
	for _, o := range w.in.At("uitkomsten").Items() {
		r, ok := closingRequests[o.Str()]
		if !ok || seen[o.Str()] {
			continue
		}
		seen[o.Str()] = true
		id := w.part(o.Str())
		s := w.indication(r.law, r.part, "proposal")
		s.Requester = w.ref(w.in.At("ingevuldDoor"))
		element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(r.by)))
		o.To("ServiceRequest/" + id + ".category")
		w.add(s, about{id: id, profiles: []string{element.StructureDefinition("mks-indicatie")}, domains: []string{partDomain(r.part)}})
	}
}

// handOver asks, for each other need, that a discipline takes it over. A later version leaves a Task
// for the same need as the disciplines have moved it.
func (w *closingWriter) handOver() error {
	if !slices.Contains(w.in.At("uitkomsten").Strs(), "disciplines") {
		return nil
	}
	for i, need := range w.in.At("antwoorden").At("bb.andereBehoeften").Items() {
		ref := fhir.Ref{Type: "Task", ID: w.part("disciplines/" + strconv.Itoa(i+1))}
		need.To(ref.String() + ".description")
		kept, err := w.keepMoved(ref, "cancelled", func(task fhir.Node) bool { return task.Member("description").Text() == need.Str() },
			"draft", "requested", "cancelled", "entered-in-error")
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		w.add(&taskpb.Task{
			Status: element.Enum(&taskpb.Task_StatusCode{}, w.status.task), Intent: element.Enum(&taskpb.Task_IntentCode{}, "order"),
			Code: listConcept("beslisboom-uitkomst", "disciplines"), Description: element.String(need.Str()),
			Focus: element.Literal(w.answers()), ForValue: w.patientRef(), AuthoredOn: element.Moment(w.Root().At("vastgelegdOp").Str()),
		}, about{id: ref.ID, domains: childDomains})
	}
	return nil
}

func (w *closingWriter) answers() fhir.Ref {
	return fhir.Ref{Type: "QuestionnaireResponse", ID: w.key()}
}

// inform prepares a Communication to each party; a draft tells nobody. What was sent stays as it is.
func (w *closingWriter) inform() error {
	if w.draft {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range w.in.At("informeren").Items() {
		party := v.Str()
		if seen[party] {
			continue
		}
		seen[party] = true
		ref := fhir.Ref{Type: "Communication", ID: w.part(party)}
		v.To(ref.String() + ".topic")
		kept, err := w.keepMoved(ref, "entered-in-error", func(fhir.Node) bool { return true }, "preparation", "entered-in-error")
		if err != nil {
			return err
		}
		if !kept {
			w.add(w.communication(party), about{id: ref.ID, domains: []string{"medisch"}})
		}
	}
	return nil
}

func (w *closingWriter) communication(party string) *commpb.Communication {
	status := "preparation"
	if w.head.status == "ingetrokken" {
		status = "entered-in-error"
	}
	return &commpb.Communication{
		Status:   element.Enum(&commpb.Communication_StatusCode{}, status),
		Category: []*dpb.CodeableConcept{listConcept("mks-categorie", "afsluiting-melden")},
		Topic:    listConcept("informeren", party),
		Subject:  w.patientRef(), About: []*dpb.Reference{element.Literal(w.answers())},
		Sender: w.ref(w.in.At("ingevuldDoor")), Recipient: w.recipients(party),
	}
}

// recipients are the current members of the sender's own kindteam in the roles of a party, and the
// child's general practitioner as its custodian knows it. Others are found by whoever sends the message.
func (w *closingWriter) recipients(party string) []*dpb.Reference {
	var refs []fhir.Ref
	for p := range w.team.All("participant") {
		if !p.At("period", "end").Exists() && slices.Contains(informed[party], codeIn(p, "role", "teamrol")) {
			refs = append(refs, refOf(p.At("member", "reference").Text()))
		}
	}
	if party == "huisarts" && w.child.stored && w.isCustodian() {
		for r := range w.child.patient().All("generalPractitioner", "reference") {
			refs = append(refs, refOf(r.Text()))
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
	hit, err := w.known.Read(ref)
	if err != nil {
		return false, fmt.Errorf("mks.keepMoved: %w", err)
	}
	n := found(hit)
	if hit == nil || w.head.status != "ingetrokken" && (slices.Contains(ours, n.Member("status").Text()) || !same(n)) {
		return false, nil
	}
	edits := []fhir.Edit{{Path: []string{"meta", "source"}, JSON: strconv.Quote(w.head.metaSource())}}
	if w.head.status == "ingetrokken" {
		edits = append(edits, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(withdrawn)})
	}
	return true, w.addEdited(hit.Resource, edits...)
}
