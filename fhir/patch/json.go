package patch

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// operation is one operation of a JSON Patch.
type operation struct {
	path, from pointer
	value      fhir.Node
	act        func(operation, *run) *rule
}

func (o operation) apply(r *run) *rule {
	r.now = nil
	return o.act(o, r)
}

// operations are the operations of RFC 6902 and what each needs besides its path.
var operations = map[string]struct {
	act         func(operation, *run) *rule
	value, from bool
	reads       bool
}{
	"add":     {act: operation.add, value: true},
	"remove":  {act: operation.remove},
	"replace": {act: operation.replace, value: true},
	"move":    {act: operation.move, from: true, reads: true},
	"copy":    {act: operation.copy, from: true, reads: true},
	"test":    {act: operation.test, value: true, reads: true},
}

// readJSON parses a JSON Patch.
func readJSON(body []byte) (Patch, []fhir.Issue) {
	root, issues := fhir.ParseValue(body, fhir.Limits{Bytes: max(len(body), 1)})
	if fhir.HasErrors(issues) {
		return Patch{}, issues
	}
	if root.Shape() != fhir.Array {
		return Patch{}, []fhir.Issue{ruleArray.at("")}
	}
	if root.Len() > MaxOperations {
		return Patch{}, []fhir.Issue{ruleCount.at("")}
	}
	p := Patch{name: bracketed}
	for n := range root.Children() {
		o, faults := readOperation(n, bracketed(len(p.steps)))
		issues = append(issues, faults...)
		p.steps = append(p.steps, o)
		p.reads = p.reads || operations[n.Member("op").Text()].reads
	}
	return p, issues
}

// readOperation reads one operation; what RFC 6902 does not name is ignored, as it demands.
func readOperation(n fhir.Node, place string) (o operation, issues []fhir.Issue) {
	if n.Shape() != fhir.Object {
		return o, []fhir.Issue{ruleArray.at(place)}
	}
	kind, ok := operations[n.Member("op").Text()]
	if !ok || n.Member("op").Shape() != fhir.String {
		issues = append(issues, ruleOp.at(place+".op"))
	}
	o.act, o.value = kind.act, n.Member("value")
	var ok1, ok2 bool
	if o.path, ok1 = pointerAt(n.Member("path")); !ok1 {
		issues = append(issues, rulePointer.at(place+".path"))
	}
	if o.from, ok2 = pointerAt(n.Member("from")); kind.from && !ok2 {
		issues = append(issues, rulePointer.at(place+".from"))
	}
	if kind.value && !o.value.Exists() {
		issues = append(issues, ruleValue.at(place+".value"))
	}
	if n.Member("op").Text() == "move" && ok1 && ok2 && o.path.within(o.from) {
		issues = append(issues, ruleItself.at(place))
	}
	return o, issues
}

func pointerAt(n fhir.Node) (pointer, bool) {
	if n.Shape() != fhir.String {
		return nil, false
	}
	return readPointer(n.Text())
}

func (o operation) add(r *run) *rule { return r.insert(o.path, value{src: o.value}) }

func (o operation) remove(r *run) *rule {
	_, fault := r.take(o.path)
	return fault
}

func (o operation) replace(r *run) *rule {
	v, fault := r.root.at(o.path)
	if fault == nil {
		*v = value{src: o.value}
	}
	return fault
}

func (o operation) move(r *run) *rule {
	if slices.Equal(o.path, o.from) { // also of the whole resource
		_, fault := r.root.at(o.from)
		return fault
	}
	v, fault := r.take(o.from)
	if fault != nil {
		return fault
	}
	return r.insert(o.path, v)
}

// copy counts what it adds, so that copies of copies end before they fill the memory.
func (o operation) copy(r *run) *rule {
	v, fault := r.root.at(o.from)
	if fault != nil {
		return fault
	}
	n := v.size()
	if r.copied += n; r.copied > r.limit {
		return &ruleSize
	}
	if fault := r.spend(n); fault != nil {
		return fault
	}
	return r.insert(o.path, v.clone())
}

// test compares by value: members in any order, numbers however they are written.
func (o operation) test(r *run) *rule {
	v, fault := r.root.at(o.path)
	if fault != nil {
		return fault
	}
	n := v.size()
	if fault := r.spend(n + len(o.value.Raw())); fault != nil {
		return fault
	}
	found := v.src
	if v.open != nil {
		var issues []fhir.Issue
		if found, issues = fhir.ParseValue(v.appendTo(nil), fhir.Limits{Bytes: r.limit}); fhir.HasErrors(issues) {
			return &ruleSize
		}
	}
	if !fhir.Equal(found, o.value) {
		return &ruleTest
	}
	return nil
}

// insert puts v where p leads: as a member, or before the element that is there now.
func (r *run) insert(p pointer, v value) *rule {
	if len(p) == 0 {
		r.root = v
		return nil
	}
	holder, fault := r.root.at(p[:len(p)-1])
	if fault != nil {
		return fault
	}
	c, last := holder.look(), p[len(p)-1]
	switch {
	case c == nil:
		return &ruleTarget
	case c.object:
		c.set(member{name: last, value: v})
		return nil
	}
	i, ok := position(last, len(c.members), true)
	if !ok {
		return &ruleIndex
	}
	c.members = slices.Insert(c.members, i, member{value: v})
	return nil
}

// take takes the value out that p leads to. The whole resource cannot be taken away.
func (r *run) take(p pointer) (value, *rule) {
	if len(p) == 0 {
		return value{}, &ruleTarget
	}
	holder, fault := r.root.at(p[:len(p)-1])
	if fault != nil {
		return value{}, fault
	}
	i, fault := holder.child(p[len(p)-1])
	if fault != nil {
		return value{}, fault
	}
	v := holder.open.members[i].value
	holder.open.removeAt(i)
	return v, nil
}
