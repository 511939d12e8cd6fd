package netwerk

import "github.com/drieluik/drieluik/mapping/form"

// formRules holds what the tables do not say: ids, references, and the members that persons or
// organisations alone have (network.md 1).
func (d *document) formRules() {
	d.idRules()
	d.Root().Walk(table, func(v form.Value, t form.Type) {
		if len(t.Kinds()) > 0 && v.Sound() {
			if _, ok := d.members[v.Str()]; !ok {
				d.Fault("NW-S05", v)
			}
		}
	})
	for _, l := range d.at("leden").Items() {
		d.kindRules(l)
		d.giverRules(l)
	}
	d.tieRules()
}

// idRules holds that ids are unique over leden and afspraken.
func (d *document) idRules() {
	seen := map[string]bool{}
	for _, list := range []string{"leden", "afspraken"} {
		for _, x := range d.at(list).Items() {
			at := x.At("id")
			if !at.Sound() {
				continue
			}
			if key := at.Str(); seen[key] {
				d.Fault("NW-S04", at)
			} else {
				seen[key] = true
			}
		}
	}
}

// kindRules holds the members that not every kind of member has.
func (d *document) kindRules(l form.Value) {
	consent := l.At("toestemming")
	if isPerson(l) {
		if !consent.Present() {
			d.Fault("NW-S01", consent)
		}
		d.none(l, "ura")
	}
	if isOrganisation(l) {
		d.none(l, "relatieCode", "belasting", "toestemming", "zichtbaarVoor")
	}
}

// none refuses members that this kind of member does not have.
func (d *document) none(l form.Value, names ...string) {
	for _, name := range names {
		if at := l.At(name); at.Present() {
			d.Fault("NW-S09", at)
		}
	}
}

// giverRules holds that the child, and nobody else, gives under the child's own number.
func (d *document) giverRules(l form.Value) {
	number := d.at("client").At("bsn")
	for _, g := range l.At("toestemming").At("gegevenDoor").Items() {
		given, role := g.At("bsn"), g.At("rol")
		if number.Sound() && given.Sound() && role.Sound() && (number.Str() == given.Str()) != (role.Str() == "kind") {
			d.Fault("NW-S09", given)
		}
	}
}

// tieRules holds that a tie has two ends, and a pair one tie.
func (d *document) tieRules() {
	seen := map[[2]string]bool{}
	for _, t := range d.at("onderling").Items() {
		a, b := t.At("a"), t.At("b")
		if !a.Sound() || !b.Sound() {
			continue
		}
		pair := [2]string{min(a.Str(), b.Str()), max(a.Str(), b.Str())}
		switch {
		case a.Str() == b.Str():
			d.Fault("NW-S09", b)
		case seen[pair]:
			d.Fault("NW-S04", t)
		}
		seen[pair] = true
	}
}
