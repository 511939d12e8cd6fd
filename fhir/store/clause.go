package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drieluik/drieluik/fhir/search"
)

// Parameters that are columns of resource_head.
const (
	idParam      = "_id"
	updatedParam = "_lastUpdated"
)

// clause adds the condition of one clause on head h. It means what search.Matches means.
func (s *snapshot) clause(q *query, c *search.Clause) error {
	if len(c.Hidden) > 0 {
		return s.shown(q, c)
	}
	switch {
	case c.Any != nil:
		return s.any(q, c.Any)
	case c.Hops != nil:
		return s.hops(q, c)
	case c.Param == idParam || c.Param == updatedParam:
		column(q, c)
		return nil
	case c.Modifier == "missing":
		return s.missing(q, c)
	case c.Kind == search.Composite:
		return s.composite(q, c)
	}
	name, kind := c.Column()
	param, err := s.lookup(name)
	if err != nil {
		return err
	}
	q.add(negated(c)+q.exists()+`=? AND ((FALSE`, param)
	for i, v := range c.Values {
		group(q, i)
		q.add(` OR (`)
		if err := s.value(q, kind, c, v); err != nil {
			return err
		}
		q.add(`)`)
	}
	q.add(`)))`)
	return nil
}

// shown adds a clause for all but the resources of which it is withheld.
func (s *snapshot) shown(q *query, c *search.Clause) error {
	open := *c
	open.Hidden = nil
	q.add(`(`)
	if err := except(q, q.h(), c.Hidden); err != nil {
		return err
	}
	q.add(` AND `)
	if err := s.clause(q, &open); err != nil {
		return err
	}
	q.add(`)`)
	return nil
}

// except adds the condition that a head is none of some ids.
func except(q *query, head string, ids []string) error {
	b, err := json.Marshal(ids)
	q.add(head+`.id NOT IN (SELECT j.value FROM json_each(?) j)`, string(b))
	return err
}

// groupSize is how many alternatives stand in one pair of parentheses: SQLite bounds the depth of an
// expression, and each alternative of a pair adds to it.
const groupSize = 200

// group begins another pair of parentheses before alternative i, where the last one is full.
func group(q *query, i int) {
	if i > 0 && i%groupSize == 0 {
		q.add(`) OR (FALSE`)
	}
}

// rows is the condition that row i of idx is of the head's resource and of a parameter.
func (q *query) rows() string {
	return `i.comp=` + q.h() + `.comp AND i.rid=` + q.h() + `.rid AND i.param`
}

// exists begins the search for a row of the head's resource.
func (q *query) exists() string { return `EXISTS (SELECT 1 FROM idx i WHERE ` + q.rows() }

// any adds alternatives.
func (s *snapshot) any(q *query, all []search.Clause) error {
	q.add(`(FALSE`)
	for i := range all {
		q.add(` OR `)
		if err := s.clause(q, &all[i]); err != nil {
			return err
		}
	}
	q.add(`)`)
	return nil
}

// composite adds the condition that one group of rows meets every part of a value.
func (s *snapshot) composite(q *query, c *search.Clause) error {
	q.add(`((FALSE`)
	for i, v := range c.Values {
		group(q, i)
		q.add(` OR EXISTS (`)
		for part := range c.Parts {
			if part > 0 {
				q.add(` INTERSECT `)
			}
			one := c.Component(part, v.Parts[part])
			param, err := s.lookup(one.Param)
			if err != nil {
				return err
			}
			q.add(`SELECT i.n>>`+groupBits+` FROM idx i WHERE `+q.rows()+`=? AND i.n>>`+groupBits+`>0 AND (`, param)
			if err := s.value(q, one.Kind, &one, one.Values[0]); err != nil {
				return err
			}
			q.add(`)`)
		}
		q.add(`)`)
	}
	q.add(`))`)
	return nil
}

// identifierSuffix marks the parameter that holds Reference.identifier.
const identifierSuffix = ":identifier"

func negated(c *search.Clause) string {
	if c.Modifier == "not" {
		return `NOT `
	}
	return ``
}

// wantsMissing reports which of the two a clause with the modifier missing asks for.
func wantsMissing(c *search.Clause) bool { return len(c.Values) > 0 && c.Values[0].Value == "true" }

func (s *snapshot) missing(q *query, c *search.Clause) error {
	param, err := s.lookup(c.Param)
	if err != nil {
		return err
	}
	ref, err := s.lookup(c.Param + identifierSuffix)
	if err != nil {
		return err
	}
	if wantsMissing(c) {
		q.add(`NOT `)
	}
	q.add(q.exists()+` IN (?,?))`, param, ref)
	return nil
}

