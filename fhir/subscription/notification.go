package subscription

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Kinds of a notification, and of the answers to $status and $events.
const (
	Handshake   = "handshake"
	Heartbeat   = "heartbeat"
	OfEvent     = "event-notification"
	QueryStatus = "query-status"
	QueryEvent  = "query-event"
)

// Event is one event as it is told.
type Event struct {
	Number   int64
	At       time.Time
	Focus    fhir.Ref // without version; zero: not told
	Kind     string   // create, update, delete
	Resource []byte   // complete JSON; nil: not told
}

// Notification tells how a Subscription stands, and of events.
type Notification struct {
	ID           string // of the status
	Base         string // FHIR base URL
	Subscription fhir.Ref
	Topic        string // "": not told
	Status       string
	Kind         string
	Events       int64  // numbered so far
	Fault        string // why it does not work; "" when it does
	Content      string // how much of events is told, one of Contents
	Told         []Event
}

type bundle struct {
	ResourceType string  `json:"resourceType"`
	Meta         *meta   `json:"meta,omitempty"`
	Type         string  `json:"type"`
	Timestamp    string  `json:"timestamp,omitempty"`
	Total        *int    `json:"total,omitempty"`
	Entry        []entry `json:"entry,omitempty"`
}

type meta struct {
	Profile []string `json:"profile"`
}

type entry struct {
	FullURL  string            `json:"fullUrl"`
	Resource json.RawMessage   `json:"resource,omitempty"`
	Search   map[string]string `json:"search,omitempty"`
	Request  *request          `json:"request,omitempty"`
	Response map[string]string `json:"response,omitempty"`
}

type request struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type status struct {
	ResourceType string      `json:"resourceType"`
	ID           string      `json:"id"`
	Meta         meta        `json:"meta"`
	Parameter    []parameter `json:"parameter"`
}

type parameter struct {
	Name      string            `json:"name"`
	Reference map[string]string `json:"valueReference,omitempty"`
	Canonical string            `json:"valueCanonical,omitempty"`
	Code      string            `json:"valueCode,omitempty"`
	String    string            `json:"valueString,omitempty"`
	Instant   string            `json:"valueInstant,omitempty"`
	Concept   map[string]string `json:"valueCodeableConcept,omitempty"`
	Part      []parameter       `json:"part,omitempty"`
}

const instant = "2006-01-02T15:04:05.000Z07:00"

// History renders a Bundle of type history: what is sent, and the answer to $events.
func (n Notification) History(at time.Time) ([]byte, error) {
	const op = "subscription.History"
	first, err := n.entry()
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	first.Request = &request{Method: "GET", URL: n.Base + "/" + n.Subscription.String() + "/$status"}
	first.Response = map[string]string{"status": "200"}
	out := bundle{
		ResourceType: "Bundle", Meta: &meta{Profile: []string{bundleProfile}}, Type: "history",
		Timestamp: at.UTC().Format(instant), Entry: []entry{first},
	}
	for _, e := range n.Told {
		if e.Resource != nil || e.Kind == "delete" && !e.Focus.IsZero() {
			out.Entry = append(out.Entry, n.focus(e))
		}
	}
	b, err := json.Marshal(out)
	return b, fhir.Wrap(op, err)
}

// Searchset renders the answer to $status.
func Searchset(all []Notification) ([]byte, error) {
	const op = "subscription.Searchset"
	total := len(all)
	out := bundle{ResourceType: "Bundle", Type: "searchset", Total: &total}
	for _, n := range all {
		one, err := n.entry()
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		one.Search = map[string]string{"mode": "match"}
		out.Entry = append(out.Entry, one)
	}
	b, err := json.Marshal(out)
	return b, fhir.Wrap(op, err)
}

// entry is the one that holds the status.
func (n Notification) entry() (entry, error) {
	s := status{ResourceType: "Parameters", ID: n.ID, Meta: meta{Profile: []string{statusProfile}}}
	s.Parameter = []parameter{{Name: "subscription", Reference: map[string]string{"reference": n.Base + "/" + n.Subscription.String()}}}
	if n.Topic != "" {
		s.Parameter = append(s.Parameter, parameter{Name: "topic", Canonical: n.Topic})
	}
	s.Parameter = append(s.Parameter, parameter{Name: "status", Code: n.Status}, parameter{Name: "type", Code: n.Kind},
		parameter{Name: "events-since-subscription-start", String: strconv.FormatInt(n.Events, 10)})
	for _, e := range n.Told {
		parts := []parameter{{Name: "event-number", String: strconv.FormatInt(e.Number, 10)}, {Name: "timestamp", Instant: e.At.UTC().Format(instant)}}
		if !e.Focus.IsZero() {
			parts = append(parts, parameter{Name: "focus", Reference: map[string]string{"reference": n.Base + "/" + e.Focus.String()}})
		}
		s.Parameter = append(s.Parameter, parameter{Name: "notification-event", Part: parts})
	}
	if n.Fault != "" {
		s.Parameter = append(s.Parameter, parameter{Name: "error", Concept: map[string]string{"text": n.Fault}})
	}
	body, err := json.Marshal(s)
	return entry{FullURL: "urn:uuid:" + n.ID, Resource: body}, err
}

// focus is the entry of a resource that changed, or of its deletion.
func (n Notification) focus(e Event) entry {
	how := map[string]struct{ method, url, status string }{
		"create": {"POST", string(e.Focus.Type), "201"},
		"update": {"PUT", e.Focus.String(), "200"},
		"delete": {"DELETE", e.Focus.String(), "204"},
	}[e.Kind]
	return entry{
		FullURL: n.Base + "/" + e.Focus.String(), Resource: e.Resource,
		Request: &request{Method: how.method, URL: how.url}, Response: map[string]string{"status": how.status},
	}
}
