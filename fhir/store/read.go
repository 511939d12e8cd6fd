package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// snapshot is one read transaction. It lives within one call of View.
type snapshot struct {
	ctx  context.Context
	c    *conn
	dict *interned

	plans  bool                      // its queries are planned for their values from now on
	states map[string]exchange.State // that were asked for
}

var _ exchange.Snapshot = (*snapshot)(nil)

// View implements exchange.Store. The state that it shows is that of the first read in f.
func (s *Store) View(ctx context.Context, f func(exchange.Snapshot) error) (err error) {
	const op = "store.View"
	c, err := s.readers.take(ctx)
	if err != nil {
		return &fhir.Error{Kind: fhir.Unavailable, Op: op, Err: err}
	}
	whole := false
	defer func() {
		if whole {
			if e := c.exec(`ROLLBACK`); e != nil {
				err, whole = errors.Join(err, fhir.Wrap(op, e)), false
			}
		}
		if e := s.readers.give(c, whole); e != nil {
			err = errors.Join(err, fhir.Wrap(op, e))
		}
	}()
	if err := c.exec(c.begin); err != nil {
		return fhir.Wrap(op, err)
	}
	whole = true
	return f(&snapshot{ctx: ctx, c: c, dict: s.dict})
}

// unhurried lets queries of the snapshot take as long as they need.
func (s *snapshot) unhurried() error {
	if s.c.patient == "" {
		return nil
	}
	if l, ok := s.c.link.(*pgLink); ok {
		l.slow = true
	}
	return errors.Join(s.planned(), s.c.exec(s.c.patient))
}

// planned lets the queries of the snapshot be planned for their values: the same search is one thing for a
// child of ten resources and another for one of ten thousand.
func (s *snapshot) planned() error {
	if s.plans || s.c.planned == "" {
		return nil
	}
	s.plans = true
	return s.c.exec(s.c.planned)
}

func (s *snapshot) lookup(text string) (int64, error) { return s.dict.lookup(s.c, text) }

// Read implements exchange.Lookups.
func (s *snapshot) Read(ref fhir.Ref) (exchange.Stored, error) {
	const op = "store.Read"
	typ, err := s.lookup(string(ref.Type))
	if err != nil {
		return exchange.Stored{}, fhir.Wrap(op, err)
	}
	var rid, home int64
	var comps string
	found, err := s.c.one(`SELECT rid,home,comps FROM locate WHERE type=? AND id=?`, args(typ, ref.ID), &rid, &home, &comps)
	if err != nil {
		return exchange.Stored{}, fhir.Wrap(op, err)
	}
	if !found {
		return exchange.Stored{}, notFound(op)
	}
	in, err := parseComps(comps)
	if err != nil {
		return exchange.Stored{}, fhir.Wrap(op, err)
	}
	r := row{typ: ref.Type}
	if _, err = s.c.one(selectStored+` WHERE h.comp=? AND h.type=? AND h.rid=?`, args(in[0], typ, rid), r.into()...); err != nil {
		return exchange.Stored{}, fhir.Wrap(op, err)
	}
	if ref.Version > 0 && ref.Version != r.ver {
		found, err = s.c.one(`SELECT ver,at,op,dict,meta_at,facts,body FROM resource_version WHERE comp=? AND rid=? AND ver=?`,
			args(home, rid, ref.Version), &r.ver, &r.at, &r.deleted, &r.dict, &r.metaAt, &r.facts, &r.body)
		if err != nil {
			return exchange.Stored{}, fhir.Wrap(op, err)
		}
		if !found {
			return exchange.Stored{}, notFound(op)
		}
	}
	if r.id != ref.ID {
		return exchange.Stored{}, fmt.Errorf("%s: %w: %s leads to another", op, errBody, ref)
	}
	st, err := r.stored()
	if err == nil && st.Deleted {
		err = &fhir.Error{Kind: fhir.Gone, Op: op}
	}
	return st, fhir.Wrap(op, err)
}

func notFound(op string) error { return &fhir.Error{Kind: fhir.NotFound, Op: op} }

// selectStored reads what row.into scans, from a head and the version that it points to.
const selectStored = `SELECT h.id,h.ver,h.at,h.filed,h.deleted,h.facts,v.dict,v.meta_at,v.body
	FROM resource_head h CROSS JOIN resource_version v ON v.rowid=h.vrow`

// row is a version as the file has it.
type row struct {
	typ       fhir.Type
	id        string
	ver       int
	at, filed int64
	deleted   bool
	facts     []byte
	dict      int
	metaAt    int64 // see metaBits
	body      []byte
}

func (r *row) into() []any {
	return []any{&r.id, &r.ver, &r.at, &r.filed, &r.deleted, &r.facts, &r.dict, &r.metaAt, &r.body}
}

