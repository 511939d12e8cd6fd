package back

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// lists are the last parts of the identifier systems of local ids (mks.md 2.5). Read only.
var lists = []string{"betrokkene", "medewerker", "organisatie", "onbekend"}

// ref reads a Reference as its source named it: by the identifier that it bears, the Patient as kind,
// else by the identifier that its target bears in this source. What this source has no name for is
// left out and reported.
func (r *record) ref(n fhir.Node) *rebuild.Value {
	if !n.Exists() {
		return nil
	}
	id := n.Member("identifier")
	if name := r.localName(id); name != "" {
		return rebuild.String(name)
	}
	to, literal := fhir.ParseRef(n.Member("reference").Text())
	if literal && to.Type == "Patient" {
		return rebuild.String("kind")
	}
	if name := r.nameOf(r.Get(n)); name != "" {
		return rebuild.String(name)
	}
	if literal && r.foreign() {
		return rebuild.String(to.ID)
	}
	r.Warn("not-found", ruleNoName, n, "This source has no name for what is referred to; the member was left out.")
	return nil
}

// localName returns the local id, or ura: and number, that an Identifier stands for in this source.
func (r *record) localName(id fhir.Node) string {
	system, value := id.Member("system").Text(), id.Member("value").Text()
	if value == "" {
		return ""
	}
	if system == uraSystem {
		return "ura:" + value
	}
	for _, list := range lists {
		if system == r.base()+"/"+list {
			return value
		}
	}
	return ""
}

// nameOf returns how this source names a person or organisation: its own local id goes before the URA.
func (r *record) nameOf(n fhir.Node) string {
	out := ""
	for id := range n.All("identifier") {
		name := r.localName(id)
		if name != "" && (out == "" || strings.HasPrefix(out, "ura:")) {
			out = name
		}
	}
	return out
}

// localIDs returns the ids that a resource has in a list of this source: betrokkene, medewerker or
// organisatie. In a Bundle of another origin that is the id of the resource.
func (r *record) localIDs(n fhir.Node, list string) []string {
	if r.foreign() {
		return []string{n.Resource().ID()}
	}
	var out []string
	for id := range n.All("identifier") {
		if id.Member("system").Text() == r.base()+"/"+list {
			out = append(out, id.Member("value").Text())
		}
	}
	return out
}

// refs reads a list of References.
func (r *record) refs(all []fhir.Node) *rebuild.Value { return rebuild.Each(all, r.ref) }

// version reads a logical reference to "recordId/versie" of this source; of another origin the id of
// what is referred to.
func (r *record) version(n fhir.Node) *rebuild.Value {
	if id := n.Member("identifier"); id.Member("system").Text() == r.base()+"/bron-versie" {
		return rebuild.Text(id.Member("value"))
	}
	if to, ok := fhir.ParseRef(n.Member("reference").Text()); ok && r.foreign() {
		return rebuild.String(to.ID)
	}
	return nil
}

// inRecord returns the id that a part has in its record: what stands behind "recordId#" in the
// identifier of its list. Of another origin that is the id of the resource.
func (r *record) inRecord(n fhir.Node, list string) string {
	if r.foreign() {
		return n.Resource().ID()
	}
	for id := range n.All("identifier") {
		record, part, ok := strings.Cut(id.Member("value").Text(), "#")
		if ok && record == r.id && id.Member("system").Text() == r.base()+"/"+list {
			return part
		}
	}
	return ""
}
