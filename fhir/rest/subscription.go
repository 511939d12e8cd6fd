package rest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// subscriptionRoutes are the operations that Subscriptions alone have.
func (s *Server) subscriptionRoutes(r chi.Router) {
	for path, h := range map[string]handler{
		"/Subscription/$status": s.subscriptionStatuses, idPath + "/$status": s.subscriptionStatus, idPath + "/$events": s.subscriptionEvents,
	} {
		r.Get(path, s.handle(h))
		r.Post(path, s.handle(h))
	}
}

// subscriptionStatus serves GET and POST /Subscription/id/$status. That operation has parameters for the level
// of the type; they mean nothing here.
func (s *Server) subscriptionStatus(w http.ResponseWriter, r *http.Request) error {
	ref, c, _, err := s.reporting(w, r, "Subscription", "status", "id", "status")
	if err != nil {
		return err
	}
	body, err := s.Exchange.SubscriptionStatus(r.Context(), c, ref)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// subscriptionStatuses serves GET and POST /Subscription/$status.
func (s *Server) subscriptionStatuses(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.SearchType, "Subscription")
	if err != nil {
		return err
	}
	c.Operation = "status"
	query, err := inputs(r, []string{"id", "status"})
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.SearchType, "Subscription", err)
	}
	listed := func(name string) []string {
		return strings.FieldsFunc(strings.Join(query[name], ","), func(r rune) bool { return r == ',' })
	}
	body, err := s.Exchange.SubscriptionStatuses(r.Context(), c, listed("id"), listed("status"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// subscriptionEvents serves GET and POST /Subscription/id/$events.
func (s *Server) subscriptionEvents(w http.ResponseWriter, r *http.Request) error {
	ref, c, query, err := s.reporting(w, r, "Subscription", "events", "eventsSinceNumber", "eventsUntilNumber", "content")
	if err != nil {
		return err
	}
	var ask exchange.Catch
	if err := readParams(query, &ask, eventParams, "events-parameter",
		"$events takes eventsSinceNumber and eventsUntilNumber (numbers of events) and content (empty, id-only or full-resource), each once."); err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	body, err := s.Exchange.Events(r.Context(), c, ref, ask)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// eventParams are the parameters of $events; each reports whether it could read its value.
var eventParams = map[string]func(ask *exchange.Catch, value string) bool{
	"eventsSinceNumber": func(ask *exchange.Catch, value string) bool { return numberParam(&ask.Since, value) },
	"eventsUntilNumber": func(ask *exchange.Catch, value string) bool {
		return numberParam(&ask.Until, value) && ask.Until > 0
	},
	"content": func(ask *exchange.Catch, value string) bool {
		ask.Content = value
		return slices.Contains(subscription.Contents(), value)
	},
}

func numberParam(n *int64, value string) bool {
	v, err := strconv.ParseUint(value, 10, 53)
	*n = int64(v)
	return err == nil
}
