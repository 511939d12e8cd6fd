package exchange

import (
	"context"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// ConvertBack turns the resources of Bundles, taken together, into source documents of a schema. by
// names the source of what names none. Input that is no Bundle is Malformed or BadRequest, a schema
// that is not known Unsupported; what cannot be written is an issue.
func (s *Service) ConvertBack(bundles [][]byte, schema string, by mapping.Origin, limits fhir.Limits) (Conversion, error) {
	const op = "exchange.ConvertBack"
	var rs []*fhir.Resource
	for _, b := range bundles {
		bundle, issues := fhir.Parse(b, limits)
		if fhir.HasErrors(issues) {
			return Conversion{}, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
		}
		if bundle.Type() != bundleSchema {
			return Conversion{}, fhir.Errorf(fhir.BadRequest, op, "invalid", "convert-bundle", "The way back takes a Bundle; put the resources into one.")
		}
		some, err := entriesOf(bundle)
		if err != nil {
			return Conversion{}, err
		}
		rs = append(rs, some...)
	}
	format, err := s.schema(schema, "The parameter \"to\"")
	if err != nil {
		return Conversion{}, err
	}
	out, issues, err := format.Back(rs, by)
	return Conversion{Documents: out, Issues: issues}, fhir.Wrap(op, err)
}

// entriesOf returns the resources of a Bundle. References that name a fullUrl become those of the
// resource there; one without an id has that of its fullUrl.
func entriesOf(bundle *fhir.Resource) ([]*fhir.Resource, error) {
	const op = "exchange.entriesOf"
	var out []*fhir.Resource
	places := map[string]string{}
	for e := range bundle.Root().All("entry") {
		n, full := e.Member("resource"), e.Member("fullUrl").Text()
		if !n.Exists() {
			continue
		}
		r, issues := n.Detach()
		if fhir.HasErrors(issues) {
			for i := range issues {
				issues[i].Expression = n.Path()
			}
			return nil, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
		}
		id := full[strings.LastIndexAny(full, ":/")+1:]
		if r.ID() == "" && fhir.ValidID(id) {
			var err error
			if r, err = r.Edit(fhir.Edit{Path: []string{"id"}, JSON: strconv.Quote(id)}); err != nil {
				return nil, fhir.Wrap(op, err)
			}
		}
		if full != "" {
			places[full] = r.Ref().String()
		}
		out = append(out, r)
	}
	for i, r := range out {
		moved, err := r.MapReferences(func(to string) string {
			if here, ok := places[to]; ok {
				return here
			}
			return to
		})
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		out[i] = moved
	}
	return out, nil
}

// origin names the source system that a caller is: its organisation and its client.
func (s *Service) origin(ctx context.Context, p auth.Principal) (mapping.Origin, error) {
	by := mapping.Origin{Application: slug(p.Client), Name: p.ClientName}
	if by.Name == "" {
		by.Name = p.Client
	}
	if p.Organization.IsZero() {
		return by, nil
	}
	err := s.store.View(ctx, func(v Snapshot) error {
		st, err := v.Read(p.Organization)
		if missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := tree(st)
		if err != nil {
			return err
		}
		for id := range r.Root().All("identifier") {
			if id.Member("system").Text() == uraSystem {
				by.Organization = fhir.Identifier{System: uraSystem, Value: id.Member("value").Text()}
			}
		}
		return nil
	})
	return by, fhir.Wrap("exchange.origin", err)
}

// slug turns a client id into the name of an application: lower-case letters, digits and hyphens, at
// most 32.
func slug(client string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, client)
	return out[:min(len(out), 32)]
}