func (r *row) stored() (exchange.Stored, error) {
	ref := fhir.Ref{Type: r.typ, ID: r.id, Version: r.ver}
	facts, err := factsOf(ref, r.facts, r.at, r.filed)
	if err != nil {
		return exchange.Stored{}, err
	}
	offset, err := metaIn(ref, r.metaAt, r.dict, r.body)
	if err != nil {
		return exchange.Stored{}, fmt.Errorf("%w: %s", err, ref)
	}
	body, err := unpack(r.body, r.dict)
	if err != nil {
		return exchange.Stored{}, err
	}
	return exchange.Stored{Ref: ref, Updated: facts.Updated, Deleted: r.deleted, Body: body, MetaAt: offset, Facts: facts}, nil
}

// factsOf completes decoded facts with what stands in columns.
func factsOf(ref fhir.Ref, b []byte, at, filed int64) (auth.ResourceFacts, error) {
	f, err := decodeFacts(b)
	f.Ref, f.Updated, f.FiledAt = ref, time.UnixMilli(at).UTC(), time.UnixMilli(filed).UTC()
	return f, err
}

// found is a resource that a look-up came to.
type found struct {
	id        string
	rid, comp int64
	typ       int64
}

// identified finds the current resources that bear an identifier. lookup resolves texts of dict.
func identified(c *conn, lookup func(string) (int64, error), t fhir.Type, id fhir.Identifier) ([]found, error) {
	typ, err := lookup(string(t))
	if err != nil {
		return nil, err
	}
	sys, err := lookup(id.System)
	if err != nil {
		return nil, err
	}
	var hits []found
	err = c.each(context.Background(), func(scan func(...any) error) error {
		f := found{typ: typ}
		hits = append(hits, f)
		return scan(&hits[len(hits)-1].id, &hits[len(hits)-1].rid, &hits[len(hits)-1].comp)
	}, `SELECT h.id,h.rid,h.comp FROM gidx g CROSS JOIN resource_head h ON h.comp=g.comp AND h.type=g.type AND h.rid=g.rid
		WHERE g.type=? AND g.param=? AND g.sys=? AND g.val=? ORDER BY h.rid`, typ, gidxIdentifier, sys, c.key(id.Value))
	return hits, err
}

// Identified implements exchange.Lookups.
func (s *snapshot) Identified(t fhir.Type, id fhir.Identifier) ([]exchange.Stored, error) {
	const op = "store.Identified"
	hits, err := identified(s.c, s.lookup, t, id)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out := make([]exchange.Stored, 0, len(hits))
	for _, h := range hits {
		r := row{typ: t}
		if _, err := s.c.one(selectStored+` WHERE h.comp=? AND h.type=? AND h.rid=?`, args(h.comp, h.typ, h.rid), r.into()...); err != nil {
			return nil, fhir.Wrap(op, err)
		}
		st, err := r.stored()
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		out = append(out, st)
	}
	return out, nil
}

// State implements exchange.Lookups.
func (s *snapshot) State(id string) (exchange.State, error) {
	state, known := s.states[id]
	if known {
		return state, nil
	}
	if _, err := s.c.one(`SELECT n,writes FROM epoch WHERE name=?`, args(id), &state.Epoch, &state.Writes); err != nil {
		return state, fhir.Wrap("store.State", err)
	}
	if s.states == nil {
		s.states = map[string]exchange.State{}
	}
	s.states[id] = state
	return state, nil
}

// Compartment implements exchange.Lookups.
func (s *snapshot) Compartment(id string, types ...fhir.Type) ([]exchange.Stored, exchange.State, error) {
	const op = "store.Compartment"
	var state exchange.State
	var comp int64
	found, err := s.c.one(`SELECT comp,n,writes FROM epoch WHERE name=?`, args(id), &comp, &state.Epoch, &state.Writes)
	if err != nil || !found {
		return nil, state, fhir.Wrap(op, err)
	}
	numbers := make([]int64, len(types))
	for i, t := range types {
		if numbers[i], err = s.lookup(string(t)); err != nil {
			return nil, state, fhir.Wrap(op, err)
		}
	}
	if len(types) == 0 {
		if numbers, err = s.typesIn(comp); err != nil {
			return nil, state, fhir.Wrap(op, err)
		}
	}
	slices.Sort(numbers)
	out, err := gatherStored.all(func(out []exchange.Stored) ([]exchange.Stored, error) {
		for _, n := range slices.Compact(numbers) {
			if out, err = s.members(out, comp, n); err != nil {
				return out, err
			}
		}
		return out, nil
	})
	return out, state, fhir.Wrap(op, err)
}

