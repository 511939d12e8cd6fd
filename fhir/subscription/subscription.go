package subscription

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Canonical URLs of the Subscriptions R5 Backport.
const (
	backport      = "http://hl7.org/fhir/uv/subscriptions-backport/"
	structures    = backport + "StructureDefinition/"
	extFilter     = structures + "backport-filter-criteria"
	extContent    = structures + "backport-payload-content"
	extHeartbeat  = structures + "backport-heartbeat-period"
	extTimeout    = structures + "backport-timeout"
	bundleProfile = structures + "backport-subscription-notification-r4"
	statusProfile = structures + "backport-subscription-status-r4"

	// Profile is that of a topic-based Subscription.
	Profile = structures + "backport-subscription"
	// TopicExtension names a topic in a CapabilityStatement.
	TopicExtension = structures + "capabilitystatement-subscriptiontopic-canonical"
	// StatusOperation and EventsOperation define $status and $events.
	StatusOperation = backport + "OperationDefinition/backport-subscription-status"
	EventsOperation = backport + "OperationDefinition/backport-subscription-events"
)

// What a notification carries.
const (
	Empty  = "empty"
	IDOnly = "id-only"
	Full   = "full-resource"
)

// Contents are what a notification can carry; the first is the default.
func Contents() []string { return []string{IDOnly, Empty, Full} }

// Status of a Subscription in R4.
const (
	Requested = "requested"
	Active    = "active"
	Error     = "error"
	Off       = "off"
)

// HiddenHeader stands in place of the value of a header: those are never shown again. Sent back, it keeps
// the value that is stored.
const HiddenHeader = "(kept)"

// Bounds of a channel.
const (
	maxHeaders     = 10
	maxHeaderBytes = 4096
	maxFilters     = 10
	maxValues      = 50
	minHeartbeat   = 10 * time.Second
	maxHeartbeat   = 7 * 24 * time.Hour
	maxTimeout     = time.Minute
	defaultTimeout = 10 * time.Second
)

// Subscription is what one asks for.
type Subscription struct {
	Status    string
	Topic     Topic
	Filters   []Filter // all of them hold
	Endpoint  string
	MediaType string
	Content   string   // one of Contents
	Headers   []Header // as they stand in the resource
	Heartbeat time.Duration
	Timeout   time.Duration
	End       time.Time // zero: without end
}

// Header is one header of a notification's request.
type Header struct{ Name, Value string }

// reading gathers what a Subscription says, and what is wrong with it.
type reading struct {
	base   string
	out    Subscription
	issues []fhir.Issue
}

// Read reads a Subscription that is valid R4. base is the FHIR base URL, by which references may be absolute.
// The issues are errors: what it asks for and this server does not do.
func Read(r *fhir.Resource, base string) (Subscription, []fhir.Issue) {
	g := &reading{base: base + "/"}
	root := r.Root()
	g.out.Status = root.Member("status").Text()
	g.topic(root)
	g.channel(root.Member("channel"))
	g.end(root.Member("end"))
	return g.out, g.issues
}

func (g *reading) fault(rule, expression, format string, args ...any) {
	g.issues = append(g.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: "business-rule", Expression: "Subscription." + expression, Diagnostics: rule,
		Text: fmt.Sprintf(format, args...),
	})
}

func (g *reading) topic(root fhir.Node) {
	t, ok := topicOf(root.Member("criteria").Text())
	if !ok {
		var urls []string
		for _, t := range Topics() {
			urls = append(urls, t.URL)
		}
		g.fault("subscription-topic", "criteria", "Name one of the topics of this server in criteria: %s.", strings.Join(urls, ", "))
		return
	}
	g.out.Topic = t
	for ext := range root.All("_criteria", "extension") {
		if ext.Member("url").Text() == extFilter {
			g.filter(ext.Member("valueString").Text())
		}
	}
	if len(g.out.Filters) > maxFilters {
		g.fault("subscription-filter", "criteria", "At most %d conditions; ask for more with a second Subscription.", maxFilters)
	}
}

// filter reads the conditions of one extension, such as "Task?status=requested&owner=Organization/x".
func (g *reading) filter(text string) {
	t := g.out.Topic
	kind, query, _ := strings.Cut(text, "?")
	values, err := url.ParseQuery(query)
	if kind != string(t.Type) || err != nil || len(values) == 0 {
		g.fault("subscription-filter", "criteria", "A filter of this topic has the form %s?%s=….", t.Type, t.Filters[0])
		return
	}
	for param, lists := range values {
		if !slices.Contains(t.Filters, param) {
			g.fault("subscription-filter", "criteria", "This topic is filtered by %s, without modifiers.", strings.Join(t.Filters, ", "))
			return
		}
		for _, list := range lists {
			f := Filter{Param: param}
			for v := range strings.SplitSeq(list, ",") {
				f.Values = append(f.Values, g.value(param, v))
			}
			if slices.Contains(f.Values, "") || len(f.Values) > maxValues {
				g.fault("subscription-filter", "criteria", "A filter names up to %d codes or references, with commas between them; an owner with its type, such as Organization/x.", maxValues)
				return
			}
			g.out.Filters = append(g.out.Filters, f)
		}
	}
}

