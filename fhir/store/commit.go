package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Reasons of a Conflict of Commit.
const (
	ReasonMoved        = "moved"         // a version, compartment or identifier relied on has moved
	ReasonRecordExists = "record-exists" // the source record's version is there with other content
)

var errUnit = errors.New("unit is not well formed")

// prepared is a unit with everything done that needs no transaction.
type prepared struct {
	exchange.Unit
	writes []preparedWrite
	audits []preparedAudit
	size   int
}

type preparedWrite struct {
	*exchange.Write
	packed []byte
	dict   int
	facts  []byte
}

type preparedAudit struct {
	*exchange.Audit
	packed []byte
	dict   int
}

// Commit implements exchange.Store.
func (s *Store) Commit(ctx context.Context, u exchange.Unit) ([]exchange.Written, error) {
	const op = "store.Commit"
	p, err := prepare(u)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	return s.writer.keep(ctx, op, p)
}

// keep implements applier.
func (w *writer) keep(ctx context.Context, op string, p *prepared) (written []exchange.Written, err error) {
	err = w.do(ctx, op, p.size, func(t *tx) (err error) {
		written, err = t.commit(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return written, nil
}

func prepare(u exchange.Unit) (*prepared, error) {
	p := &prepared{Unit: u, writes: make([]preparedWrite, len(u.Writes)), audits: make([]preparedAudit, len(u.Audits))}
	for i := range u.Writes {
		w := &u.Writes[i]
		if w.Ref.Type == "" || w.Ref.ID == "" || w.Ref.Version < 1 || len(w.Compartments) == 0 || slices.Contains(w.Compartments, "") {
			return nil, fmt.Errorf("write %d: %w", i, errUnit)
		}
		packed, dict, err := pack(w.Body)
		if err != nil {
			return nil, err
		}
		p.writes[i] = preparedWrite{Write: w, packed: packed, dict: dict, facts: encodeFacts(w.Facts)}
		p.size += len(packed) + len(p.writes[i].facts) + 64*len(w.Rows)
	}
	for i := range u.Audits {
		a := &u.Audits[i]
		if a.Compartment == "" || a.RecordedAt < 0 || a.RecordedAt > len(a.Body) || a.RecordedAt >= 1<<offsetBits {
			return nil, fmt.Errorf("audit %d: %w", i, errUnit)
		}
		packed, dict, err := pack(a.Body)
		if err != nil {
			return nil, err
		}
		p.audits[i] = preparedAudit{Audit: a, packed: packed, dict: dict}
		p.size += len(packed) + 128
	}
	for _, set := range u.Settings {
		if set.Key == "" {
			return nil, fmt.Errorf("setting: %w", errUnit)
		}
		p.size += len(set.Key) + len(set.Value)
	}
	if r := u.Record; r != nil && (r.Key == "" || r.Version < 1 || r.Compartment == "") {
		return nil, fmt.Errorf("record: %w", errUnit)
	}
	return p, nil
}

// commit applies a unit inside its savepoint.
func (t *tx) commit(p *prepared) ([]exchange.Written, error) {
	if err := t.reserve(p); err != nil {
		return nil, err
	}
	if err := t.verify(p.Relied); err != nil {
		return nil, err
	}
	if err := t.record(p.Record); err != nil {
		return nil, err
	}
	written := make([]exchange.Written, len(p.writes))
	for i := range p.writes {
		at, err := t.write(&p.writes[i])
		if err != nil {
			return nil, err
		}
		written[i] = exchange.Written{Ref: p.writes[i].Ref, Updated: time.UnixMilli(at).UTC(), Counts: t.counts(p.writes[i].Compartments)}
	}
	for i := range p.audits {
		if err := t.chain(&p.audits[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Notices {
		if err := t.notice(&p.Notices[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Due {
		if err := t.due(&p.Due[i]); err != nil {
			return nil, err
		}
	}
	for i := range p.Settings {
		if err := t.setting(p.Settings[i]); err != nil {
			return nil, err
		}
	}
	return written, t.passed(p.Passed)
}

// passed removes notices that nobody needs. The last one stays: places are never given out again, whatever
// becomes of the counter that they come from.
func (t *tx) passed(place int64) error {
	if place == 0 {
		return nil
	}
	return t.c.exec(`DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE seq<=? AND seq<(SELECT max(seq) FROM outbox)
		ORDER BY seq LIMIT ?)`, place, exchange.MaxPassed)
}

// counts are the writes of compartments that the unit has touched.
func (t *tx) counts(names []string) []int64 {
	out := make([]int64, len(names))
	for i, name := range names {
		if c := t.comps[name]; c != nil {
			out[i] = c.writes
		}
	}
	return out
}

// verify compares everything that the unit relied on with what is there now.
func (t *tx) verify(relied []exchange.Reliance) error {
	for i := range relied {
		r := &relied[i]
		same, err := true, error(nil)
		if !r.Ref.IsZero() {
			same, err = t.sameVersion(r.Ref)
		}
		if err == nil && same && r.Compartment != "" {
			same, err = t.sameState(r)
		}
		if err == nil && same && r.Identified != nil {
			same, err = t.sameIdentified(r.Identified)
		}
		if err == nil && same && r.Sought != nil {
			same, err = t.sameSearch(r.Sought)
		}
		if err == nil && same && r.Setting != nil {
			same, err = t.sameSetting(r.Setting)
		}
		if err != nil {
			return err
		}
		if !same {
			return conflict("store.verify", ReasonMoved)
		}
	}
	return nil
}

// sameVersion reports whether ref is the current version. Version 0 means absent, and a deleted
// resource counts as absent.
func (t *tx) sameVersion(ref fhir.Ref) (bool, error) {
	h, err := t.head(ref)
	if err != nil {
		return false, err
	}
	if ref.Version == 0 {
		return h.rid == 0 || h.deleted, nil
	}
	return h.ver == ref.Version, nil
}

func (t *tx) sameState(r *exchange.Reliance) (bool, error) {
	c, ok := t.comps[r.Compartment]
	if !ok && t.pg != nil {
		c, ok = t.pg.relied[r.Compartment]
	}
	if !ok {
		c = &compID{}
		_, err := t.c.one(`SELECT n,writes FROM epoch WHERE name=?`, args(r.Compartment), &c.epoch, &c.writes)
		if err != nil {
			return false, err
		}
	}
	return c.epoch == r.State.Epoch && (r.EpochOnly || c.writes == r.State.Writes), nil
}

func (t *tx) sameIdentified(want *exchange.Identified) (bool, error) {
	now, err := identified(t.c, t.lookup, want.Type, want.Identifier)
	if err != nil {
		return false, err
	}
	ids := make([]string, len(now))
	for i := range now {
		ids[i] = now[i].id
	}
	slices.Sort(ids)
	return slices.Equal(ids, want.IDs), nil
}

// sameSearch runs a search again, on what this transaction sees. It learns numbers in a cache of its
// own: they may not be committed yet.
func (t *tx) sameSearch(want *exchange.Sought) (bool, error) {
	now := &snapshot{ctx: context.Background(), c: t.c, dict: newInterned()}
	page, err := now.Search(want.Plan, want.Filter)
	return slices.EqualFunc(page.Matches, want.IDs, func(st exchange.Stored, id string) bool { return st.Ref.ID == id }), err
}

// lookup is number without making one: -1 for a text that is not there.
func (t *tx) lookup(text string) (int64, error) {
	if n, ok := t.made[text]; ok {
		return n, nil
	}
	if n, ok := t.fresh[text]; ok {
		return n, nil
	}
	return t.dict.lookup(t.c, text)
}

// record remembers one version of a source record. The same content again changes nothing.
func (t *tx) record(r *exchange.RecordVersion) error {
	if r == nil {
		return nil
	}
	old, err := records(t.c, r.Key)
	if err != nil {
		return err
	}
	for _, o := range old {
		if o.Version != r.Version {
			continue
		}
		if o.Hash != r.Hash {
			return conflict("store.record", ReasonRecordExists)
		}
		return nil
	}
	c, err := t.comp(r.Compartment)
	if err != nil {
		return err
	}
	if err := t.c.exec(`INSERT INTO gidx VALUES(0,?,?,0,?,0) ON CONFLICT DO NOTHING`, gidxRecord, t.c.key(r.Key), c.n); err != nil {
		return err
	}
	result := r.Result
	if result == nil {
		result = []byte{}
	}
	err = t.c.exec(`INSERT INTO idem VALUES(?,?,?,?,?)`, c.n, t.c.key(r.Key), r.Version, r.Hash[:], result)
	return err
}

func (t *tx) notice(n *exchange.Notice) error {
	c, err := t.comp(n.Compartment)
	if err != nil {
		return err
	}
	kind, err := t.number(string(n.Ref.Type))
	if err != nil {
		return err
	}
	values := args(c.n, kind, n.Ref.ID, n.Ref.Version, n.Kind)
	if t.pg != nil {
		if t.pg.notices == maxNotices {
			return errUnit
		}
		values = append(values, t.pg.notices)
		t.pg.notices++
	}
	return t.c.exec(t.c.notice, values...)
}
