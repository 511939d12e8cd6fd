package exchange

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Registration is an organisation that the operator registers.
type Registration struct {
	Identifier fhir.Identifier
	Name       string            // "": kept
	NameIfNew  string            // name of an organisation that is not stored yet
	Types      []fhir.Identifier // system and code; none: kept
}

// uraSystem is the naming system of URA numbers, whose organisations share their ids with the
// mappings (mks.md 3.1).
const uraSystem = "http://fhir.nl/fhir/NamingSystem/ura"

// RegisterOrganization creates or updates the Organization of an identifier as the operator's act,
// audited, and returns its reference. Nothing is written when all is as it was.
func (s *Service) RegisterOrganization(ctx context.Context, reg Registration) (fhir.Ref, error) {
	return again(s, func() (fhir.Ref, error) { return s.registerOnce(ctx, reg) })
}

// OrganizationName returns the name of a stored organisation for the operator, "" when it has none.
// NotFound when there is no such organisation.
func (s *Service) OrganizationName(ctx context.Context, ref fhir.Ref) (string, error) {
	const op = "exchange.OrganizationName"
	name := ""
	err := s.store.View(ctx, func(v Snapshot) error {
		st, err := v.Read(ref)
		if err != nil {
			return err
		}
		r, err := tree(st)
		if err == nil {
			name = r.Root().Member("name").Text()
		}
		return err
	})
	return name, fhir.Wrap(op, err)
}

// OrganizationOf returns the stored organisation of an identifier, "system|value". NotFound when there is
// none.
func (s *Service) OrganizationOf(ctx context.Context, identifier string) (fhir.Ref, error) {
	const op = "exchange.OrganizationOf"
	system, value, _ := strings.Cut(identifier, "|")
	var ref fhir.Ref
	err := s.store.View(ctx, func(v Snapshot) error {
		found, err := identified(v, "Organization", fhir.Identifier{System: system, Value: value})
		if err == nil && len(found) == 0 {
			return fhir.Errorf(fhir.NotFound, op, "not-found", "organization", "There is no organisation with this identifier.")
		}
		if err == nil {
			ref = found[0].Ref.Current()
		}
		return err
	})
	return ref, fhir.Wrap(op, err)
}

func (s *Service) registerOnce(ctx context.Context, reg Registration) (fhir.Ref, error) {
	const op = "exchange.RegisterOrganization"
	c := Call{Principal: auth.Principal{Role: auth.Admin, Client: "operator", Purpose: "HSYSADMIN"}}
	e := s.event(c, auth.Update, "Organization")
	var ref fhir.Ref
	var unit Unit
	err := s.store.View(ctx, func(v Snapshot) error {
		d := s.world(v).draft()
		k := &known{v: v}
		r, err := registered(k, reg)
		if err != nil {
			return err
		}
		ref = r.Ref()
		prior, err := d.stored(ref)
		if err != nil {
			return err
		}
		own := prior != nil && prior.Facts.Custodian == ref
		if same, err := unchanged(r, prior); same && own || err != nil {
			return err
		}
		w, err := d.put(r, prior, ref, ref)
		if err != nil {
			return err
		}
		w.Facts.Custodian, w.Facts.Author = ref, ref // no longer of whoever named it first
		d.unit.Relied = k.relied
		d.add(w)
		e.wrote(w, auth.Decision{Permit: true, Reason: "permit-directory"})
		unit = d.unit
		return d.faults(op)
	})
	if err != nil || len(unit.Writes) == 0 {
		return ref, fhir.Wrap(op, err)
	}
	unit.Audits = e.audits(s)
	_, err = s.store.Commit(ctx, unit)
	return ref, fhir.Wrap(op, err)
}

// registered returns the Organization as it is to be.
func registered(k *known, reg Registration) (*fhir.Resource, error) {
	found, err := k.Identified("Organization", reg.Identifier)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return newOrganization(reg)
	}
	var edits []fhir.Edit
	if reg.Name != "" {
		name, err := json.Marshal(reg.Name)
		if err != nil {
			return nil, err
		}
		edits = append(edits, fhir.Edit{Path: []string{"name"}, JSON: string(name)})
	}
	for _, t := range reg.Types {
		if slices.Contains(codingsOf(found[0].Resource.Root(), "type"), t) {
			continue
		}
		concept, err := json.Marshal(conceptOf(t))
		if err != nil {
			return nil, err
		}
		edits = append(edits, fhir.Edit{Path: []string{"type"}, Append: true, JSON: string(concept)})
	}
	if len(edits) == 0 {
		return found[0].Resource, nil
	}
	return found[0].Resource.Edit(edits...)
}

func newOrganization(reg Registration) (*fhir.Resource, error) {
	key := "Organization/" + reg.Identifier.String()
	if reg.Identifier.System == uraSystem {
		key = "Organization/ura/" + reg.Identifier.Value
	}
	o := organization{
		ResourceType: "Organization", ID: mapping.ID(key), Active: true, Name: reg.Name,
		Identifier: []auditIdentifier{{System: reg.Identifier.System, Value: reg.Identifier.Value}},
	}
	if o.Name == "" {
		o.Name = reg.NameIfNew
	}
	for _, t := range reg.Types {
		o.Type = append(o.Type, conceptOf(t))
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	r, issues := fhir.Parse(b, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Unprocessable, Op: "exchange.newOrganization", Issues: issues}
	}
	return r, nil
}

type organization struct {
	ResourceType string            `json:"resourceType"`
	ID           string            `json:"id"`
	Identifier   []auditIdentifier `json:"identifier"`
	Active       bool              `json:"active"`
	Type         []auditConcept    `json:"type,omitempty"`
	Name         string            `json:"name,omitempty"`
}

func conceptOf(t fhir.Identifier) auditConcept { return concept(t.System, t.Value) }

// codingsOf returns the codings of a member of CodeableConcepts.
func codingsOf(n fhir.Node, member string) []fhir.Identifier {
	var out []fhir.Identifier
	for c := range n.All(member, "coding") {
		out = append(out, fhir.Identifier{System: c.Member("system").Text(), Value: c.Member("code").Text()})
	}
	return out
}

// bears reports whether a resource has a business identifier.
func bears(r *fhir.Resource, id fhir.Identifier) bool {
	for n := range r.Root().All("identifier") {
		if n.Member("system").Text() == id.System && n.Member("value").Text() == id.Value {
			return true
		}
	}
	return false
}