// column adds a clause on what every resource has exactly one of: id, instant of the version.
func column(q *query, c *search.Clause) {
	if c.Modifier == "missing" {
		q.add(`?`, !wantsMissing(c))
		return
	}
	q.add(negated(c) + `((FALSE`)
	for i, v := range c.Values {
		group(q, i)
		switch {
		case c.Param == updatedParam:
			q.add(` OR `)
			between(q, v, `CAST(`+q.h()+`.at AS DOUBLE PRECISION)`, `CAST(`+q.h()+`.at+1 AS DOUBLE PRECISION)`)
		case !v.AnySystem && v.System != "": // an id has no system
		case v.Value == "":
			q.add(` OR TRUE`)
		default:
			q.add(` OR `+q.h()+`.id=?`, v.Value)
		}
	}
	q.add(`))`)
}

// value adds the condition that row i of idx meets one value.
func (s *snapshot) value(q *query, kind search.Kind, c *search.Clause, v search.Value) error {
	switch kind {
	case search.Token:
		if c.Modifier == "text" {
			q.add(`substr(coalesce(i.text,''),1,length(?))=?`, v.Value, v.Value)
			return nil
		}
		return s.token(q, v)
	case search.Reference:
		return s.reference(q, v)
	case search.String:
		text(q, c.Modifier, v.Value)
	case search.URI:
		uri(q, c.Modifier, v.Value)
	case search.Date, search.Number:
		between(q, v, `i.low`, `i.high`)
	case search.Quantity:
		between(q, v, `i.low`, `i.high`)
		return s.unit(q, v)
	default:
		return fmt.Errorf("parameter %q cannot be searched", c.Param)
	}
	return nil
}

// system adds the condition on the system of a row.
func (s *snapshot) system(q *query, name string) error {
	sys, err := s.lookup(name)
	q.add(`i.sys=?`, sys)
	return err
}

func (s *snapshot) token(q *query, v search.Value) error {
	q.add(`(?='' OR i.val=?)`, v.Value, v.Value)
	if v.AnySystem {
		return nil
	}
	q.add(` AND `)
	return s.system(q, v.System)
}

func (s *snapshot) reference(q *query, v search.Value) error {
	q.add(`i.val=? AND `, v.Value)
	switch {
	case !v.AnySystem:
		return s.system(q, v.System)
	case v.System == "":
		q.add(`TRUE`)
	default:
		q.add(`i.sys>0`)
	}
	return nil
}

// slashed is a row's URL with a slash at its end.
const slashed = `(CASE WHEN i.val LIKE '%/' THEN i.val ELSE i.val||'/' END)`

// uri compares URLs, or with a modifier their paths.
func uri(q *query, modifier, want string) {
	q.add(`(i.val=?`, want)
	top := strings.TrimSuffix(want, "/") + "/"
	switch {
	case modifier == "below" && want != "":
		q.add(` OR substr(i.val,1,length(?))=?`, top, top)
	case modifier == "above":
		q.add(` OR i.val<>'' AND substr(?,1,length(`+slashed+`))=`+slashed, want)
	}
	q.add(`)`)
}

// text compares normalised text from its beginning, or as the modifier says.
func text(q *query, modifier, want string) {
	switch modifier {
	case "exact":
		q.add(`coalesce(i.text,'')=?`, want)
	case "contains":
		q.add(`instr(i.val,?)>0`, want)
	default:
		q.add(`substr(i.val,1,length(?))=?`, want, want)
	}
}

// unit adds the condition on the unit of a quantity.
func (s *snapshot) unit(q *query, v search.Value) error {
	if v.AnySystem {
		q.add(` AND (?='' OR i.val=? OR coalesce(i.text,'')=?)`, v.Value, v.Value, v.Value)
		return nil
	}
	q.add(` AND (?='' OR i.val=?) AND `, v.Value, v.Value)
	return s.system(q, v.System)
}

// compare holds, per Op, how a row's range [L,H) meets the range [?1,?2) of the value. Each L, H is
// a column, each l, h the value's bound.
var compare = [...]string{
	search.Eq: `L>=l AND H<=h`,
	search.Ne: `NOT (L>=l AND H<=h)`,
	search.Gt: `H>h`,
	search.Lt: `L<l`,
	search.Ge: `(H>h OR L>=l AND H<=h)`,
	search.Le: `(L<l OR L>=l AND H<=h)`,
	search.Sa: `L>=h`,
	search.Eb: `H<=l`,
	search.Ap: `L<h AND H>l`,
}

// between adds a comparison of a range in the columns low and high with a value.
func between(q *query, v search.Value, low, high string) {
	if int(v.Op) >= len(compare) {
		q.add(`FALSE`)
		return
	}
	for _, r := range compare[v.Op] {
		switch r {
		case 'L':
			q.add(low)
		case 'H':
			q.add(high)
		case 'l':
			q.add(`?`, v.Low)
		case 'h':
			q.add(`?`, v.High)
		default:
			q.sql.WriteRune(r)
		}
	}
}
