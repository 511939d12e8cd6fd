package exchange

import (
	"context"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Glimpse is what the pages of a launch name of a Patient; of another resource it is empty.
type Glimpse struct {
	GivenName string
	BirthYear int // 0: unknown
}

// Look reads a resource for a launch: decided as a read, and in the log before it returns. It answers
// NotFound when the principal may not read the resource, for whatever reason, and when the resource
// is about another patient too.
func (s *Service) Look(ctx context.Context, c Call, ref, patient fhir.Ref) (Glimpse, error) {
	const op = "exchange.Look"
	e := s.event(c, auth.Read, ref.Type)
	var out Glimpse
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		var served Served
		var err error
		if served, refused, err = s.readOne(s.world(v), &e, ref); err != nil || refused != nil {
			return err
		}
		out, refused, err = glimpse(v, served, patient)
		return err
	})
	if err != nil {
		return Glimpse{}, s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return Glimpse{}, err
	}
	if refused != nil {
		return Glimpse{}, notFound(op, ruleOf(refused))
	}
	return out, nil
}

// glimpse takes the name and year of birth of what was served. The second result says that it is not
// about the patient alone.
func glimpse(v Snapshot, served Served, patient fhir.Ref) (Glimpse, error, error) {
	const op = "exchange.glimpse"
	st, err := v.Read(served.Ref)
	if err != nil {
		return Glimpse{}, nil, err
	}
	if of := st.Facts.Patients; len(of) != 1 || of[0].Current() != patient.Current() {
		return Glimpse{}, notFound(op, "context-other-patient"), nil
	}
	r, err := served.tree()
	if err != nil {
		return Glimpse{}, nil, err
	}
	if r.Type() != "Patient" {
		return Glimpse{}, nil, nil
	}
	return Glimpse{GivenName: givenName(r.Root()), BirthYear: birthYear(r.Root())}, nil, nil
}

// birthYear is the year of a birth date of any precision; 0: unknown.
func birthYear(patient fhir.Node) int {
	birth := patient.Member("birthDate").Text()
	if len(birth) < 4 {
		return 0
	}
	year, err := strconv.Atoi(birth[:4])
	if err != nil {
		return 0
	}
	return year
}
