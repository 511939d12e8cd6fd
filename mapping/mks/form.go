package mks

import (
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// field is one row of a member table of mks.md: name, cardinality, type.
type field struct {
	name, card string
	typ        typ
	absent     string // rule when it is missing, default MKS-ENV-01
	emptyMeans bool   // [] says something of its own
	elsewhere  bool   // it is required, and a rule of the record says so at its own place
	each       string // member of the items that has each code of its list once, which a rule of the record holds
}

type fields []field

func f(name, card string, t typ) field { return field{name: name, card: card, typ: t} }

// instead names the rule that a missing member breaks, in place of MKS-ENV-01.
func (x field) instead(rule string) field { x.absent = rule; return x }

// reported says that a rule of the record reports the member when it is missing.
func (x field) reported() field { x.elsewhere = true; return x }

// eachOnce says that a rule of the record wants each code of a member of the items once.
func (x field) eachOnce(member string) field { x.each = member; return x }

// orNone lets the empty list stand for "none known".
func (x field) orNone() field { x.emptyMeans = true; return x }

// bounds are the least and greatest number of values per cardinality; a greatest of 0 is no list.
var bounds = map[string]struct{ low, high int }{
	"1": {1, 0}, "0..1": {0, 0}, "0..*": {0, 1 << 30}, "1..*": {1, 1 << 30}, "0..2": {0, 2}, "4": {4, 4},
}

// object checks the members of an object against its table.
func (d *document) object(v value, fs fields) {
	for n := range v.n.Children() {
		if fs.named(n.Name()) == nil {
			d.keep(v.holding(n))
			d.inform("MKS-ENV-04", v.holding(n), "This member is not known in mks-bron/1. It is kept, not interpreted.")
		}
	}
	for i := range fs {
		d.member(v.at(fs[i].name), &fs[i])
	}
	d.order(v, fs)
}

// spans are the members that begin and end something (MKS-ENV-15).
var spans = [][2]string{
	{"vanaf", "tot"}, {"vanaf", "totEnMet"}, {"ingangsdatum", "einddatum"}, {"geldigVanaf", "geldigTot"}, {"van", "tot"},
}

// order holds MKS-ENV-15.
func (d *document) order(v value, fs fields) {
	for _, s := range spans {
		if fs.named(s[0]) == nil || fs.named(s[1]) == nil {
			continue
		}
		from, to := v.at(s[0]), v.at(s[1])
		if !from.sound() || !to.sound() {
			continue
		}
		if endsBefore(from.str(), to.str()) || s[0] == "van" && from.str() == to.str() {
			d.fail("MKS-ENV-15", to)
		}
	}
}

// endsBefore compares two days or two moments. Times of the day may pass midnight.
func endsBefore(from, to string) bool {
	if len(from) == len("15:04") {
		return false
	}
	a, errA := time.Parse(time.RFC3339Nano, from)
	b, errB := time.Parse(time.RFC3339Nano, to)
	if errA == nil && errB == nil {
		return b.Before(a)
	}
	return day(from).after(day(to))
}

func (fs fields) named(name string) *field {
	for i := range fs {
		if fs[i].name == name {
			return &fs[i]
		}
	}
	return nil
}

// member checks one member, present or not.
func (d *document) member(v value, x *field) {
	b := bounds[x.card]
	if !v.present() && !(x.emptyMeans && v.n.Shape() == fhir.Array) {
		d.missing(v, x, b.low)
		return
	}
	if b.high == 0 {
		d.single(v, x.typ)
		return
	}
	if v.n.Shape() != fhir.Array {
		d.fault("MKS-ENV-02", v)
		return
	}
	if v.n.Len() > maxItems {
		d.overflow(v, tooLong)
		return
	}
	if v.n.Len() > b.high || v.n.Len() < b.low {
		d.fault(x.rule("MKS-ENV-02"), v)
	}
	for _, item := range v.items() {
		d.single(item, x.typ)
	}
	d.duplicates(v, x)
}

// missing reports an absent, null or empty member.
func (d *document) missing(v value, x *field, low int) {
	if low > 0 {
		d.fault(x.rule("MKS-ENV-01"), v)
		return
	}
	if v.n.Exists() {
		d.keep(v)
		d.inform("MKS-ENV-16", v, "This member is empty: it means absent. It is kept for the way back.")
	}
}

func (x *field) rule(otherwise string) string {
	if x.absent != "" {
		return x.absent
	}
	return otherwise
}

// single checks one value against its type.
func (d *document) single(v value, t typ) {
	if t.shape == fhir.Missing {
		return // anything
	}
	if v.n.Shape() != t.shape {
		d.fault("MKS-ENV-02", v)
		return
	}
	if t.check != nil {
		if rule := t.check(v.n.Text()); rule != "" {
			d.fault(rule, v)
		}
		return
	}
	if t.entries != nil {
		for n := range v.n.Children() {
			d.single(v.holding(n), *t.entries)
		}
		return
	}
	if t.shape != fhir.Object {
		return
	}
	d.object(v, t.fields)
	if t.atLeast && !v.anyOf(t.fields) {
		d.fault("MKS-ENV-02", v)
	}
}

// anyOf reports whether one of the fields is present.
func (v value) anyOf(fs fields) bool {
	for i := range fs {
		if v.at(fs[i].name).present() {
			return true
		}
	}
	return false
}

// duplicates holds MKS-ENV-14 for lists of objects with an id.
func (d *document) duplicates(v value, x *field) {
	if x.typ.fields.named("id") == nil || x.name == "behoeften" {
		return // behoefte ids are unique over all domains: rule of the scan
	}
	seen := map[string]bool{}
	for _, item := range v.items() {
		id := item.at("id").str()
		if id != "" && seen[id] {
			d.fail("MKS-ENV-14", v)
			return
		}
		seen[id] = true
	}
}

// walk calls visit for every present value that a table describes, in table order.
func (v value) walk(fs fields, visit func(value, typ)) {
	for i := range fs {
		x := &fs[i]
		if !(value{n: v.n.Member(x.name)}).present() { // most are not, and a pointer costs
			continue
		}
		at := v.at(x.name)
		if bounds[x.card].high == 0 {
			at.step(x.typ, visit)
			continue
		}
		for _, item := range at.items() {
			item.step(x.typ, visit)
		}
	}
}

func (v value) step(t typ, visit func(value, typ)) {
	visit(v, t)
	v.walk(t.fields, visit)
}

// item is the pointer of the i-th element of a list.
func (v value) item(i int, n fhir.Node) value {
	return value{d: v.d, n: n, ptr: v.ptr + "/" + strconv.Itoa(i)}
}
