package subscription_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

const (
	base     = "https://fhir.example/fhir"
	backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
	transfer = "https://drieluik.example/fhir/SubscriptionTopic/transfer"
)

// body is a Subscription to transfers; members replaces or adds members, and channel those of its channel.
func body(members, channel string) string {
	return `{"resourceType":"Subscription","status":"requested","reason":"r",` + members +
		`"channel":{"type":"rest-hook",` + channel + `"payload":"application/fhir+json","endpoint":"https://h.example/hook"}}`
}

func read(t *testing.T, text string) (subscription.Subscription, []fhir.Issue) {
	t.Helper()
	r, issues := fhir.Parse([]byte(text), fhir.Limits{})
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	return subscription.Read(r, base)
}

func filter(text string) string {
	return `"criteria":"` + transfer + `","_criteria":{"extension":[{"url":"` + backport + `filter-criteria","valueString":"` + text + `"}]},`
}

func TestASubscriptionIsRead(t *testing.T) {
	t.Parallel()
	s, issues := read(t, body(strings.Replace(filter("Task?patient=a,Patient/b&owner="+base+"/Organization/o&status=http://hl7.org/fhir/task-status|requested"),
		transfer, transfer+"|1.0.0", 1)+`"end":"2027-01-01T00:00:00Z",`,
		`"extension":[{"url":"`+backport+`heartbeat-period","valueUnsignedInt":60},{"url":"`+backport+`timeout","valueUnsignedInt":5}],
		"_payload":{"extension":[{"url":"`+backport+`payload-content","valueCode":"full-resource"}]},"header":["Authorization: Bearer a:b"],`))
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	if s.Topic.URL != transfer || s.Topic.Type != "Task" {
		t.Errorf("topic %+v", s.Topic)
	}
	slices.SortFunc(s.Filters, func(a, b subscription.Filter) int { return strings.Compare(a.Param, b.Param) })
	s.Topic = subscription.Topic{}
	want := subscription.Subscription{
		Status: "requested", Endpoint: "https://h.example/hook", MediaType: "application/fhir+json", Content: "full-resource",
		Filters: []subscription.Filter{
			{Param: "owner", Values: []string{"Organization/o"}}, {Param: "patient", Values: []string{"Patient/a", "Patient/b"}},
			{Param: "status", Values: []string{"requested"}},
		},
		Headers: []subscription.Header{{Name: "Authorization", Value: "Bearer a:b"}}, Heartbeat: time.Minute, Timeout: 5 * time.Second,
		End: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	if d := cmp.Diff(want, s, cmp.AllowUnexported(subscription.Topic{})); d != "" {
		t.Error(d)
	}
	s, issues = read(t, body(`"criteria":"`+transfer+`",`, ""))
	if len(issues) > 0 || s.Content != "id-only" || s.Timeout != 10*time.Second {
		t.Errorf("without extensions: %+v %v", s, issues)
	}
}

func TestWhatThisServerDoesNotDoIsRefused(t *testing.T) {
	t.Parallel()
	plain := `"criteria":"` + transfer + `",`
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct{ members, channel, rule string }{
		"a query as criteria":       {`"criteria":"Task?status=requested",`, "", "subscription-topic"},
		"the topic of somebody":     {`"criteria":"https://other.example/SubscriptionTopic/transfer",`, "", "subscription-topic"},
		"a filter of another type":  {filter("CarePlan?patient=a"), "", "subscription-filter"},
		"a filter without a type":   {filter("patient=a"), "", "subscription-filter"},
		"a parameter it lacks":      {filter("Task?code=x"), "", "subscription-filter"},
		"a modifier":                {filter("Task?status:not=x"), "", "subscription-filter"},
		"an empty value":            {filter("Task?status="), "", "subscription-filter"},
		"an owner without a type":   {filter("Task?owner=x"), "", "subscription-filter"},
		"a patient who is none":     {filter("Task?patient=Person/x"), "", "subscription-filter"},
		"too many values":           {filter("Task?patient=" + strings.Repeat("a,", 60) + "a"), "", "subscription-filter"},
		"a query that breaks off":   {filter("Task?patient=%"), "", "subscription-filter"},
		"another content":           {plain, `"_payload":{"extension":[{"url":"` + backport + `payload-content","valueCode":"all"}]},`, "subscription-payload"},
		"a heartbeat each second":   {plain, `"extension":[{"url":"` + backport + `heartbeat-period","valueUnsignedInt":1}],`, "subscription-channel"},
		"an hour to answer":         {plain, `"extension":[{"url":"` + backport + `timeout","valueUnsignedInt":3600}],`, "subscription-channel"},
		"a heartbeat out of range":  {plain, `"extension":[{"url":"` + backport + `heartbeat-period","valueUnsignedInt":99999999999999999999}],`, "subscription-channel"},
		"a header without value":    {plain, `"header":["Authorization:"],`, "subscription-header"},
		"a header without colon":    {plain, `"header":["Authorization"],`, "subscription-header"},
		"a header of the request":   {plain, `"header":["HOST: x"],`, "subscription-header"},
		"a header in two lines":     {plain, `"header":["A: b\r\nHost: x"],`, "subscription-header"},
		"a header with a blank":     {plain, `"header":["A b: c"],`, "subscription-header"},
		"a header of five thousand": {plain, `"header":["A: ` + long + `"],`, "subscription-header"},
		"many headers":              {plain, `"header":[` + strings.Repeat(`"A: b",`, 11) + `"A: b"],`, "subscription-header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, issues := read(t, body(c.members, c.channel))
			if len(issues) != 1 || issues[0].Diagnostics != c.rule || issues[0].Text == "" || strings.Contains(issues[0].Text, "xxx") {
				t.Errorf("%+v", issues)
			}
		})
	}
	_, issues := read(t, `{"resourceType":"Subscription","status":"requested","reason":"r","criteria":"`+transfer+`","channel":{"type":"email","payload":"text/plain"}}`)
	if len(issues) != 3 {
		t.Errorf("of an e-mail: %+v", issues)
	}
}

