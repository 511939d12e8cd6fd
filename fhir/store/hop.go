package store

import (
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/search"
)

// hops adds the condition that some hop of a clause leads to a resource that meets it and passes
// the filter of its type.
func (s *snapshot) hops(q *query, c *search.Clause) error {
	q.add(`(FALSE`)
	for i := range c.Hops {
		hop := &c.Hops[i]
		f := q.world.filter(hop.Type)
		there, err := s.lookup(string(hop.Type))
		if err != nil {
			return err
		}
		if f.None || there < 0 {
			continue
		}
		if hop.Back == "" {
			err = s.forward(q, c.Param, hop, there, &f)
		} else {
			err = s.back(q, hop, there, &f)
		}
		if err != nil {
			return err
		}
	}
	q.add(`)`)
	return nil
}

// forward follows a reference parameter of the head to resources of one type.
func (s *snapshot) forward(q *query, name string, hop *search.Hop, there int64, f *auth.Filter) error {
	param, err := s.lookup(name)
	if err != nil {
		return err
	}
	to := q.behind(hop.Type)
	h, next := q.h(), to.h()
	q.add(` OR EXISTS (SELECT 1 FROM idx r CROSS JOIN locate l ON l.type=? AND l.id=r.val
		CROSS JOIN resource_head `+next+` ON `+next+`.type=l.type AND `+next+`.rid=l.rid
		WHERE r.comp=`+h+`.comp AND r.rid=`+h+`.rid AND r.param=? AND r.sys=? AND `, there, param, there)
	if err := s.meets(to, hop, there, f); err != nil {
		return err
	}
	q.add(to.sql.String()+`)`, to.args...)
	return nil
}

// meets adds what the resource behind a hop must be: there, visible, and as the hop says.
func (s *snapshot) meets(to *query, hop *search.Hop, there int64, f *auth.Filter) error {
	arms, err := s.arms(to, there, f)
	if err != nil {
		return err
	}
	to.add(to.h() + `.deleted=FALSE AND `)
	passing := join(arms, `(FALSE OR `, ` OR `, `)`)
	if len(arms) == 0 {
		passing = &query{}
		passing.add(`FALSE`)
	}
	to.add(passing.sql.String(), passing.args...)
	if err := s.limits(to, f); err != nil {
		return err
	}
	to.add(` AND `)
	return s.clause(to, &hop.Where)
}

// back finds the resources of one type that refer to the head. Those that refer to a patient are in
// its compartment, or are strays that gidx knows of; for all else the referring resources that the
// filter lets pass are looked at once.
func (s *snapshot) back(q *query, hop *search.Hop, there int64, f *auth.Filter) error {
	param, err := s.lookup(hop.Back)
	if err != nil {
		return err
	}
	here, err := s.lookup(string(q.typ))
	if err != nil {
		return err
	}
	if pinsPatient(hop.Back) || q.typ == patientType {
		return s.backInCompartment(q, hop, param, here, there, f)
	}
	return s.backInAll(q, hop, param, here, there, f)
}

func (s *snapshot) backInCompartment(q *query, hop *search.Hop, param, here, there int64, f *auth.Filter) error {
	to := q.behind(hop.Type)
	h, next := q.h(), to.h()
	if err := s.meets(to, hop, there, f); err != nil {
		return err
	}
	refers := ` CROSS JOIN idx r ON r.comp=` + next + `.comp AND r.rid=` + next + `.rid AND r.param=? AND r.sys=? AND r.val=` + h + `.id WHERE `
	if err := unhidden(to, hop); err != nil {
		return err
	}
	q.add(` OR EXISTS (SELECT 1 FROM resource_head `+next+refers+next+`.comp=(SELECT comp FROM epoch WHERE name=`+h+`.id) AND `+next+`.type=? AND `,
		param, here, there)
	q.add(to.sql.String()+`)`, to.args...)
	q.add(` OR EXISTS (SELECT 1 FROM gidx g CROSS JOIN resource_head `+next+` ON `+next+`.comp=g.comp AND `+next+`.type=g.type AND `+next+`.rid=g.rid`+
		refers+`g.type=? AND g.param=? AND g.sys=0 AND g.val=`+h+`.id AND `, param, here, there, gidxStray)
	q.add(to.sql.String()+`)`, to.args...)
	return nil
}

func (s *snapshot) backInAll(q *query, hop *search.Hop, param, here, there int64, f *auth.Filter) error {
	to := q.behind(hop.Type)
	h, next := q.h(), to.h()
	arms, err := s.arms(to, there, f)
	if err != nil || len(arms) == 0 {
		return err
	}
	if err := s.limits(to, f); err != nil {
		return err
	}
	to.add(` AND `)
	if err := s.clause(to, &hop.Where); err != nil {
		return err
	}
	if err := unhidden(to, hop); err != nil {
		return err
	}
	q.add(` OR ` + h + `.rid IN (`)
	for i, arm := range arms {
		if i > 0 {
			q.add(` UNION ALL `)
		}
		q.add(`SELECT l.rid FROM resource_head `+next+` CROSS JOIN idx r ON r.comp=`+next+`.comp AND r.rid=`+next+`.rid AND r.param=? AND r.sys=?
			CROSS JOIN locate l ON l.type=? AND l.id=r.val WHERE `+next+`.type=? AND `+next+`.deleted=FALSE AND `, param, here, here, there)
		q.add(arm.sql.String(), arm.args...)
		q.add(to.sql.String(), to.args...)
	}
	q.add(`)`)
	return nil
}

// unhidden leaves out the resources whose references are withheld.
func unhidden(to *query, hop *search.Hop) error {
	if len(hop.Hidden) == 0 {
		return nil
	}
	to.add(` AND `)
	return except(to, to.h(), hop.Hidden)
}

// maxTargets is how many patients a chain may lead to for the search to be kept to their
// compartments; with more it is not worth it.
const maxTargets = 200

// hopTargets returns the patients to which a chain leads; false when it leads elsewhere, or to many.
func (s *snapshot) hopTargets(q *query, c *search.Clause) ([]string, bool, error) {
	if slices.ContainsFunc(c.Hops, func(hop search.Hop) bool { return hop.Back != "" || hop.Type != patientType }) {
		return nil, false, nil
	}
	var ids []string
	for i := range c.Hops {
		more, err := s.targets(q, &c.Hops[i])
		if err != nil {
			return nil, false, err
		}
		ids = append(ids, more...)
	}
	return ids, len(ids) <= maxTargets, nil
}

// targets returns the ids of the resources that a hop may lead to, up to one more than maxTargets.
func (s *snapshot) targets(q *query, hop *search.Hop) ([]string, error) {
	f := q.world.filter(hop.Type)
	typ, err := s.lookup(string(hop.Type))
	if err != nil {
		return nil, err
	}
	plan := search.Plan{Type: hop.Type, Where: []search.Clause{hop.Where}}
	sel, ok, err := s.selected(&query{typ: hop.Type, world: q.world}, typ, plan, &f)
	if err != nil || !ok {
		return nil, err
	}
	var ids []string
	for _, arm := range sel.arms {
		one := join([]*query{sel.where, arm}, `SELECT h.id FROM resource_head h WHERE `, ` AND `, ` LIMIT `)
		one.add(`?`, maxTargets+1)
		err := s.c.each(s.ctx, func(scan func(...any) error) error {
			ids = append(ids, "")
			return scan(&ids[len(ids)-1])
		}, one.sql.String(), one.args...)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
