package coordination

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Statuses of an issue.
const (
	Preliminary = "preliminary"
	Final       = "final"
	Cancelled   = "cancelled"
)

// sentences say in one sentence what each rule found, to those who may see all of it.
var sentences = map[string]string{
	SameNeed:      "Two services were asked to care for the same need of this child, and neither knows of the other.",
	Unaware:       "Two services work with this child in the same time, one of them starts soon, and neither knows of the other.",
	SameAct:       "Two services do the same for the same need of this child.",
	Contradiction: "One service does what another one forbids or undoes.",
	Load:          "More starts for this family in a few weeks, or takes more time, than the limit says.",
	Clash:         "Two appointments of different services are at the same time.",
	FallsBetween:  "A request was revoked, and nobody works on the need that it was made for.",
	NoCoordinator: "Several plans of services that do not know of each other, and nobody coordinates.",
}

// also are the codes of HL7 that say the same as a rule.
var also = map[string]Coding{
	SameNeed: {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "DUPTHPY"},
	SameAct:  {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "DUPTHPY"},
	Clash:    {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "TIME"},
}

// perChild are the rules of which a child has one issue, whatever is implicated.
var perChild = []string{Load, NoCoordinator}

// KeyOf returns the value of the identifier of the issue of a finding.
func KeyOf(patient fhir.Ref, f Finding) string {
	refs := f.Implicated
	if slices.Contains(perChild, f.Rule) {
		refs = nil
	}
	h := sha256.Sum256([]byte(patient.Current().String() + "\n" + f.Rule + "\n" + strings.Join(refs, "\n")))
	return hex.EncodeToString(h[:])
}

// IssueOf returns the resource of the issue of a finding.
func IssueOf(patient fhir.Ref, f Finding) fhir.Ref {
	return fhir.Ref{Type: "DetectedIssue", ID: mapping.UUID("overlap/" + KeyOf(patient, f))}
}

// RuleOf returns the rule of an issue of ours, "" for another resource.
func RuleOf(issue fhir.Node) string {
	for c := range issue.All("code", "coding") {
		if c.Member("system").Text() == RuleSystem {
			return c.Member("code").Text()
		}
	}
	return ""
}

// waiting marks the issue of a start that was held. What it was found in is not stored: that the rules find it no
// longer is no reason to end it.
var waiting = Coding{actionSystem, "start-vantar"}

// waitDays is for how many days such an issue stands when nobody repeats the start.
const waitDays = 14

func isWaiting(issue fhir.Node) bool {
	for tag := range issue.All("meta", "tag") {
		if tag.Member("system").Text() == waiting.System && tag.Member("code").Text() == waiting.Code {
			return true
		}
	}
	return false
}

// Waits reports whether an issue is one of the rule by which a start may have been told to wait: it is open, or that
// of the same start under another id stands in its place.
func Waits(issue *fhir.Resource, rule string) bool {
	status := statusOf(issue)
	return RuleOf(issue.Root()) == rule && (status == Preliminary || status == Cancelled && isWaiting(issue.Root()))
}

// marked is the issue with the mark of a start that waits, or without.
func marked(r *fhir.Resource, is bool) (*fhir.Resource, error) {
	if isWaiting(r.Root()) == is {
		return r, nil
	}
	e, err := put([]Coding{waiting}, "meta", "tag")
	if err == nil {
		if !is {
			e.JSON = ""
		}
		r, err = r.Edit(e)
	}
	return r, fhir.Wrap("coordination.marked", err)
}

// gating are the rules that hold a start.
var gating = []string{Unaware, Contradiction}

type (
	evidence struct {
		Code []concept `json:"code"`
	}
	mitigation struct {
		Action concept    `json:"action"`
		Date   string     `json:"date"`
		Author *reference `json:"author,omitempty"`
	}
	issueBody struct {
		Type       string       `json:"resourceType"`
		ID         string       `json:"id"`
		Meta       meta         `json:"meta"`
		Identifier []identifier `json:"identifier"`
		Status     string       `json:"status"`
		Code       concept      `json:"code"`
		Severity   string       `json:"severity"`
		Patient    *reference   `json:"patient"`
		Identified string       `json:"identifiedDateTime"`
		Author     *reference   `json:"author"`
		Implicated []reference  `json:"implicated"`
		Evidence   []evidence   `json:"evidence,omitempty"`
		Detail     string       `json:"detail"`
		Mitigation []mitigation `json:"mitigation,omitempty"`
	}
)

func implicated(refs []string) []reference {
	out := make([]reference, len(refs))
	for i, name := range refs {
		ref, id, _ := strings.Cut(name, "#")
		out[i] = reference{Reference: ref}
		if id != "" {
			out[i].Extension = []extended{{structures + "activity-id", id}}
		}
	}
	return out
}

