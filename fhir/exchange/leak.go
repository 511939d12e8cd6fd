package exchange

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
)

// leakEvent is the subtype of a Security Alert about a filter and a decision that disagree.
const leakEvent = "filter_leak"

// leaked notes what the filter of a query let through and the decision refuses: a fault of this server,
// by which nothing has left. The operator is told at once, and in the log with the row of the request.
func (e *event) leaked(s *Service, st Stored, d auth.Decision) {
	if slices.ContainsFunc(e.leaks, func(t touch) bool { return t.ref == st.Ref }) {
		return
	}
	s.meters.Leaked()
	s.log.Error("filter leak", "ref", st.Ref.String(), "reason", d.Reason, "request", e.call.RequestID)
	e.leaks = append(e.leaks, touch{ref: st.Ref, labels: st.Facts.Labels, domains: st.Facts.Domains, decision: d})
}

// leakAlerts is the Security Alert on what leaked. It stands in the chain of the operator: nobody had
// a look at the child.
func (e *event) leakAlerts(s *Service) []Audit {
	if len(e.leaks) == 0 {
		return nil
	}
	alert := *e
	alert.alert, alert.trouble = true, []auditCoding{{System: auditSubtype, Code: leakEvent}}
	return []Audit{alert.audit(s, SystemCompartment, e.leaks)}
}
