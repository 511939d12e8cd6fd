package store

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Versions implements exchange.Lookups.
func (s *snapshot) Versions(compartment string, types ...fhir.Type) ([]fhir.Ref, error) {
	const op = "store.Versions"
	names, values := map[int64]fhir.Type{}, args(compartment)
	for _, t := range types {
		n, err := s.lookup(string(t))
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		names[n], values = t, append(values, n)
	}
	if len(types) == 0 {
		return nil, nil
	}
	var out []fhir.Ref
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		var typ int64
		var ref fhir.Ref
		err := scan(&typ, &ref.ID, &ref.Version)
		ref.Type = names[typ]
		out = append(out, ref)
		return err
	}, `SELECT h.type,h.id,h.ver FROM resource_head h
		WHERE h.comp=(SELECT comp FROM epoch WHERE name=?) AND h.type IN (?`+strings.Repeat(`,?`, len(types)-1)+`) AND h.deleted=FALSE`, values...)
	return out, fhir.Wrap(op, err)
}