// value reads one value of a filter as the facts have it; "" when it is none.
func (g *reading) value(param, text string) string {
	if param == "status" {
		return text[strings.LastIndexByte(text, '|')+1:]
	}
	text = strings.TrimPrefix(text, g.base)
	if param == "patient" && !strings.Contains(text, "/") {
		text = "Patient/" + text
	}
	ref, ok := fhir.ParseRef(text)
	if !ok || ref.Version != 0 || param == "patient" && ref.Type != "Patient" {
		return ""
	}
	return ref.String()
}

func (g *reading) channel(ch fhir.Node) {
	if ch.Member("type").Text() != "rest-hook" {
		g.fault("subscription-channel", "channel.type", "This server tells by rest-hook alone.")
	}
	if g.out.Endpoint = ch.Member("endpoint").Text(); g.out.Endpoint == "" {
		g.fault("subscription-endpoint", "channel.endpoint", "Say where the notifications go: an https URL.")
	}
	g.out.MediaType = cmp.Or(ch.Member("payload").Text(), "application/fhir+json")
	if g.out.MediaType != "application/fhir+json" && g.out.MediaType != "application/json" {
		g.fault("subscription-payload", "channel.payload", "Notifications are application/fhir+json, or application/json.")
	}
	g.out.Content = IDOnly
	for ext := range ch.All("_payload", "extension") {
		if ext.Member("url").Text() == extContent {
			g.out.Content = ext.Member("valueCode").Text()
		}
	}
	if !slices.Contains(Contents(), g.out.Content) {
		g.fault("subscription-payload", "channel.payload", "The content of a notification is one of %s.", strings.Join(Contents(), ", "))
	}
	g.out.Timeout = defaultTimeout
	for ext := range ch.All("extension") {
		switch ext.Member("url").Text() {
		case extHeartbeat:
			g.out.Heartbeat = g.seconds(ext, "backport-heartbeat-period", minHeartbeat, maxHeartbeat)
		case extTimeout:
			g.out.Timeout = g.seconds(ext, "backport-timeout", time.Second, maxTimeout)
		}
	}
	g.headers(ch)
}

// seconds reads an extension of a number of seconds.
func (g *reading) seconds(ext fhir.Node, name string, least, most time.Duration) time.Duration {
	n, err := strconv.Atoi(ext.Member("valueUnsignedInt").Text())
	d := time.Duration(n) * time.Second
	if err != nil || n > int(most.Seconds()) || d < least {
		g.fault("subscription-channel", "channel.extension", "%s is a number of seconds from %d to %d.", name, int(least.Seconds()), int(most.Seconds()))
	}
	return d
}

// reservedHeaders are the server's own, or change how a request is read.
var reservedHeaders = map[string]bool{
	"accept-encoding": true, "connection": true, "content-encoding": true, "content-length": true, "content-type": true, "expect": true,
	"host": true, "keep-alive": true, "proxy-authorization": true, "te": true, "trailer": true, "transfer-encoding": true,
	"upgrade": true, "user-agent": true,
}

func (g *reading) headers(ch fhir.Node) {
	for n := range ch.All("header") {
		name, value, found := strings.Cut(n.Text(), ":")
		value = strings.TrimSpace(value)
		if !found || !isToken(name) || !isPrintable(value) ||
			len(value) > maxHeaderBytes || reservedHeaders[strings.ToLower(name)] {
			g.fault("subscription-header", "channel.header", "A header has the form Name: value, and is none that belongs to the request itself, such as Host or Content-Type.")
			return
		}
		g.out.Headers = append(g.out.Headers, Header{Name: name, Value: value})
	}
	if len(g.out.Headers) > maxHeaders {
		g.fault("subscription-header", "channel.header", "At most %d headers.", maxHeaders)
	}
}

// isToken reports whether s is the name of a header (RFC 9110).
func isToken(s string) bool {
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func isPrintable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func (g *reading) end(n fhir.Node) {
	if !n.Exists() {
		return
	}
	at, err := time.Parse(time.RFC3339, n.Text())
	if err != nil { // a valid instant has this form
		g.fault("subscription-end", "end", "The end is an instant with an offset, such as 2027-01-01T00:00:00Z.")
	}
	g.out.End = at
}
