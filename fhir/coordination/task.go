package coordination

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Codes of se-task that these rules write.
const (
	taskCoordinate = "samordna-insatser"
	taskLater      = "kontrollera-senare"
	taskResume     = "ateruppta"
)

type (
	taskInput struct {
		ID    string     `json:"id,omitempty"` // of the issue that a reason is about
		Type  concept    `json:"type"`
		Issue *reference `json:"valueReference,omitempty"`
		Text  string     `json:"valueString,omitempty"`
	}
	restriction struct {
		Period period `json:"period"`
	}
	taskBody struct {
		Type        string       `json:"resourceType"`
		ID          string       `json:"id"`
		Meta        meta         `json:"meta"`
		Status      string       `json:"status"`
		Intent      string       `json:"intent"`
		Priority    string       `json:"priority"`
		Code        concept      `json:"code"`
		Focus       *reference   `json:"focus,omitempty"`
		For         *reference   `json:"for"`
		Authored    string       `json:"authoredOn"`
		Modified    string       `json:"lastModified,omitempty"`
		Owner       *reference   `json:"owner,omitempty"`
		Restriction *restriction `json:"restriction,omitempty"`
		Input       []taskInput  `json:"input,omitempty"`
	}
	flagBody struct {
		Type     string     `json:"resourceType"`
		ID       string     `json:"id"`
		Meta     meta       `json:"meta"`
		Status   string     `json:"status"`
		Category []concept  `json:"category"`
		Code     concept    `json:"code"`
		Subject  *reference `json:"subject"`
		Author   *reference `json:"author"`
	}
)

// TaskSource is the meta.source of the Task by which the issues of a child are coordinated.
const TaskSource = SourceBase + taskCoordinate

// Days until which a Task of issues is to be done.
const (
	soonDays = 2 // with a high one
	dueDays  = 7
)

// closed are the statuses of a Task that is over.
var closed = []string{"completed", "cancelled", "failed", "rejected", "entered-in-error"}

// task keeps the one open Task of the child with its open issues; without any it is completed.
func (f *follower) task() error {
	var open *fhir.Resource
	for _, r := range f.Tasks {
		if !slices.Contains(closed, statusOf(r)) {
			open = r
		}
	}
	switch {
	case len(f.open) == 0 && open == nil:
		return nil
	case len(f.open) == 0:
		r, err := withStatus(open, "completed")
		return f.write(r, nil, err)
	case open == nil:
		return f.newTask()
	}
	return f.renewTask(open)
}

func (f *follower) write(r *fhir.Resource, implicated []string, err error) error {
	if err != nil {
		return fhir.Wrap("coordination.task", err)
	}
	f.out.Writes = append(f.out.Writes, Written{r, implicated})
	return nil
}

// urgency is what the open issues ask of their Task: its priority, and within how many days.
func (f *follower) urgency() (string, int) {
	for _, b := range f.open {
		if b.Finding.Severity == High {
			return "urgent", soonDays
		}
	}
	return "routine", dueDays
}

// inputs are the open issues, the goals that are put beside what is most important, and the reasons of issues that
// were acknowledged, of each the last one.
func (f *follower) inputs(task *fhir.Resource) []taskInput {
	var out, reasons []taskInput
	for _, b := range f.open {
		out = append(out, taskInput{Type: codedAs(RuleSystem, b.Finding.Rule), Issue: to(b.Issue)})
	}
	goals := slices.Clone(f.Goals)
	for _, a := range f.Acks {
		if r := f.now[a.Issue]; r != nil && statusOf(r) == Final {
			reasons = append(reasons, reasonOf(a.Issue.ID, a.Reason))
		}
	}
	if task != nil {
		var kept []taskInput
		for n := range task.Root().All("input") {
			id, text := n.Member("id").Text(), n.Member("valueString").Text()
			if text != "" && !slices.ContainsFunc(reasons, func(r taskInput) bool { return r.ID == id }) {
				kept = append(kept, reasonOf(id, text))
			}
			if ref := refAt(n, "valueReference"); ref.Type == "Goal" {
				goals = append(goals, ref)
			}
		}
		reasons = append(kept, reasons...)
	}
	for _, ref := range refSet(goals) {
		out = append(out, taskInput{Type: codedAs(RuleSystem, SecondPriority), Issue: to(ref)})
	}
	return append(out, reasons...)
}

func reasonOf(issue, reason string) taskInput {
	return taskInput{ID: issue, Type: codedAs(RuleSystem, BadAck), Text: reason}
}

// newest is the issue that the Task is about: one that came now, else the first.
func (f *follower) newest() fhir.Ref {
	if n := len(f.out.Brought); n > 0 {
		return f.out.Brought[n-1].Issue
	}
	return f.open[0].Issue
}

func (f *follower) owner() fhir.Ref {
	if f.Owner.IsZero() {
		return f.Else
	}
	return f.Owner
}

func (f *follower) newTask() error {
	priority, days := f.urgency()
	body := taskBody{
		Type: "Task", ID: mapping.UUID("overlap/task/" + f.Patient.ID + "/" + strconv.Itoa(len(f.Tasks))), Meta: meta{Source: SourceBase + taskCoordinate},
		Status: "requested", Intent: "proposal", Priority: priority, Code: codedAs(taskSystem, taskCoordinate),
		Focus: to(f.newest()), For: to(f.Patient), Authored: stamp(f.Now), Input: f.inputs(nil),
		Restriction: &restriction{period{End: stamp(f.Now.AddDate(0, 0, days))}},
	}
	if owner := f.owner(); !owner.IsZero() {
		body.Owner = to(owner)
	}
	r, err := fhir.Make("coordination.task", body)
	return f.write(r, nil, err)
}

