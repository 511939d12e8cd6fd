package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// A row of a chain names persons and organisations by reference alone: that never changes, and keeps
// national identifiers out of a million rows. What NEN 7513 asks beside it (access.md 8) is added where
// a row is read by who must see it.

// named is what the log says of a reference beside it.
type named struct {
	name       string
	identifier *auditIdentifier
}

// wholeView completes a row for the compliance officer and for export: identifiers of the child, of the
// user and of the organisations, names, roles of staff, and the site.
func (l *logReader) wholeView(ev *loggedEvent) (*loggedEvent, bool, error) {
	out := *ev
	out.Agent = slices.Clone(ev.Agent)
	for i := range out.Agent {
		a := &out.Agent[i]
		n, err := l.identify(a.Who.ref())
		if err != nil {
			return nil, false, err
		}
		a.Who = n.on(a.Who)
		if !a.Requestor {
			continue
		}
		a.Name = cmp.Or(a.Name, n.name)
		roles, err := l.staffRoles(a.Who.ref())
		if err != nil {
			return nil, false, err
		}
		a.Role = slices.Concat(a.Role, roles)
	}
	out.Entity = slices.Clone(ev.Entity)
	for i := range out.Entity {
		if o := &out.Entity[i]; o.Role != nil && o.Role.Code == "1" {
			n, err := l.identify(o.What.ref())
			if err != nil {
				return nil, false, err
			}
			n.name = ""
			o.What = n.on(o.What)
		}
	}
	site, err := l.site()
	out.Source.Site = site
	return &out, true, err
}

// on returns who with what is known of it.
func (n named) on(who *auditWho) *auditWho {
	if who == nil || n.identifier == nil && n.name == "" {
		return who
	}
	out := *who
	if out.Identifier == nil {
		out.Identifier = n.identifier
	}
	out.Display = cmp.Or(out.Display, n.name)
	return &out
}

// ref is what who refers to, zero for what is no reference.
func (who *auditWho) ref() fhir.Ref {
	if who == nil {
		return fhir.Ref{}
	}
	ref, _ := fhir.ParseRef(who.Reference)
	return ref
}

// identify looks up what a reference is called and by which number it goes, once.
func (l *logReader) identify(ref fhir.Ref) (named, error) {
	ref = ref.Current()
	if n, known := l.kin.known[ref]; known || ref.IsZero() {
		return n, nil
	}
	var out named
	st, err := l.w.v.Read(ref)
	if err != nil && !missing(err) {
		return out, unavailable("exchange.log", "policy-unavailable", err)
	}
	if err == nil {
		r, err := tree(st)
		if err != nil {
			return out, err
		}
		out = named{name: nameIn(r.Root().Member("name")), identifier: numberOf(r.Root())}
	}
	if l.kin.known == nil {
		l.kin.known = map[fhir.Ref]named{}
	}
	l.kin.known[ref] = out
	return out, nil
}

// numbered are the types whose identifiers the log tells: staff and organisations by a public number, the
// child by the national one. A parent has a pseudonym (agent.altId).
var numbered = map[fhir.Type]func(system string) bool{
	"Patient": auth.IsNational, "Practitioner": isPublic, "PractitionerRole": isPublic, "Organization": isPublic,
}

// isPublic reports whether a system is no list of one sender's own.
func isPublic(system string) bool { return !strings.HasPrefix(system, fhir.Canonical) }

// numberOf is the identifier by which the log knows a resource, nil for none.
func numberOf(r fhir.Node) *auditIdentifier {
	fits, ok := numbered[fhir.Type(r.Member("resourceType").Text())]
	for id := range r.All("identifier") {
		system, value := id.Member("system").Text(), id.Member("value").Text()
		if ok && system != "" && value != "" && fits(system) {
			return &auditIdentifier{System: system, Value: value}
		}
	}
	return nil
}

// site is the number of the organisation that keeps the child's record.
func (l *logReader) site() (string, error) {
	c, err := l.w.child(l.child)
	if err != nil || c.Custodian().IsZero() {
		return "", err
	}
	n, err := l.identify(c.Custodian())
	if n.identifier == nil {
		return "", err
	}
	return n.identifier.Value, err
}

// Exported completes rows of the log for an officer of an organisation, in their order; zero: of all. A
// row for which another organisation answers is nil.
func (s *Service) Exported(ctx context.Context, rows []AuditRow, of fhir.Ref) ([][]byte, error) {
	const op = "exchange.Exported"
	out := make([][]byte, len(rows))
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		readers := map[string]*logReader{}
		for i := range rows {
			ev := loggedEvent{}
			if err := json.Unmarshal(rows[i].Body, &ev); err != nil {
				return fhir.Wrap(op, err)
			}
			if !of.IsZero() && ev.responsible() != of {
				continue
			}
			l, ok := readers[rows[i].Compartment]
			if !ok {
				l = &logReader{w: w, child: rows[i].Compartment}
				readers[l.child] = l
			}
			whole, _, err := l.wholeView(&ev)
			if err == nil {
				out[i], err = JSON(whole)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, fhir.Wrap(op, err)
}
