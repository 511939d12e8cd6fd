package calendar

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// The shapes of what rules write, in the order of R4.
type (
	reference struct {
		Reference  string      `json:"reference,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	coding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	concept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	meta struct {
		Source   string   `json:"source"`
		Tag      []coding `json:"tag,omitempty"`
		Security []coding `json:"security,omitempty"`
	}
	period struct {
		Start string `json:"start,omitempty"`
		End   string `json:"end,omitempty"`
	}
	taskInput struct {
		Type    concept `json:"type"`
		Version int     `json:"valuePositiveInt,omitempty"`
		Text    string  `json:"valueString,omitempty"`

		Reference *reference `json:"valueReference,omitempty"`
	}
	taskBody struct {
		Type          string       `json:"resourceType"`
		ID            string       `json:"id"`
		Meta          meta         `json:"meta"`
		Status        string       `json:"status"`
		Business      *concept     `json:"businessStatus,omitempty"`
		Intent        string       `json:"intent"`
		Priority      string       `json:"priority"`
		Code          concept      `json:"code"`
		Description   string       `json:"description"`
		Translated    *translated  `json:"_description,omitempty"`
		Focus         reference    `json:"focus"`
		For           reference    `json:"for"`
		AuthoredOn    string       `json:"authoredOn"`
		Requester     reference    `json:"requester"`
		PerformerType []concept    `json:"performerType,omitempty"`
		Owner         *reference   `json:"owner,omitempty"`
		Restriction   *restriction `json:"restriction,omitempty"`
		Input         []taskInput  `json:"input,omitempty"`
	}
	restriction struct {
		Period period `json:"period"`
	}
	payload struct {
		Text       string      `json:"contentString"`
		Translated *translated `json:"_contentString,omitempty"`
	}
	messageBody struct {
		Type      string      `json:"resourceType"`
		ID        string      `json:"id"`
		Meta      meta        `json:"meta"`
		Status    string      `json:"status"`
		Category  []concept   `json:"category"`
		Subject   reference   `json:"subject"`
		About     []reference `json:"about,omitempty"`
		Sent      string      `json:"sent,omitempty"`
		Recipient []reference `json:"recipient"`
		Sender    reference   `json:"sender"`
		Payload   []payload   `json:"payload,omitempty"`
	}
	provenanceAgent struct {
		Type concept   `json:"type"`
		Who  reference `json:"who"`
	}
	provenanceBody struct {
		Type     string            `json:"resourceType"`
		ID       string            `json:"id"`
		Meta     meta              `json:"meta"`
		Target   []reference       `json:"target"`
		Recorded string            `json:"recorded"`
		Activity concept           `json:"activity"`
		Agent    []provenanceAgent `json:"agent"`
	}
)

// task is a Task that a rule asks for.
type task struct {
	rule, discriminator string
	code                coding
	text                words
	priority            string // "": routine
	focus               fhir.Ref
	owner               fhir.Ref // zero: nobody is known
	custodian           fhir.Ref
	due                 string
	status              string // of se-task-status; "": none
	performers          []concept
	labels              []coding
	inputs              []taskInput
}

// message is a Communication that a rule sends.
type message struct {
	rule, discriminator string
	category            coding
	text                words
	about, to           []fhir.Ref
	custodian           fhir.Ref
	labels              []coding
	status              string   // "": completed, it was sent by being written
	domains             []string // none: sociaal
}

// Labels by which a rule keeps to whom it speaks (access.md 2.4).
var (
	notForFamily  = coding{codes("access-label"), "not-for-patient"}
	notForParents = coding{codes("access-label"), "seal-guardians"}
	custodianOnly = coding{"http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "V"}
)

func category(code string) coding { return coding{codes("mks-categorie"), code} }

func to(r fhir.Ref) reference { return reference{Reference: r.Current().String()} }

func all(refs []fhir.Ref) []reference {
	var out []reference
	for _, r := range refs {
		out = append(out, to(r))
	}
	return out
}

// instant is a moment as FHIR writes it.
func instant(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// openStatuses are those of a Task that waits for somebody.
var openStatuses = []string{"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"}

func isOpen(n fhir.Node) bool { return slices.Contains(openStatuses, n.Member("status").Text()) }

// ask writes a Task unless it is there. One that is there and open only becomes more urgent.
func (r *run) ask(t task) {
	id := r.id(t.rule, t.discriminator)
	r.wanted[id] = true
	if t.priority == "" {
		t.priority = "routine"
	}
	if known, ok := r.stored[id]; ok {
		n := known.Resource.Root()
		if t.priority == "urgent" && isOpen(n) && n.Member("priority").Text() != "urgent" {
			r.edit(known, fhir.Edit{Path: []string{"priority"}, JSON: `"urgent"`})
		}
		return
	}
	if r.written(id) {
		return
	}
	text, translated := t.text.in(r.language())
	body := taskBody{
		Type: "Task", ID: id, Meta: meta{Source: source(t.rule), Security: t.labels},
		Status: "requested", Intent: "order", Priority: t.priority, Code: concept{Coding: []coding{t.code}}, Description: text, Translated: translated,
		Focus: to(t.focus), For: to(r.patient), AuthoredOn: instant(r.Now), Requester: to(t.custodian),
		PerformerType: t.performers, Input: t.inputs,
	}
	if !t.owner.IsZero() {
		owner := to(t.owner)
		body.Owner = &owner
	}
	if t.status != "" {
		body.Business = &concept{Coding: []coding{{codes("se-task-status"), t.status}}}
	}
	if t.due != "" {
		body.Restriction = &restriction{Period: period{End: t.due}}
	}
	r.write(body, t.custodian, 1, body.Meta)
}

// send writes a Communication unless it is there, or nobody is to get it.
func (r *run) send(m message) {
	id := r.id(m.rule, m.discriminator)
	if r.written(id) || len(m.to) == 0 {
		return
	}
	body := messageBody{
		Type: "Communication", ID: id, Meta: meta{Source: source(m.rule), Security: m.labels},
		Status: m.status, Category: []concept{{Coding: []coding{m.category}}}, Subject: to(r.patient),
		About: all(m.about), Recipient: all(m.to), Sender: to(m.custodian),
	}
	if m.text.nl != "" {
		text, translated := m.text.in(r.language())
		body.Payload = []payload{{text, translated}}
	}
	if m.status == "" {
		body.Status, body.Sent = "completed", instant(r.Now)
	}
	if len(m.domains) == 0 {
		m.domains = []string{"sociaal"}
	}
	for _, d := range m.domains {
		body.Meta.Tag = append(body.Meta.Tag, coding{codes("mks-domein"), d})
	}
	r.write(body, m.custodian, 1, body.Meta)
}

// source is the meta.source of what a rule wrote.
func source(rule string) string { return fhir.Canonical + "/mks/workflow#" + rule }

// end closes the open Tasks of a rule that have no reason any more.
func (r *run) end(rule string, status func(fhir.Node) string) {
	for _, k := range r.Tasks {
		n := k.Resource.Root()
		if n.At("meta", "source").Text() == source(rule) && mapping.IsID(k.Resource.ID()) && !r.wanted[k.Resource.ID()] && isOpen(n) {
			r.edit(k, fhir.Edit{Path: []string{"status"}, JSON: strconv.Quote(status(n))})
		}
	}
}

// done is the status of a Task whose reason was met.
func done(fhir.Node) string { return "completed" }

// edit writes the next version of what is stored.
func (r *run) edit(k Known, edits ...fhir.Edit) {
	changed, err := k.Resource.Edit(edits...)
	if err != nil {
		r.err = err
		return
	}
	n := k.Resource.Root()
	m := meta{Source: n.At("meta", "source").Text()}
	for l := range n.All("meta", "security") {
		m.Security = append(m.Security, coding{l.Member("system").Text(), l.Member("code").Text()})
	}
	r.out.Writes = append(r.out.Writes, Write{Resource: changed, Custodian: k.Custodian})
	r.attest(changed.Ref(), k.Custodian, k.Version+1, m)
}

// write adds a resource and what attests to it.
func (r *run) write(body any, custodian fhir.Ref, version int, m meta) {
	tree := r.tree(body)
	if tree == nil {
		return
	}
	r.out.Writes = append(r.out.Writes, Write{Resource: tree, Custodian: custodian})
	r.attest(tree.Ref(), custodian, version, m)
}

// attest adds the Provenance of one written version. It tells no more people of it than may see it.
func (r *run) attest(ref fhir.Ref, custodian fhir.Ref, version int, m meta) {
	const participant = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	agent := func(role string, who reference) provenanceAgent {
		return provenanceAgent{Type: concept{Coding: []coding{{participant, role}}}, Who: who}
	}
	activity := "CREATE"
	if version > 1 {
		activity = "UPDATE"
	}
	body := provenanceBody{
		Type: "Provenance", ID: mapping.ID("workflow/provenance/" + ref.ID + "/" + strconv.Itoa(version)), Meta: m,
		Target: []reference{to(ref)}, Recorded: instant(r.Now),
		Activity: concept{Coding: []coding{{"http://terminology.hl7.org/CodeSystem/v3-DataOperation", activity}}},
		Agent: []provenanceAgent{agent("author", to(custodian)), agent("custodian", to(custodian)),
			agent("assembler", reference{Identifier: &identifier{fhir.Canonical, "drieluik"}})},
	}
	body.Meta.Tag = nil
	if tree := r.tree(body); tree != nil {
		r.out.Writes = append(r.out.Writes, Write{Resource: tree, Custodian: custodian})
	}
}

// tree parses a body; a fault is kept for the end of the run.
func (r *run) tree(body any) *fhir.Resource {
	b, err := json.Marshal(body)
	if err == nil {
		tree, issues := fhir.Parse(b, fhir.Limits{})
		if !fhir.HasErrors(issues) {
			return tree
		}
		err = fmt.Errorf("%s at %s", issues[0].Diagnostics, issues[0].Expression)
	}
	r.err = err
	return nil
}
