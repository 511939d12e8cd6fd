package mks

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// document is a source document as it was read. Map works on a copy, so that it can run again.
type document struct {
	*form.Document
	rec     recordType
	head    head
	known   bool // the record type is one of mks.md 2.4
	allSign bool // every holder of authority must sign a plan (mks.md 7.6)
}

// head is the envelope. Its members are zero when they are faulty.
type head struct {
	recordType, recordID, status string
	version                      int
	ura, app, system             string
	recordedAt                   time.Time
	recordedDay                  form.Day // in the offset of the source
	bsn, localID                 string
}

// inhoud returns the content of the record.
func (d *document) inhoud() form.Value { return d.Root().At("inhoud") }

// readDocument checks the form and the rules of the envelope.
func readDocument(r *fhir.Resource, now time.Time) *document {
	d := &document{}
	d.rec, d.known = recordOf(r.Root().Member("recordType").Text())
	table := d.rec.whole
	if !d.known {
		table = envelope(form.Entries(form.Type{}))
	}
	d.Document = form.Read(r, &dialect, table)
	d.head = d.readHead()
	d.envelopeRules(now)
	return d
}

// envelope is the table of mks.md 2.2.
func envelope(content form.Type) form.Fields {
	return form.Fields{
		form.F("schema", "1", str), form.F("recordType", "1", code("recordType")), form.F("recordId", "1", ident),
		form.F("versie", "1", integer(1, 1<<31-1)), form.F("status", "1", code("recordstatus")),
		form.F("intrekReden", "0..1", text),
		form.F("bronsysteem", "1", form.Object(form.F("ura", "1", ura), form.F("naam", "1", str), form.F("applicatie", "1", slug))),
		form.F("vastgelegdOp", "1", instant), form.F("vastgelegdDoor", "1", ref("med")),
		form.F("kind", "1", form.Object(form.F("bsn", "0..1", bsn), form.F("lokaalId", "1", ident))),
		form.F("inhoud", "1", content),
	}
}

func (d *document) readHead() head {
	r := d.Root()
	at := r.At("vastgelegdOp")
	return head{
		recordType: r.At("recordType").Str(), recordID: r.At("recordId").Str(), status: r.At("status").Str(),
		version: int(r.At("versie").Whole()),
		ura:     r.At("bronsysteem").At("ura").Str(), app: r.At("bronsysteem").At("applicatie").Str(),
		system:     r.At("bronsysteem").At("naam").Str(),
		recordedAt: at.Instant(), recordedDay: at.Date(),
		bsn: r.At("kind").At("bsn").Str(), localID: r.At("kind").At("lokaalId").Str(),
	}
}

// envelopeRules holds ENV-07, ENV-08 and ENV-09.
func (d *document) envelopeRules(now time.Time) {
	if at := d.Root().At("vastgelegdOp"); at.Sound() && d.head.recordedAt.After(now.Add(5*time.Minute)) {
		d.Fail("MKS-ENV-07", at)
	}
	local := d.Root().At("kind").At("lokaalId")
	sentBSN := d.Root().At("kind").At("bsn").Node().Text()
	if local.Sound() && (form.ElevenTest(local.Str()) || local.Str() == sentBSN) {
		d.Fail("MKS-ENV-08", local)
	}
	if reason := d.Root().At("intrekReden"); d.head.status == "ingetrokken" && !reason.Present() {
		d.Fail("MKS-ENV-09", reason)
	}
}

// clone returns a copy on which Map may work.
func (d *document) clone() *document {
	c := *d
	c.Document = d.Document.Clone()
	return &c
}

// distantFuture is a clock by which nothing was recorded too early (MKS-ENV-07).
var distantFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