func evidenceOf(f Finding) []evidence {
	var out []evidence
	for _, c := range f.Evidence {
		out = append(out, evidence{[]concept{{Coding: []Coding{c}}}})
	}
	if f.Text != "" {
		out = append(out, evidence{[]concept{{Text: f.Text}}})
	}
	return out
}

// newIssue makes the issue of a finding.
func (c *Case) newIssue(f Finding) (*fhir.Resource, error) {
	code := concept{Coding: []Coding{{RuleSystem, f.Rule}}, Text: sentences[f.Rule]}
	if more, ok := also[f.Rule]; ok {
		code.Coding = append(code.Coding, more)
	}
	labels, err := c.labels(f.Implicated)
	if err != nil {
		return nil, err
	}
	return fhir.Make("coordination.issue", issueBody{
		Type: "DetectedIssue", ID: IssueOf(c.Patient, f).ID, Meta: meta{SourceBase + f.Rule, labels},
		Identifier: []identifier{{fhir.Canonical + "/sid/overlap", KeyOf(c.Patient, f)}},
		Status:     Preliminary, Code: code, Severity: f.Severity, Patient: to(c.Patient), Identified: stamp(c.Now),
		Author: author(), Implicated: implicated(f.Implicated), Evidence: evidenceOf(f), Detail: sentences[f.Rule],
	})
}

// renewed returns the issue with what a finding says now; the same one when it says what it said.
func (c *Case) renewed(r *fhir.Resource, f Finding) (*fhir.Resource, error) {
	const op = "coordination.renewed"
	labels, err := c.labels(f.Implicated)
	if err != nil {
		return nil, err
	}
	var edits []fhir.Edit
	for _, m := range []struct {
		path  []string
		value any
		none  bool
	}{
		{[]string{"severity"}, f.Severity, false}, {[]string{"implicated"}, implicated(f.Implicated), false},
		{[]string{"evidence"}, evidenceOf(f), len(evidenceOf(f)) == 0}, {[]string{"meta", "security"}, labels, labels == nil},
	} {
		e, err := put(m.value, m.path...)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		if m.none {
			e.JSON = ""
		}
		edits = append(edits, e)
	}
	out, err := r.Edit(edits...)
	return out, fhir.Wrap(op, err)
}

const confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

// levels of confidentiality, the lowest first.
var levels = []string{"U", "L", "M", "N", "R", "V"}

// labels are the strictest of what is implicated: the highest confidentiality, and every other label once.
func (c *Case) labels(refs []string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	highest, level := "", -1
	for _, name := range refs {
		text, _, _ := strings.Cut(name, "#")
		ref, _ := fhir.ParseRef(text)
		r, err := c.Find(ref)
		if err != nil || r == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		for l := range r.Root().All("meta", "security") {
			if l.Member("system").Text() == confidentiality {
				if at := slices.Index(levels, l.Member("code").Text()); at > level {
					highest, level = l.Raw(), at
				}
				continue
			}
			if !slices.ContainsFunc(out, func(m json.RawMessage) bool { return string(m) == l.Raw() }) {
				out = append(out, json.RawMessage(l.Raw()))
			}
		}
	}
	if highest != "" {
		out = append(out, json.RawMessage(highest))
	}
	slices.SortFunc(out, func(a, b json.RawMessage) int { return cmp.Compare(string(a), string(b)) })
	return out, nil
}

// mitigated returns the issue with a status and one more mitigation.
func mitigatedBy(r *fhir.Resource, status string, m mitigation) (*fhir.Resource, error) {
	text, err := fhir.Render(m)
	if err == nil {
		r, err = r.Edit(
			fhir.Edit{Path: []string{"status"}, JSON: `"` + status + `"`},
			fhir.Edit{Path: []string{"mitigation"}, JSON: text, Append: true},
		)
	}
	return r, fhir.Wrap("coordination.mitigated", err)
}

func withStatus(r *fhir.Resource, status string) (*fhir.Resource, error) {
	out, err := r.Edit(fhir.Edit{Path: []string{"status"}, JSON: `"` + status + `"`})
	return out, fhir.Wrap("coordination.status", err)
}

// Ack is the acknowledgement of an issue: the issue, why the start cannot wait, and who says so.
type Ack struct {
	Issue  fhir.Ref
	Reason string
	By     fhir.Ref // Practitioner or PractitionerRole; zero: not known
}

func (a Ack) mitigation(now time.Time) mitigation {
	m := mitigation{Action: concept{Text: a.Reason}, Date: stamp(now)}
	if !a.By.IsZero() {
		m.Author = to(a.By)
	}
	return m
}
