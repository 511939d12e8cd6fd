package mks

import (
	"maps"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// document is a source document as it was read. Map works on a copy, so that it can run again.
type document struct {
	root    value
	rec     record
	head    head
	known   bool // the record type is one of mks.md 2.4
	issues  []fhir.Issue
	told    map[finding]bool    // what issues holds
	refused bool                // one of issues is an error
	allSign bool                // every holder of authority must sign a plan (mks.md 7.6)
	large   bool                // it is past the bounds, and not read to its end
	faulty  map[string]bool     // pointers with a fault at or below
	kept    map[string]bool     // pointers of unknown and empty members: source-member
	traced  map[string][]string // pointer → elements
	pointer []string            // of traced, in order
}

// finding is a rule at a place.
type finding struct{ rule, ptr string }

// head is the envelope. Its members are zero when they are faulty.
type head struct {
	recordType, recordID, status string
	version                      int
	ura, app, system             string
	recordedAt                   time.Time
	recordedDay                  day // in the offset of the source
	bsn, localID                 string
}

// inhoud returns the content of the record.
func (d *document) inhoud() value { return d.root.at("inhoud") }

// read checks the form and the rules of the envelope.
func readDocument(r *fhir.Resource, now time.Time) *document {
	d := &document{told: map[finding]bool{}, faulty: map[string]bool{}, kept: map[string]bool{}, traced: map[string][]string{}}
	d.root = value{d: d, n: r.Root()}
	d.rec, d.known = recordOf(d.root.at("recordType").n.Text())
	table := d.rec.whole
	if d.rec.write == nil {
		table = envelope(typ{shape: fhir.Object, entries: &typ{}})
	}
	d.measure(d.root, new(int))
	if !d.large {
		d.object(d.root, table)
	}
	d.head = d.readHead()
	d.envelopeRules(now)
	return d
}

// envelope is the table of mks.md 2.2.
func envelope(content typ) fields {
	return fields{
		f("schema", "1", str), f("recordType", "1", code("recordType")), f("recordId", "1", ident),
		f("versie", "1", integer(1, 1<<31-1)), f("status", "1", code("recordstatus")),
		f("intrekReden", "0..1", text),
		f("bronsysteem", "1", obj(f("ura", "1", ura), f("naam", "1", str), f("applicatie", "1", slug))),
		f("vastgelegdOp", "1", instant), f("vastgelegdDoor", "1", ref("med")),
		f("kind", "1", obj(f("bsn", "0..1", bsn), f("lokaalId", "1", ident))),
		f("inhoud", "1", content),
	}
}

func (d *document) readHead() head {
	r := d.root
	at := r.at("vastgelegdOp")
	return head{
		recordType: r.at("recordType").str(), recordID: r.at("recordId").str(), status: r.at("status").str(),
		version: int(r.at("versie").whole()),
		ura:     r.at("bronsysteem").at("ura").str(), app: r.at("bronsysteem").at("applicatie").str(),
		system:     r.at("bronsysteem").at("naam").str(),
		recordedAt: at.instant(), recordedDay: at.date(),
		bsn: r.at("kind").at("bsn").str(), localID: r.at("kind").at("lokaalId").str(),
	}
}

// envelopeRules holds ENV-07, ENV-08 and ENV-09.
func (d *document) envelopeRules(now time.Time) {
	if at := d.root.at("vastgelegdOp"); at.sound() && d.head.recordedAt.After(now.Add(5*time.Minute)) {
		d.fail("MKS-ENV-07", at)
	}
	local := d.root.at("kind").at("lokaalId")
	sentBSN := d.root.at("kind").at("bsn").n.Text()
	if local.sound() && (validBSN(local.str()) || local.str() == sentBSN) {
		d.fail("MKS-ENV-08", local)
	}
	if reason := d.root.at("intrekReden"); d.head.status == "ingetrokken" && !reason.present() {
		d.fail("MKS-ENV-09", reason)
	}
}

// clone returns a copy on which Map may work.
func (d *document) clone() *document {
	c := *d
	c.issues, c.told, c.refused = nil, map[finding]bool{}, false
	c.faulty, c.kept, c.traced = maps.Clone(d.faulty), maps.Clone(d.kept), maps.Clone(d.traced)
	c.root.d = &c
	return &c
}

// fault reports a form error and marks the place, so that rules which need it are skipped.
func (d *document) fault(rule string, v value) {
	d.report(fhir.SeverityError, rule, v, "")
	d.mark(v.ptr)
}

// mark makes a place and all that holds it faulty.
func (d *document) mark(ptr string) {
	for {
		d.faulty[ptr] = true
		i := strings.LastIndexByte(ptr, '/')
		if i < 0 {
			return
		}
		ptr = ptr[:i]
	}
}

// fail reports an error of a rule.
func (d *document) fail(rule string, v value) { d.report(fhir.SeverityError, rule, v, "") }

// warn reports a warning: the record is stored all the same.
func (d *document) warn(rule string, v value) { d.report(fhir.SeverityWarning, rule, v, "") }

// inform reports something worth knowing; text is one sentence without values of the source.
func (d *document) inform(rule string, v value, text string) {
	d.report(fhir.SeverityInformation, rule, v, text)
}

// maxIssues bounds what is told of a document that is refused all the same. Nothing is left out of
// the report of one that is stored.
const maxIssues = 1000

// full reports whether so much was told of a document that is refused that nothing more will be.
func (d *document) full() bool { return d.refused && len(d.issues) >= maxIssues }

// Bounds of one document. Past them a few bytes of the source, such as a member that is not known or a
// reference, would become hundreds of an answer each.
const (
	maxParts = 50_000 // members and elements
	maxItems = 1000   // of one list
)

// measure counts the members and elements at and below v, and stops past the bound.
func (d *document) measure(v value, parts *int) {
	for n := range v.n.Children() {
		if *parts++; *parts > maxParts {
			d.overflow(d.inhoud(), "The document has more members and elements than any real record. Split it.")
			return
		}
		d.measure(value{d: d, n: n}, parts)
	}
}

// overflow refuses a document past the bounds (MKS-ENV-02). Nothing else is asked of it.
func (d *document) overflow(v value, text string) {
	d.large = true
	d.report(fhir.SeverityError, "MKS-ENV-02", v, text)
	d.mark(v.ptr)
}

// cut says once that there is more.
func (d *document) cut() {
	if last := d.issues[len(d.issues)-1]; last.Diagnostics == moreFaults {
		return
	}
	d.issues = append(d.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: "too-long", Diagnostics: moreFaults, Text: ruleText(moreFaults),
	})
}

// report adds an issue. Each rule fires once per place.
func (d *document) report(severity, rule string, v value, text string) {
	if d.told[finding{rule, v.ptr}] {
		return
	}
	if d.full() {
		d.cut()
		return
	}
	d.told[finding{rule, v.ptr}] = true
	d.refused = d.refused || severity == fhir.SeverityError
	if text == "" {
		text = ruleText(rule)
	}
	d.issues = append(d.issues, fhir.Issue{
		Severity: severity, Code: ruleCode(rule), Expression: v.ptr, Diagnostics: rule, Text: text,
	})
}

// keep marks a member that is written as source-member.
func (d *document) keep(v value) { d.kept[v.ptr] = true }

// trace records elements of a member. Read does not trace, so a clone shares nothing here.
func (d *document) trace(ptr string, elements []string) {
	if _, ok := d.traced[ptr]; !ok {
		d.pointer = append(d.pointer, ptr)
	}
	d.traced[ptr] = append(d.traced[ptr], elements...)
}