// renewTask brings the Task to the issues that are open now. Its owner changes only to who coordinates.
func (f *follower) renewTask(task *fhir.Resource) error {
	inputs := f.inputs(task)
	now, err := fhir.Render(inputs)
	if err != nil {
		return fhir.Wrap("coordination.task", err)
	}
	stays := f.Owner.IsZero() || f.Owner.String() == task.Root().At("owner", "reference").Text()
	if stays && now == task.Root().Member("input").Raw() && len(f.out.Brought) == 0 {
		return nil
	}
	priority, days := f.urgency()
	edits := []fhir.Edit{
		{Path: []string{"input"}, JSON: now}, {Path: []string{"priority"}, JSON: strconv.Quote(priority)},
		{Path: []string{"focus", "reference"}, JSON: strconv.Quote(f.newest().String())},
	}
	if len(f.out.Brought) > 0 {
		end := min(stamp(f.Now.AddDate(0, 0, days)), maxText(task.Root().At("restriction", "period", "end").Text()))
		edits = append(edits, fhir.Edit{Path: []string{"restriction", "period", "end"}, JSON: strconv.Quote(end)})
	}
	if !stays {
		edits = append(edits, fhir.Edit{Path: []string{"owner"}, JSON: `{"reference":` + strconv.Quote(f.Owner.String()) + `}`})
	}
	r, err := task.Edit(edits...)
	if err == nil && string(r.Bytes()) == string(task.Bytes()) {
		return nil
	}
	return f.write(r, nil, err)
}

// maxText is text, or what sorts behind every instant when it is empty.
func maxText(text string) string {
	if text == "" {
		return "~"
	}
	return text
}

// flags keep a Flag for each contradiction that is open.
func (f *follower) flags() error {
	kept := map[string]*fhir.Resource{}
	for _, r := range f.Flags {
		kept[r.ID()] = r
	}
	open := map[string]bool{}
	for _, b := range f.open {
		if b.Finding.Rule != Contradiction {
			continue
		}
		id := mapping.UUID("overlap/flag/" + b.Issue.ID)
		open[id] = true
		if old := kept[id]; old != nil {
			if statusOf(old) == "inactive" {
				r, err := withStatus(old, "active")
				if err := f.write(r, b.Finding.Implicated, err); err != nil {
					return err
				}
			}
			continue
		}
		labels, err := f.labels(b.Finding.Implicated)
		if err != nil {
			return err
		}
		r, err := fhir.Make("coordination.flag", flagBody{
			Type: "Flag", ID: id, Meta: meta{SourceBase + Contradiction, labels}, Status: "active",
			Category: []concept{codedAs("http://terminology.hl7.org/CodeSystem/flag-category", "safety")},
			Code:     concept{Coding: []Coding{{RuleSystem, Contradiction}}, Text: sentences[Contradiction]}, Subject: to(f.Patient), Author: author(),
		})
		if err := f.write(r, b.Finding.Implicated, err); err != nil {
			return err
		}
	}
	for _, old := range f.Flags {
		if statusOf(old) == "active" && !open[old.ID()] {
			r, err := withStatus(old, "inactive")
			if err := f.write(r, nil, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resume is an activity that was put on hold until a day that has come.
type Resume struct {
	Plan  fhir.Ref
	Org   fhir.Ref // zero: not known
	name  string
	until string
}

// Resumes are the activities on hold whose day has come on that of the last Findings, by name.
func (t *Table) Resumes() []Resume {
	var out []Resume
	for _, x := range t.all {
		if x.held && x.days.start != noDay && x.days.start <= t.today {
			out = append(out, Resume{x.carrier, x.org, x.ref, x.days.start.text()})
		}
	}
	slices.SortFunc(out, func(a, b Resume) int { return strings.Compare(a.name, b.name) })
	return out
}

// Task asks an organisation to take the activity up again. It is one for each activity and day.
func (r Resume) Task(patient, owner fhir.Ref) (*fhir.Resource, error) {
	return fhir.Make("coordination.resume", taskBody{
		Type: "Task", ID: mapping.UUID("overlap/resume/" + r.name + "/" + r.until), Meta: meta{Source: SourceBase + taskResume},
		Status: "requested", Intent: "proposal", Priority: "routine", Code: codedAs(taskSystem, taskResume),
		Focus: to(r.Plan), For: to(patient), Authored: r.until + "T00:00:00Z", Owner: to(owner),
	})
}

// LaterTask asks to look at the child again: the rules could not be run on a write. It is one for each child
// and day.
func LaterTask(patient, owner fhir.Ref, now time.Time) (*fhir.Resource, error) {
	day := now.UTC().Format(time.DateOnly)
	return fhir.Make("coordination.later", taskBody{
		Type: "Task", ID: mapping.UUID(fmt.Sprintf("overlap/later/%s/%s", patient.ID, day)), Meta: meta{Source: SourceBase + taskLater},
		Status: "requested", Intent: "proposal", Priority: "routine", Code: codedAs(taskSystem, taskLater),
		For: to(patient), Authored: day + "T00:00:00Z", Owner: to(owner),
	})
}
