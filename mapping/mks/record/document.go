package record

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// Document is a source document as it was read. Map works on a copy, so that it can run again.
type Document struct {
	*form.Document
	Type    Type
	Head    Head
	Known   bool // the record type is one of mks.md 2.4
	AllSign bool // every holder of authority must sign a plan (mks.md 7.6)
	// Holds reports whether a code system has a code, and whether it is loaded; nil: none is.
	Holds func(system, code string) (held, loaded bool)
}

// Head is the envelope. Its members are zero when they are faulty.
type Head struct {
	RecordType, RecordID, Status string
	Version                      int
	URA, App, System             string
	RecordedAt                   time.Time
	RecordedDay                  form.Day // in the offset of the source
	BSN, LocalID                 string
}

// Content returns the content of the record.
func (d *Document) Content() form.Value { return d.Root().At("inhoud") }

// Read checks the form and the rules of the envelope.
func Read(r *fhir.Resource, now time.Time) *Document {
	d := &Document{}
	d.Type, d.Known = Of(r.Root().Member("recordType").Text())
	table := d.Type.Whole
	if !d.Known {
		table = envelope(form.Entries(form.Type{}))
	}
	d.Document = form.Read(r, &Dialect, table)
	d.Head = d.readHead()
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

func (d *Document) readHead() Head {
	r := d.Root()
	at := r.At("vastgelegdOp")
	return Head{
		RecordType: r.At("recordType").Str(), RecordID: r.At("recordId").Str(), Status: r.At("status").Str(),
		Version: int(r.At("versie").Whole()),
		URA:     r.At("bronsysteem").At("ura").Str(), App: r.At("bronsysteem").At("applicatie").Str(),
		System:     r.At("bronsysteem").At("naam").Str(),
		RecordedAt: at.Instant(), RecordedDay: at.Date(),
		BSN: r.At("kind").At("bsn").Str(), LocalID: r.At("kind").At("lokaalId").Str(),
	}
}

// envelopeRules holds ENV-07, ENV-08 and ENV-09.
func (d *Document) envelopeRules(now time.Time) {
	if at := d.Root().At("vastgelegdOp"); at.Sound() && d.Head.RecordedAt.After(now.Add(5*time.Minute)) {
		d.Fail("MKS-ENV-07", at)
	}
	local := d.Root().At("kind").At("lokaalId")
	sentBSN := d.Root().At("kind").At("bsn").Node().Text()
	if local.Sound() && (form.ElevenTest(local.Str()) || local.Str() == sentBSN) {
		d.Fail("MKS-ENV-08", local)
	}
	if reason := d.Root().At("intrekReden"); d.Head.Status == "ingetrokken" && !reason.Present() {
		d.Fail("MKS-ENV-09", reason)
	}
}

// Clone returns a copy on which Map may work.
func (d *Document) Clone() *Document {
	c := *d
	c.Document = d.Document.Clone()
	return &c
}

// DistantFuture is a clock by which nothing was recorded too early (MKS-ENV-07).
var DistantFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
