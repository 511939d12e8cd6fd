// Package subscription knows the topics that organisations are told of, what a Subscription may ask for,
// what an event matches, and how a notification looks (Subscriptions R5 Backport, in R4). It decides on no
// access, keeps nothing and sends nothing.
package subscription

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Topic is one kind of event that an organisation can be told of.
type Topic struct {
	URL     string
	Type    fhir.Type
	Filters []string // search parameters by which a Subscription may narrow it

	about func(f *auth.ResourceFacts, organization fhir.Ref) bool
}

// Topics are those that this release has. Each tells of creation, change and deletion, of what the
// subscriber may read.
func Topics() []Topic {
	const at = fhir.Canonical + "/SubscriptionTopic/"
	return []Topic{
		{URL: at + "transfer", Type: "Task", Filters: []string{"patient", "owner", "status"}, about: transferOf},
		{URL: at + "transfer-document", Type: "Composition", Filters: []string{"patient", "status"}, about: anything},
		{URL: at + "care-plan", Type: "CarePlan", Filters: []string{"patient", "status"}, about: anything},
		{URL: at + "consent", Type: "Consent", Filters: []string{"patient", "status"}, about: anything},
	}
}

// topicOf finds a topic by its canonical URL, with or without a version.
func topicOf(canonical string) (Topic, bool) {
	url, _, _ := strings.Cut(canonical, "|")
	all := Topics()
	i := slices.IndexFunc(all, func(t Topic) bool { return t.URL == url })
	if i < 0 {
		return Topic{}, false
	}
	return all[i], true
}

// transferOf picks the Tasks that carry a transfer (mks.md 3.8) of or to the organisation.
func transferOf(f *auth.ResourceFacts, organization fhir.Ref) bool {
	carries := auth.Coding{System: "http://snomed.info/sct", Code: "308292007"}
	return slices.Contains(f.Codings, carries) && slices.Contains(f.Parties, organization)
}

// anything leaves it to access whom a resource concerns.
func anything(*auth.ResourceFacts, fhir.Ref) bool { return true }

// Matches reports whether a version of a resource is an event for the Subscription of an organisation, as
// far as its content tells. Whether the organisation may know of it is another question.
func (s *Subscription) Matches(f *auth.ResourceFacts, organization fhir.Ref) bool {
	if f.Ref.Type != s.Topic.Type || !s.Topic.about(f, organization) {
		return false
	}
	for _, one := range s.Filters {
		if !filters[one.Param](f, one.Values) {
			return false
		}
	}
	return true
}

// Filter is one condition: any of the values.
type Filter struct {
	Param  string
	Values []string // ids of patients, references of owners, codes
}

// filters say what a parameter asks of the facts of a resource.
var filters = map[string]func(f *auth.ResourceFacts, values []string) bool{
	"patient": func(f *auth.ResourceFacts, values []string) bool {
		return slices.ContainsFunc(f.Patients, func(p fhir.Ref) bool { return slices.Contains(values, p.String()) })
	},
	"owner": func(f *auth.ResourceFacts, values []string) bool { return slices.Contains(values, f.Owner.String()) },
	"status": func(f *auth.ResourceFacts, values []string) bool {
		return slices.Contains(values, f.Status)
	},
}
