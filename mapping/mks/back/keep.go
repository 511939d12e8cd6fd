package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// keepers are the resources whose source members are this record's: its Provenance, and the anchor
// unless that is a Patient which other sources fill too.
func (r *record) keepers() []fhir.Node {
	if r.guest() {
		return []fhir.Node{r.provenance}
	}
	return []fhir.Node{r.anchor, r.provenance}
}

// claim gives the source members of a Patient with several records to this one, unless another has
// them.
func (r *record) claim() bool {
	ref := r.anchor.Resource().Ref()
	if r.owned[ref] {
		return false
	}
	r.owned[ref] = true
	return true
}

// guest reports whether the anchor is a Patient with kind records of several sources of which this is
// not the first: what it keeps as it came stands on its Provenance alone.
func (r *record) guest() bool {
	return r.several && (!r.provenance.Exists() || r.named)
}

// readChanges reads which elements of the Patient the Provenance names as set by this version; none stands
// for all (mks.md 2.6).
func (r *record) readChanges() {
	patient := r.patientRef()
	for target := range r.provenance.All("target") {
		if target.Member("reference").Text() != patient {
			continue
		}
		for _, v := range rebuild.Exts(target, "gewijzigd-element") {
			r.named, r.born = true, r.born || v.Text() == "Patient.birthDate"
		}
	}
}

func (r *record) patientRef() string {
	if !r.patient.Exists() {
		return ""
	}
	return r.patient.Resource().Ref().String()
}

// kept reports whether the source kept a member as it came.
func (r *record) kept(pointer string) bool {
	for _, keeper := range r.keepers() {
		for _, e := range rebuild.Extensions(keeper, "source-member") {
			if rebuild.Part(e, "pointer").Text() == pointer {
				return true
			}
		}
	}
	return false
}

// putBack puts every source-member at its pointer (mks.md 4).
func (r *record) putBack(doc *rebuild.Value) {
	for _, keeper := range r.keepers() {
		if keeper == r.anchor && !r.claim() {
			continue
		}
		r.PutBack(doc, keeper)
	}
}