func TestFiltersNarrow(t *testing.T) {
	t.Parallel()
	home := fhir.Ref{Type: "Organization", ID: "home"}
	task := auth.ResourceFacts{
		Ref: fhir.Ref{Type: "Task", ID: "t", Version: 1}, Patients: []fhir.Ref{{Type: "Patient", ID: "a"}}, Status: "requested", Owner: home,
		Parties: []fhir.Ref{home, {Type: "Organization", ID: "hospital"}}, Codings: []auth.Coding{{System: "http://snomed.info/sct", Code: "308292007"}},
	}
	other := task
	other.Codings = nil
	for query, want := range map[string]bool{
		"patient=a": true, "patient=b": false, "patient=b,a": true, "status=requested": true, "status=accepted": false,
		"owner=Organization/home": true, "owner=Organization/hospital": false, "status=requested&patient=b": false,
		"status=requested&status=accepted": false, "status=requested,accepted&owner=Organization/home&patient=a": true,
	} {
		s, issues := read(t, body(filter("Task?"+query), ""))
		if got := s.Matches(&task, home); got != want || len(issues) > 0 {
			t.Errorf("%s: %v %v", query, got, issues)
		}
		if s.Matches(&other, home) || s.Matches(&task, fhir.Ref{Type: "Organization", ID: "third"}) {
			t.Errorf("%s: tells of another task, or to another organisation", query)
		}
	}
}

// TestTopicsArePublished: what is published of a topic is what it does.
func TestTopicsArePublished(t *testing.T) {
	t.Parallel()
	const part = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
	all, err := artifacts.All()
	if err != nil {
		t.Fatal(err)
	}
	type topic struct {
		Type    string
		Filters []string
	}
	published, ours := map[string]topic{}, map[string]topic{}
	for _, r := range all {
		if r.Type() != "Basic" {
			continue
		}
		var url string
		var one topic
		for ext := range r.Root().All("extension") {
			switch strings.TrimPrefix(ext.Member("url").Text(), part) {
			case "url":
				url = ext.Member("valueUri").Text()
			case "canFilterBy":
				one.Filters = append(one.Filters, named(ext, "filterParameter", "valueString"))
			case "resourceTrigger":
				one.Type = strings.TrimPrefix(named(ext, "resource", "valueUri"), "http://hl7.org/fhir/StructureDefinition/")
			}
		}
		published[url] = one
	}
	for _, one := range subscription.Topics() {
		ours[one.URL] = topic{string(one.Type), one.Filters}
	}
	if d := cmp.Diff(ours, published); d != "" {
		t.Error(d)
	}
}

// named is the value of a nested extension.
func named(ext fhir.Node, url, value string) string {
	for n := range ext.All("extension") {
		if n.Member("url").Text() == url {
			return n.Member(value).Text()
		}
	}
	return ""
}

func TestNotificationsAreValid(t *testing.T) {
	t.Parallel()
	n := subscription.Notification{
		ID: "9c0a1c0e-0000-4000-8000-000000000001", Base: base, Subscription: fhir.Ref{Type: "Subscription", ID: "s"}, Topic: transfer,
		Status: "error", Kind: subscription.QueryEvent, Events: 3, Fault: "It \"is\" down.", Told: []subscription.Event{
			{Number: 1, At: time.Unix(1, 0)},
			{Number: 2, At: time.Unix(2, 0), Kind: "update", Focus: fhir.Ref{Type: "Patient", ID: "p"}, Resource: []byte(`{"resourceType":"Patient","id":"p"}`)},
			{Number: 3, At: time.Unix(3, 0), Kind: "delete", Focus: fhir.Ref{Type: "Patient", ID: "q"}},
		},
	}
	history, err := n.History(time.Unix(4, 0))
	if err != nil {
		t.Fatal(err)
	}
	set, err := subscription.Searchset([]subscription.Notification{n})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{history, set} {
		r, issues := fhir.Parse(b, fhir.Limits{})
		if fhir.HasErrors(issues) || fhir.HasErrors(validate.Resource(r)) {
			t.Errorf("%v %v in %s", issues, validate.Resource(r), b)
		}
	}
	if r, _ := fhir.Parse(history, fhir.Limits{}); r == nil || r.Root().Member("entry").Len() != 3 {
		t.Errorf("entries in %s", history)
	}
}
