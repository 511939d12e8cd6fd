package exchange

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/subscription"
)

// subscribing is one write of a Subscription that passed the ordinary decision.
type subscribing struct {
	*following
	write *Write
	prior *Stored // nil: there was none, or it was deleted
	was   *fhir.Resource
	now   *fhir.Resource
	sub   subscription.Subscription
	told  *told
	kept  Setting
}

// subscription holds a Subscription to what this server does (access.md 5, 6.1), and begins it: its status is
// the server's, its headers are sealed, and its subscriber is the client that wrote it last.
func (f *following) subscription(w *Write) error {
	if len(w.Body) == 0 { // Deliver forgets what is kept of it
		return nil
	}
	g := &subscribing{following: f, write: w}
	var err error
	if g.prior, g.was, err = f.before(w); err != nil {
		return err
	}
	if g.now, err = treeOf(written(w)); err != nil {
		return err
	}
	if g.told, g.kept, err = toldOf(f.v, w.Ref.ID); err != nil {
		return err
	}
	if g.told == nil {
		g.told = &told{}
	}
	if g.was == nil {
		if err := g.anew(); err != nil {
			return err
		}
	}
	if err := g.admit(); err != nil || f.refused != nil {
		return err
	}
	return g.begin()
}

// anew forgets what was told by a Subscription that had the id before.
func (g *subscribing) anew() error {
	g.told = &told{Fresh: g.write.Ref.Version}
	if g.kept.Value == nil {
		return nil
	}
	old, err := g.v.Settings(eventsOf(g.write.Ref.ID), "", keptEvents+1)
	for _, set := range old {
		g.unit.Settings = append(g.unit.Settings, Setting{Key: set.Key})
	}
	return err
}

// admit judges who subscribes, and to what. Others of the organisation may end a Subscription.
func (g *subscribing) admit() error {
	g.sub.Status = g.now.Root().Member("status").Text()
	system, ends := g.p.Role == auth.System && !g.p.Organization.IsZero(), g.was != nil && g.sub.Status == subscription.Off
	if !system {
		if !ends {
			g.deny(auth.Decision{HTTP: 403, Step: "write", Reason: "subscription-client"})
		}
		g.now = g.was // nothing else of it changes
		return nil
	}
	var issues []fhir.Issue
	g.sub, issues = subscription.Read(g.now, g.w.s.base)
	if issues = append(issues, g.reachable()...); len(issues) == 0 && g.was == nil {
		var err error
		if issues, err = g.room(); err != nil {
			return err
		}
	}
	if len(issues) > 0 {
		g.refuse(g.prior, issues)
		return nil
	}
	needs := []auth.Interaction{auth.Notify}
	if len(g.sub.Filters) > 0 {
		needs = append(needs, auth.SearchType)
	}
	for _, i := range needs {
		d, err := g.w.decide(g.p, auth.Action{Interaction: i, Type: g.sub.Topic.Type}, nil)
		if err != nil {
			return err
		}
		if !d.Permit {
			g.deny(d)
			return nil
		}
	}
	return nil
}

// deny refuses the write with a decision that may be told.
func (g *subscribing) deny(d auth.Decision) {
	g.event.refused(d, g.prior)
	g.refused = refusal("exchange.subscription", d)
}

// maxSubscriptions is how many an organisation may have.
const maxSubscriptions = 50

// room judges whether the organisation may have one more.
func (g *subscribing) room() ([]fhir.Issue, error) {
	all, err := g.v.Heads(g.write.Compartments[0], "Subscription")
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for i := range all {
		if all[i].Custodian == g.p.Organization {
			live[all[i].Ref.ID] = true
		}
	}
	for _, w := range g.unit.Writes { // with this one, and one that was deleted and comes back
		if w.Ref.Type == "Subscription" && len(w.Body) > 0 {
			live[w.Ref.ID] = true
		}
	}
	if len(live) > maxSubscriptions {
		return subscriptionFault("subscription-many", "", fmt.Sprintf("Your organisation would have more than %d Subscriptions; delete those that it does not need.", maxSubscriptions)), nil
	}
	return nil, nil
}

