package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// factsFormat is the first byte of encoded facts, and four bytes with the CRC-32C of all behind them follow:
// what was changed on the disk must not decide who sees what. Facts of the first format have none.
const (
	factsFormat      = 2
	factsFormatFirst = 1
	factsHead        = 5
)

var errFacts = errors.New("stored facts are damaged")

// known are texts that facts repeat all the time. Their position is stored: only ever append.
var known = [...]string{
	"Patient", "Organization", "RelatedPerson", "Practitioner", "PractitionerRole", "CarePlan", "CareTeam",
	"Consent", "Task", "Flag", "Observation", "Goal", "Condition", "Composition", "DocumentReference",
	"Questionnaire", "QuestionnaireResponse", "Encounter", "Procedure", "ServiceRequest", "Provenance",
	"active", "completed", "final", "draft", "requested", "category", "code", "status", "_tag", "_security",
	"medisch", "veiligheid", "sociaal", "ontwikkeling",
	fhir.Canonical + "/CodeSystem/mks-domein", "http://snomed.info/sct", "http://loinc.org",
	"http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
	"http://terminology.hl7.org/CodeSystem/consentscope", "http://terminology.hl7.org/CodeSystem/consentcategorycodes",
	"http://hl7.org/fhir/request-status", "http://hl7.org/fhir/task-status", "http://hl7.org/fhir/observation-status",
	"http://terminology.hl7.org/CodeSystem/observation-category",
}

// knownAt finds the position of a known text.
func knownAt(s string) (int, bool) {
	for i := range known {
		if known[i] == s {
			return i, true
		}
	}
	return 0, false
}

// encodeFacts returns f without Ref, FiledAt and Updated, which stand in columns. A text is
// uvarint(length<<2) and the text, or uvarint(i<<2|1) for known[i], or uvarint(i<<2|2) for the
// i-th text written out before.
func encodeFacts(f auth.ResourceFacts) []byte {
	e := factsEncoder{b: append(make([]byte, 0, 256), factsFormat, 0, 0, 0, 0)}
	e.refs(f.Patients)
	e.refs([]fhir.Ref{f.Custodian, f.Author})
	e.time(f.When)
	e.text(f.Status)
	e.texts(f.Domains)
	e.uint(uint64(len(f.Labels)))
	for _, l := range f.Labels {
		e.text(l.System)
		e.text(l.Code)
		e.refs(l.Barred)
	}
	e.text(f.Source)
	e.uint(uint64(len(f.Codings)))
	for _, c := range f.Codings {
		e.text(c.System)
		e.text(c.Code)
	}
	e.refs(f.Refs)
	e.refs(f.Parties)
	e.refs(f.By)
	e.refs([]fhir.Ref{f.Owner, f.Requester})
	e.refs(f.Doers)
	e.refs(f.Up)
	e.refs(f.Down)
	e.consent(f.Consent)
	e.flags(f.Rights, f.Signed)
	e.text(f.Rest)
	e.uint(uint64(len(f.Granular)))
	for _, r := range f.Granular {
		e.row(r)
	}
	binary.LittleEndian.PutUint32(e.b[1:factsHead], crc32.Checksum(e.b[factsHead:], castagnoli))
	return e.b
}

type factsEncoder struct {
	b    []byte
	seen []string
}

func (e *factsEncoder) uint(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *factsEncoder) text(s string) {
	if s == "" {
		e.uint(0)
		return
	}
	for i, t := range e.seen {
		if t == s {
			e.uint(uint64(i)<<2 | 2)
			return
		}
	}
	if i, ok := knownAt(s); ok {
		e.uint(uint64(i)<<2 | 1)
		return
	}
	e.seen = append(e.seen, s)
	e.uint(uint64(len(s)) << 2)
	e.b = append(e.b, s...)
}

func (e *factsEncoder) texts(v []string) {
	e.uint(uint64(len(v)))
	for _, s := range v {
		e.text(s)
	}
}

func (e *factsEncoder) refs(v []fhir.Ref) {
	e.uint(uint64(len(v)))
	for _, r := range v {
		e.text(string(r.Type))
		e.text(r.ID)
		e.uint(uint64(r.Version))
	}
}

func (e *factsEncoder) time(t time.Time) {
	if t.IsZero() {
		e.uint(0)
		return
	}
	e.uint(1)
	e.b = binary.AppendVarint(e.b, t.Unix())
	e.uint(uint64(t.Nanosecond()))
}

// flags writes up to eight booleans.
func (e *factsEncoder) flags(all ...bool) {
	var n uint64
	for i, b := range all {
		if b {
			n |= 1 << i
		}
	}
	e.uint(n)
}

func (e *factsEncoder) consent(c *auth.ConsentFacts) {
	if c == nil {
		e.uint(0)
		return
	}
	e.uint(1)
	e.refs(c.Holders)
	e.flags(c.OpenPermit, c.Device, c.Permits, c.Other, c.Block)
	e.refs(c.Permitted)
	e.refs([]fhir.Ref{c.Member})
	if c.Block { // facts of before there were any end here
		e.refs(c.Blocked)
	}
}

func (e *factsEncoder) row(r search.Row) {
	e.text(r.Param)
	e.uint(uint64(r.Kind))
	e.text(r.System)
	e.text(r.Value)
	e.text(r.Text)
	e.uint(uint64(uint32(r.Group)))
	if r.Low == 0 && r.High == 0 {
		e.uint(0)
		return
	}
	e.uint(1)
	e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(r.Low))
	e.b = binary.LittleEndian.AppendUint64(e.b, math.Float64bits(r.High))
}
