package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// reader is the way back of one record type.
type reader struct {
	name   string // recordType
	anchor fhir.Type
	// like reports whether a resource of another origin is such a record.
	like func(fhir.Node) bool
	// read returns inhoud. nil: not yet.
	read func(*record) *rebuild.Value
}

// readers are the record types of mks.md 3.
func readers() []reader {
	return []reader{
		{"kind", "Patient", always, child},
		{"verwijsboom", "QuestionnaireResponse", answering("mks-verwijsboom"), referral},
		{"hulpbehoeftescan", "QuestionnaireResponse", answering("mks-hulpbehoeftescan"), scan},
		{"zorgplan", "CarePlan", category("zorgplan"), plan},
		{"evaluatie", "Encounter", isEvaluation, evaluation},
		{"beslisboom", "QuestionnaireResponse", answering("mks-beslisboom"), closing},
		{"overdracht", "Composition", handOff, transfer},
		{"toestemming", "Consent", private, consent},
	}
}

func always(fhir.Node) bool { return true }

// answering reports whether a QuestionnaireResponse answers a Questionnaire of ours.
func answering(name string) func(fhir.Node) bool {
	canonical := fhir.Canonical + "/Questionnaire/" + name
	return func(n fhir.Node) bool {
		q := n.Member("questionnaire").Text()
		return q == canonical || len(q) > len(canonical) && q[:len(canonical)+1] == canonical+"|"
	}
}

// Rules of the way back.
const (
	ruleNoRecord   = "MKS-BACK-01" // nothing here is a record
	ruleType       = "MKS-BACK-02" // bron-record names no record type of this resource
	ruleNoName     = "MKS-BACK-03" // the source has no name for what is referred to
	ruleIncomplete = "MKS-BACK-04" // a resource of the record is missing
	rulePatient    = "MKS-BACK-05" // the Patient is missing
	ruleMember     = "MKS-BACK-06" // a source-member leads nowhere
	ruleMany       = "MKS-BACK-07" // more records than are read at once
)

// maxRecords and maxForeign bound the records that one call reads: one of another origin looks through
// all resources.
const (
	maxRecords = 1000
	maxForeign = 100
)

// Documents reads the source document of every record among the resources, in their order: of every
// bron-record, or where none is, of every resource that looks like a record, in the name of by. With
// an error among the issues the documents are not whole. What a document must have is for the caller
// to check: a member that FHIR does not hold is missing.
func Documents(rs []*fhir.Resource, by mapping.Origin) ([][]byte, []fhir.Issue) {
	s := newSet(rs)
	records := s.ownRecords(by)
	if len(records) == 0 && !s.Failed() {
		records = s.foreignRecords(by)
	}
	if len(records) == 0 && !s.Failed() {
		s.Fail("not-found", ruleNoRecord, fhir.Node{}, "There is no record among these resources; send a resource that carries one, such as a Patient or a Composition, with what belongs to it.")
	}
	var out [][]byte
	for _, x := range records {
		if s.Spent() {
			break
		}
		doc := x.record.document(x.read(x.record))
		x.record.putBack(doc)
		out = append(out, doc.JSON())
	}
	return out, s.Issues()
}

// readable is a record and what reads it.
type readable struct {
	*record
	read func(*record) *rebuild.Value
}

// ownRecords are the records that bron-record names.
func (s *set) ownRecords(by mapping.Origin) []readable {
	var out []readable
	seen := map[string]bool{}
	for _, res := range s.Resources() {
		all := rebuild.Extensions(res.Root(), "bron-record")
		for _, e := range all {
			if s.full(len(out), maxRecords, e) {
				return out
			}
			name := rebuild.Part(e, "recordType").Text()
			read := readerOf(name, res.Type())
			if read == nil {
				s.Fail("not-supported", ruleType, e, "This resource cannot carry a record of that type; send the resource that the record was made into.")
				continue
			}
			r := newRecord(s, by, name, res.Root(), e)
			r.several = len(all) > 1
			if key := r.metaSource() + r.versie(); !seen[key] {
				seen[key], r.mine = true, r.gather()
				if !r.takeIn() {
					return out
				}
				out = append(out, readable{r, read})
			}
		}
	}
	return out
}

// readerOf returns what reads a record type from a type of resource, nil when nothing does.
func readerOf(name string, t fhir.Type) func(*record) *rebuild.Value {
	for _, x := range readers() {
		if x.name == name && x.anchor == t {
			return x.read
		}
	}
	return nil
}

// foreignRecords are the resources that look like a record of ours.
func (s *set) foreignRecords(by mapping.Origin) []readable {
	var out []readable
	for _, res := range s.Resources() {
		for _, x := range readers() {
			if x.anchor != res.Type() || x.read == nil || !x.like(res.Root()) {
				continue
			}
			if s.full(len(out), maxForeign, res.Root()) {
				return out
			}
			r := newRecord(s, by, x.name, res.Root(), fhir.Node{})
			r.mine = r.everything()
			if !r.takeIn() {
				return out
			}
			out = append(out, readable{r, x.read})
		}
	}
	return out
}

// full reports that there are more records than are read at once.
func (s *set) full(n, most int, at fhir.Node) bool {
	if n < most {
		return false
	}
	s.Fail("too-costly", ruleMany, at, "There are more records than are read at once; send fewer.")
	return true
}

// category reports whether a resource has a category of mks-categorie.
func category(want string) func(fhir.Node) bool {
	return func(n fhir.Node) bool { return rebuild.Has(n.Member("category"), "mks-categorie", want) }
}

// handOff reports whether a Composition of another origin is a nursing transfer.
func handOff(c fhir.Node) bool { return rebuild.HasCode(c.Member("type"), snomed, "11171000146100") }