// typesIn returns the types that a compartment has.
func (s *snapshot) typesIn(comp int64) ([]int64, error) {
	var types []int64
	for last := int64(-1); ; {
		found, err := s.c.one(`SELECT type FROM resource_head WHERE comp=? AND type>? ORDER BY type LIMIT 1`, args(comp, last), &last)
		if err != nil || !found {
			return types, err
		}
		types = append(types, last)
	}
}

// members appends the current resources of one type in a compartment.
func (s *snapshot) members(out []exchange.Stored, comp, typ int64) ([]exchange.Stored, error) {
	name, err := s.dict.reverse(s.c, typ)
	if err != nil {
		return nil, err
	}
	err = s.c.each(s.ctx, func(scan func(...any) error) error {
		r := row{typ: fhir.Type(name)}
		if err := scan(r.into()...); err != nil {
			return err
		}
		st, err := r.stored()
		out = append(out, st)
		return err
	}, selectStored+` WHERE h.comp=? AND h.type=? AND h.deleted=FALSE ORDER BY h.rid`, comp, typ)
	return out, err
}

// Heads implements exchange.Lookups.
func (s *snapshot) Heads(compartment string, t fhir.Type) ([]auth.ResourceFacts, error) {
	out, err := s.heads(compartment, t, false)
	return out, fhir.Wrap("store.Heads", err)
}

// Deleted implements exchange.Lookups.
func (s *snapshot) Deleted(compartment string, t fhir.Type) ([]auth.ResourceFacts, error) {
	out, err := s.heads(compartment, t, true)
	return out, fhir.Wrap("store.Deleted", err)
}

func (s *snapshot) heads(compartment string, t fhir.Type, deleted bool) ([]auth.ResourceFacts, error) {
	typ, err := s.lookup(string(t))
	if err != nil || typ < 0 {
		return nil, err
	}
	return gatherFacts.all(func(out []auth.ResourceFacts) ([]auth.ResourceFacts, error) {
		err := s.c.each(s.ctx, func(scan func(...any) error) error {
			var r row
			if err := scan(&r.id, &r.ver, &r.at, &r.filed, &r.facts); err != nil {
				return err
			}
			f, err := factsOf(fhir.Ref{Type: t, ID: r.id, Version: r.ver}, r.facts, r.at, r.filed)
			out = append(out, f)
			return err
		}, `SELECT h.id,h.ver,h.at,h.filed,h.facts FROM resource_head h
			WHERE h.comp=(SELECT comp FROM epoch WHERE name=?) AND h.type=? AND h.deleted=? ORDER BY h.rid`, compartment, typ, deleted)
		return out, err
	})
}

// Related implements exchange.Lookups.
func (s *snapshot) Related(party fhir.Ref) ([]string, error) {
	const op = "store.Related"
	var names []string
	for _, t := range partyTypes {
		typ, err := s.lookup(string(t))
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		err = s.c.each(s.ctx, func(scan func(...any) error) error {
			names = append(names, "")
			return scan(&names[len(names)-1])
		}, `SELECT DISTINCT e.name FROM gidx g CROSS JOIN epoch e ON e.comp=g.comp
			WHERE g.type=? AND g.param=? AND g.sys=0 AND g.val=?`, typ, gidxParty, party.Current().String())
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Held implements exchange.Lookups.
func (s *snapshot) Held(organization fhir.Ref) ([]string, error) {
	const op = "store.Held"
	if err := s.planned(); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	org, err := s.lookup(organization.Current().String())
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	var names []string
	for _, t := range fhir.Types() {
		typ, err := s.lookup(string(t))
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
		err = s.c.each(s.ctx, func(scan func(...any) error) error {
			names = append(names, "")
			return scan(&names[len(names)-1])
		}, `SELECT e.name FROM epoch e WHERE e.comp IN (
			SELECT comp FROM resource_head WHERE type=? AND cust=? AND cust>0 AND deleted=FALSE
			UNION SELECT comp FROM resource_head WHERE type=? AND author=? AND author>0 AND deleted=FALSE)`, typ, org, typ, org)
		if err != nil {
			return nil, fhir.Wrap(op, err)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Strays implements exchange.Lookups.
func (s *snapshot) Strays(t fhir.Type, patient string) ([]string, error) {
	const op = "store.Strays"
	typ, err := s.lookup(string(t))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	var names []string
	err = s.c.each(s.ctx, func(scan func(...any) error) error {
		names = append(names, "")
		return scan(&names[len(names)-1])
	}, `SELECT DISTINCT e.name FROM gidx g CROSS JOIN epoch e ON e.comp=g.comp
		WHERE g.type=? AND g.param=? AND g.sys=0 AND g.val=? ORDER BY e.name`, typ, gidxStray, patient)
	return names, fhir.Wrap(op, err)
}