func subscriptionFault(rule, place, text string) []fhir.Issue {
	return []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "business-rule", Expression: "Subscription" + place, Diagnostics: rule, Text: text,
	}}
}

// reachable judges where the notifications would go, and when they would end.
func (g *subscribing) reachable() []fhir.Issue {
	switch out := g.w.s.outlet; {
	case out == nil:
		return subscriptionFault("subscription-off", ".channel", "This server tells nobody of changes.")
	case g.sub.Endpoint != "" && !out.Allowed(g.sub.Endpoint):
		return subscriptionFault("subscription-endpoint", ".channel.endpoint",
			"Notifications go to an https URL without user and fragment; http is for a server and a receiver on loopback.")
	case g.sub.Status != subscription.Off && !g.sub.End.IsZero() && !g.sub.End.After(g.w.now):
		return subscriptionFault("subscription-end", ".end", "The end has passed; leave it out, or name a later one.")
	}
	return nil
}

// begin makes the Subscription wait for its receiver, or ends it.
func (g *subscribing) begin() error {
	edits := statusEdits(subscription.Off, "")
	if g.sub.Status != subscription.Off {
		edits = statusEdits(subscription.Requested, "")
		if g.was != nil && g.was.Root().Member("status").Text() == subscription.Off && !g.told.Stopped {
			g.told.Fresh = g.write.Ref.Version // what happened while it was off is not wanted
		}
		g.told.begin()
	}
	if g.p.Role == auth.System {
		g.told.Client, g.told.Organization = g.p.Client, g.p.Organization.String()
		g.told.Scopes, g.told.Purpose = g.p.Scopes.String(), g.p.Purpose
		headers, known, err := g.headers()
		if err != nil || !known {
			return err
		}
		edits = append(edits, headers)
	}
	r, err := g.now.Edit(edits...)
	if err != nil {
		return err
	}
	last, err := g.stored(g.write.Ref.Current())
	if err != nil {
		return err
	}
	w, err := g.ruled(r, last, g.write.Facts.Custodian)
	if err != nil {
		return err
	}
	*g.write = w
	set, err := g.told.setting(w.Ref.ID)
	if err != nil {
		return err
	}
	g.unit.Settings = append(g.unit.Settings, set)
	g.unit.Relied = append(g.unit.Relied, Reliance{Setting: &g.kept})
	return nil
}

// headers seals the headers, and returns the edit that hides their values. A value that was hidden before is
// the stored one, as long as it goes to the same address: else whoever may write could have it sent to himself.
func (g *subscribing) headers() (fhir.Edit, bool, error) {
	edit := fhir.Edit{Path: []string{"channel", "header"}}
	id := g.write.Ref.ID
	var stored, now []subscription.Header
	same := g.was != nil && g.was.Root().At("channel", "endpoint").Text() == g.sub.Endpoint
	if len(g.told.Headers) > 0 && (!same || g.w.s.outlet.Open(toldPrefix+id, g.told.Headers, &stored) != nil) {
		stored = nil // sealed under another secret, or for another address: the values are needed again
	}
	var shown []string
	for _, h := range g.sub.Headers {
		if h.Value == subscription.HiddenHeader {
			i := slices.IndexFunc(stored, func(s subscription.Header) bool { return strings.EqualFold(s.Name, h.Name) })
			if i < 0 {
				g.refuse(g.prior, subscriptionFault("subscription-header", ".channel.header", "No value is kept for this header at this address; send it."))
				return edit, false, nil
			}
			h = stored[i]
		}
		now = append(now, h)
		shown = append(shown, h.Name+": "+subscription.HiddenHeader)
	}
	if g.told.Headers = nil; len(now) == 0 {
		return edit, true, nil
	}
	var err error
	if g.told.Headers, err = g.w.s.outlet.Seal(toldPrefix+id, now); err != nil {
		return edit, false, err
	}
	text, err := json.Marshal(shown)
	edit.JSON = string(text)
	return edit, true, err
}
