package rest

import (
	"net/http"
	"strconv"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Headers by which overlap between organisations is told and acknowledged (coordination.md 5.3, 6).
const (
	issueHeader = "X-Coordination-Issue"
	ackHeader   = "X-Coordination-Ack"
)

// foundHeaders name the issues that a change brought, where no OperationOutcome tells of them.
func foundHeaders(w http.ResponseWriter, r *http.Request, out exchange.Done) {
	if preferred(r) == "OperationOutcome" {
		return
	}
	for _, ref := range out.Found {
		w.Header().Add(issueHeader, ref.String())
	}
}

// Weeks of $load, when none are asked for and at most.
const (
	standardWeeks = 8
	mostWeeks     = 52
)

// load serves GET and POST /Patient/id/$load.
func (s *Server) load(w http.ResponseWriter, r *http.Request) error {
	ref, c, query, err := s.reporting(w, r, "Patient", "load", "weeks")
	if err != nil {
		return err
	}
	weeks := standardWeeks
	if query.Has("weeks") {
		weeks, err = strconv.Atoi(query.Get("weeks"))
		if err != nil || weeks < 1 || weeks > mostWeeks || len(query["weeks"]) > 1 {
			return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, fhir.Errorf(fhir.BadRequest, "rest.load", "value", "operation-parameter",
				"Give weeks once, from 1 to %d.", mostWeeks))
		}
	}
	out, err := s.Exchange.Load(r.Context(), c, ref, weeks, query)
	if err != nil {
		return err
	}
	p := parameters{ResourceType: "Parameters"}
	for _, week := range out.Weeks {
		p.Parameter = append(p.Parameter, parameter{Name: "week", Part: []parameter{
			{Name: "monday", Date: week.Monday}, {Name: "starts", Int: &week.Starts}, {Name: "minutes", Int: &week.Minutes},
			{Name: "appointments", Int: &week.Appointments}, {Name: "orgs", Int: &week.Orgs}, {Name: "unknownMinutes", Int: &week.UnknownMinutes},
		}})
	}
	if out.Share {
		word := "within"
		if out.Over {
			word = "over"
		}
		p.Parameter = append(p.Parameter, parameter{Name: "over", Code: word})
	} else {
		p.Parameter = append(p.Parameter, parameter{Name: "limit", Int: &out.Limit}, parameter{Name: "over", Bool: &out.Over})
	}
	return writeParameters(w, p)
}
