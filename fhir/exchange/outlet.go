package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// Outlet is how subscribers are reached. Every member is required.
type Outlet struct {
	// Allowed reports whether notifications may be sent to a URL, as far as its text tells.
	Allowed func(url string) bool
	// Post sends a message. An error is an Undelivered, unless ctx has ended.
	Post func(ctx context.Context, m Message) error
	// Client returns a client as its registration stands now, with the purpose that it once had a token for.
	// Its State is TokenInvalid when it may do nothing, or no longer for this purpose.
	Client func(ctx context.Context, id, purpose string) (auth.Principal, error)
	// Seal keeps v unreadable where it is stored, and Open reads it again; label separates what is sealed.
	Seal func(label string, v any) ([]byte, error)
	Open func(label string, sealed []byte, v any) error
}

// Message is one notification on its way.
type Message struct {
	URL       string
	Headers   []subscription.Header
	MediaType string
	Body      []byte
	Timeout   time.Duration // of the whole exchange
}

// Undelivered says why a message was not accepted.
type Undelivered struct {
	Reason string // a code of undeliveredTexts
	Left   bool   // something of it may have arrived
}

// Reasons of Undelivered. A status is that of the answer; every other reason left no answer.
const (
	UnreachableReceiver = "unreachable"
	RefusedAddress      = "address"
	SlowReceiver        = "timeout"
	RefusedMessage      = "status"
)

// Reasons for which nothing was sent: the client may do nothing, the headers do not open.
const (
	inactiveClient = "client"
	sealedHeaders  = "headers"
)

// Error implements error without naming the receiver.
func (u Undelivered) Error() string { return "not delivered: " + u.Reason }

// undeliveredTexts say on the Subscription what is wrong.
var undeliveredTexts = map[string]string{
	UnreachableReceiver: "The receiver cannot be reached: no connection, or its certificate is not valid.",
	RefusedAddress:      "The address of the receiver may not be called by this server.",
	SlowReceiver:        "The receiver did not answer in time.",
	RefusedMessage:      "The receiver did not answer with a 2xx status.",
	sealedHeaders:       "The headers cannot be opened with the secret of this server; write the Subscription with their values again.",
	inactiveClient:      "The client that subscribed is disabled, or no longer of this organisation or purpose.",
}
