package form

import (
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// sentence is what is said of a bound of this reader, whatever the format.
type sentence struct {
	en string
	in fhir.Translations
}

// Read only.
var (
	textLarge = sentence{"The document has more members and elements than any real record. Split it.", fhir.Translations{
		NL: "Het document heeft meer velden en elementen dan enig echt record. Splits het.",
		SV: "Dokumentet har fler fält och element än något verkligt dokument. Dela upp det.",
	}}
	textTooLong = sentence{"The list is longer than in any real record. Split it.", fhir.Translations{
		NL: "De lijst is langer dan in enig echt record. Splits haar.",
		SV: "Listan är längre än i något verkligt dokument. Dela upp den.",
	}}
)

// measure counts the members and elements below v, and stops past the bound.
func (d *Document) measure(v Value) {
	for n := range v.Node().Children() {
		if d.parts++; d.parts > MaxParts {
			body := d.root
			if d.dialect.Body != "" {
				body = d.root.At(d.dialect.Body)
			}
			d.overflow(body, textLarge)
			return
		}
		d.measure(v.holding(n))
	}
}

// overflow refuses a document past the bounds. Nothing else is asked of it.
func (d *Document) overflow(v Value, text sentence) {
	d.large = true
	d.Say(fhir.SeverityError, d.dialect.Rules.Large, v, text.en, text.in)
	d.Mark(v)
}

// AtMost refuses a list that is longer than a rule of the format allows.
func (d *Document) AtMost(list Value, most int) {
	if list.Node().Len() > most {
		d.TooMany(list)
	}
}

// TooMany refuses a list that is longer than in any real record (Rules.Large).
func (d *Document) TooMany(list Value) {
	d.Say(fhir.SeverityError, d.dialect.Rules.Large, list, textTooLong.en, textTooLong.in)
	d.Mark(list)
}

// Object checks the members of an object against a table, as Read does with the document.
func (d *Document) Object(v Value, fs Fields) {
	var most [32]fhir.Node // of most objects
	there := most[:0]
	there = append(there, make([]fhir.Node, len(fs))...)
	for n := range v.Node().Children() {
		if i := fs.index(n.Name()); i >= 0 {
			there[i] = n
			continue
		}
		d.Keep(v.holding(n))
		d.Inform(d.dialect.Rules.Unknown, v.holding(n))
	}
	for i := range fs {
		if there[i].Exists() {
			d.member(v.holding(there[i]), &fs[i])
			continue
		}
		d.member(v.absent(fs[i].name), &fs[i])
	}
	d.order(v, fs)
}

// order holds Rules.Order.
func (d *Document) order(v Value, fs Fields) {
	for _, s := range d.dialect.Spans {
		if fs.Named(s.From) == nil || fs.Named(s.To) == nil {
			continue
		}
		from, to := v.At(s.From), v.At(s.To)
		if !from.Sound() || !to.Sound() {
			continue
		}
		if endsBefore(from.Str(), to.Str()) || s.Apart && from.Str() == to.Str() {
			d.Fail(d.dialect.Rules.Order, to)
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
	return Day(from).After(Day(to))
}

// member checks one member, present or not.
func (d *Document) member(v Value, x *Field) {
	if !v.Present() && !(x.emptyMeans && v.Node().Shape() == fhir.Array) {
		d.missing(v, x)
		return
	}
	if !x.List() {
		d.single(v, x.typ)
		return
	}
	if v.Node().Shape() != fhir.Array {
		d.Fault(d.dialect.Rules.Shape, v)
		return
	}
	if v.Node().Len() > MaxItems {
		d.overflow(v, textTooLong)
		return
	}
	if v.Node().Len() > x.high || v.Node().Len() < x.low {
		d.Fault(x.rule(d.dialect.Rules.Count), v)
	}
	for _, item := range v.Items() {
		d.single(item, x.typ)
	}
	d.duplicates(v, x)
}

// missing reports an absent, null or empty member.
func (d *Document) missing(v Value, x *Field) {
	if x.low > 0 {
		d.Fault(x.rule(d.dialect.Rules.Missing), v)
		return
	}
	if !v.Node().Exists() {
		return
	}
	d.Keep(v)
	if rule := d.dialect.Rules.Empty; rule != "" {
		d.Inform(rule, v)
	}
}

func (x *Field) rule(otherwise string) string {
	if x.absent != "" {
		return x.absent
	}
	return otherwise
}

// single checks one value against its type.
func (d *Document) single(v Value, t Type) {
	if t.shape == fhir.Missing {
		return // anything
	}
	if v.Node().Shape() != t.shape {
		d.Fault(d.dialect.Rules.Shape, v)
		return
	}
	if t.refs != nil {
		d.refs = append(d.refs, named{v.place, t.refs})
	}
	if t.instant {
		d.moments = append(d.moments, v.place)
	}
	if t.check != nil {
		if rule := t.check(v.Node().Text()); rule != "" {
			d.Fault(rule, v)
		}
		return
	}
	if t.entries != nil {
		for n := range v.Node().Children() {
			d.single(v.holding(n), *t.entries)
		}
		return
	}
	if t.shape != fhir.Object {
		return
	}
	d.Object(v, t.fields)
	if t.atLeast && !v.AnyOf(t.fields) {
		d.Fault(d.dialect.Rules.Count, v)
	}
}

// duplicates holds Rules.Duplicate for lists of objects with an id.
func (d *Document) duplicates(v Value, x *Field) {
	if d.dialect.Rules.Duplicate == "" || x.free || x.typ.fields.Named("id") == nil {
		return
	}
	seen := map[string]bool{}
	for _, item := range v.Items() {
		id := item.At("id").Str()
		if id != "" && seen[id] {
			d.Fail(d.dialect.Rules.Duplicate, v)
			return
		}
		seen[id] = true
	}
}
