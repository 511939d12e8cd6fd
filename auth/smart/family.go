package smart

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Family is what the code flow asks of the FHIR side. Every member is required. An error of a
// member means that nothing is shown, granted or served; fhir.Unavailable asks to try again.
type Family struct {
	// Children returns the children for whom the user has authority now. A child without authority
	// is absent. Of a Patient user it is the user itself, when it may act alone.
	Children func(ctx context.Context, user User) ([]ChildChoice, error)
	// Standing tells the user's role for a child (auth.RoleOf) and whether custody and age allow it
	// now. It is asked at every request and refresh.
	Standing func(ctx context.Context, user User, patient fhir.Ref) (Standing, error)
	// GrantConsent writes the FHIR Consent of a grant and returns after it is durable.
	GrantConsent func(ctx context.Context, grant ConsentGrant) (fhir.Ref, error)
	// ConsentLive reports whether a Consent is active and in its period. It is asked at every request.
	ConsentLive func(ctx context.Context, consent fhir.Ref) (bool, error)
	// WithdrawConsent sets a Consent inactive as the act of the user who gave it. NotFound when it is
	// not the user's; done already is no error.
	WithdrawConsent func(ctx context.Context, consent fhir.Ref, user User) error
	// Consents returns the live Consents that the user gave to apps.
	Consents func(ctx context.Context, user User) ([]GivenConsent, error)
	// Look reads a resource for a launch as its reader would read it: decided, and in the log. NotFound
	// when the reader may not know of it, or when it is not about the patient alone.
	Look func(ctx context.Context, by Reader, ref, patient fhir.Ref) (Glimpse, error)
}

// Reader is in whose name a launch looks at records.
type Reader struct {
	Principal auth.Principal
	Address   string // network address of the request
	RequestID string
}

// Glimpse is what a page names of a Patient; of another resource it is empty.
type Glimpse struct {
	GivenName string
	BirthYear int // 0: unknown
}

// User is who has logged in.
type User struct {
	Subject      string   // opaque and stable
	FHIRUser     fhir.Ref // RelatedPerson, Person, Patient or Practitioner
	Organization fhir.Ref // of a Practitioner; zero for everybody else
}

// ChildChoice is one child that a user may choose. It holds what the pages show and no more.
type ChildChoice struct {
	Patient      fhir.Ref
	Performer    fhir.Ref // RelatedPerson of the user for this child; the Patient itself for a Patient user
	GivenName    string
	BirthYear    int       // 0: unknown
	Organization string    // name of the care organisation; empty: unknown
	DecidesToo   bool      // middle age band: the child's own permission counts
	Until        time.Time // next instant at which the representation changes; zero: none is known
}

// Standing is what a user is to a child at one instant.
type Standing struct {
	Role    auth.Role // guardian, child or helper
	Allowed bool      // relation and representation permit reading (access.md 3.1, 3.2)
}

// ConsentGrant is what a user has just permitted to an app (smart.md 3.1).
type ConsentGrant struct {
	User         User
	Patient      fhir.Ref
	Performer    fhir.Ref
	ClientID     string
	ClientName   string
	Organization fhir.Ref // of the client
	Purpose      string   // v3-ActReason
	Scopes       []string // granted patient/ scopes, one for each extension smart-scope
	Types        []fhir.Type
	Write        bool // some scope lets the app change something
	From, Until  time.Time
	Text         string // what the user read, plain text
	Language     string // nl, sv, en
	TextVersion  int
}

// GivenConsent is a live Consent as the page of apps shows it.
type GivenConsent struct {
	Consent      fhir.Ref
	Patient      fhir.Ref
	GivenName    string
	ClientID     string
	Scopes       []string // as in ConsentGrant
	Since, Until time.Time
}

func (f *Family) missing() error {
	present := []struct {
		name string
		ok   bool
	}{
		{"Children", f.Children != nil}, {"Standing", f.Standing != nil}, {"GrantConsent", f.GrantConsent != nil},
		{"ConsentLive", f.ConsentLive != nil}, {"WithdrawConsent", f.WithdrawConsent != nil}, {"Consents", f.Consents != nil},
		{"Look", f.Look != nil},
	}
	var errs []error
	for _, p := range present {
		if !p.ok {
			errs = append(errs, fmt.Errorf("member %s of Family is required", p.name))
		}
	}
	return errors.Join(errs...)
}
