package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// ClosedAt returns when the latest tree in force that closes a plan of this source was recorded, but for
// that of one record; the zero time when none does.
func ClosedAt(m *tofhir.Mapper, plan, but string) (time.Time, error) {
	var out time.Time
	if m.Child.Found == nil {
		return out, nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "QuestionnaireResponse")
	if err != nil {
		return out, fmt.Errorf("mks.closedAt: %w", err)
	}
	for _, hit := range hits {
		n := tofhir.Found(hit)
		r := BronRecordOf(n)
		record := tofhir.Part(r, "recordId").Text()
		own := mapping.ID("QuestionnaireResponse/"+m.Head.Source()+"/beslisboom/"+record) == hit.Resource.ID()
		counts := slices.Contains([]string{"completed", "amended"}, n.Member("status").Text())
		if !own || !counts || record == but || tofhir.AnswerAt(n, "bb.zorgplan") != plan {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, tofhir.Part(r, "vastgelegdOp").Text())
		if err == nil && at.After(out) {
			out = at
		}
	}
	return out, nil
}

// OfChild reports whether the subject of a resource is the child of this record.
func OfChild(m *tofhir.Mapper, n fhir.Node) bool {
	return n.At("subject", "reference").Text() == m.Child.Ref.String()
}

// InForce returns the master CarePlan of a zorgplan of this source and child, or nil. A draft is
// none.
func InForce(m *tofhir.Mapper, record string) (*mapping.Found, error) {
	key := "CarePlan/" + m.Head.Source() + "/zorgplan/" + record
	hit, err := m.Known.Read(fhir.Ref{Type: "CarePlan", ID: mapping.ID(key)})
	if err != nil {
		return nil, fmt.Errorf("mks.planInForce: %w", err)
	}
	if hit == nil || !OfChild(m, tofhir.Found(hit)) {
		return nil, nil
	}
	return hit, nil
}
