package store

import (
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/drieluik/drieluik/fhir"
)

// pgUnit is what a unit has of PostgreSQL before its first write: its locks, and what stands under them.
//
// Locks are taken in one order: the gate, which checkpoints of the log have for themselves; what was looked
// up and not found, and must not come (identifiers, types that were searched); compartments by name; and
// resources. With them two units that could see each other's doings run one after the other, in every
// process, and what a unit relied on stands still from its check to its commit.
type pgUnit struct {
	w       *pgWriter
	link    *pgLink
	relied  map[string]*compID // compartments that it reads
	heads   map[fhir.Ref]head  // of what it reads and writes, until it writes it; without version
	numbers []int64            // of sequence versions, not yet used
	floor   int64              // instant of the last checkpoint
	clock   int64              // of the database
	from    int64              // earliest instant of units
	mine    map[string]bool    // compartments of the running unit, when it shares the transaction
	notices int
}

// pgNow is the clock of the database in milliseconds.
const pgNow = `SELECT (extract(epoch FROM clock_timestamp())*1000)::bigint`

// reserve locks what a unit touches and reads what it needs of it, in one trip; in a shared transaction that
// was done for all.
func (t *tx) reserve(p *prepared) error {
	if t.pg == nil || t.pg.mine != nil {
		return nil
	}
	if err := t.intern(p); err != nil {
		return err
	}
	l := t.pg.w.plan(p)
	return t.lock(&l)
}

func (t *tx) lock(l *plan) error {
	for {
		missing, err := t.take(l)
		if err != nil || len(missing) == 0 {
			return err
		}
		// Of a new compartment nothing was locked: what was read of it may be old.
		err = t.c.exec(`INSERT INTO epoch(name,n,writes,seq,hash) SELECT u,0,0,0,? FROM unnest(?::text[]) u ORDER BY u ON CONFLICT DO NOTHING`,
			make([]byte, 32), missing)
		if err != nil {
			return err
		}
	}
}

// take asks for all at once, and returns the compartments that are not there.
func (t *tx) take(l *plan) (missing []string, err error) {
	u := t.pg
	u.relied, u.heads, u.numbers, u.floor = map[string]*compID{}, map[fhir.Ref]head{}, nil, 0
	for _, name := range l.read {
		u.relied[name] = &compID{name: name}
	}
	clear(t.comps)
	questions := u.gate(l.locks)
	if len(l.read) > 0 {
		questions = append(questions, question{pgComps + `FOR SHARE`, args(l.read), u.read})
	}
	if len(l.own) > 0 {
		questions = append(questions, question{pgComps + `FOR NO KEY UPDATE`, args(l.own), t.own})
	}
	resources, err := t.resources(l)
	if err != nil {
		return nil, err
	}
	questions = append(questions, resources...)
	if numbers := 2 * l.versions; numbers > 0 {
		questions = append(questions, question{`SELECT nextval('versions') FROM generate_series(1,?)`, args(numbers), u.numbered})
	}
	if _, err := u.link.ask(questions...); err != nil {
		return nil, err
	}
	if u.w.now == nil && u.clock > 0 {
		t.at = u.clock
	}
	t.at = max(t.at, u.floor+1)
	u.from = t.at
	for _, name := range l.own {
		c, ok := t.comps[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		c.after = c.at + 1
		t.at = max(t.at, c.after)
	}
	return missing, nil
}

// pgComps reads rows of compartments, each with the instant of the last checkpoint and the clock.
const pgComps = `SELECT name,comp,n,writes,seq,hash,at,` + pgFloor + `,(` + pgNow + `) FROM epoch WHERE name=ANY(?) ORDER BY name `

// noRow looks at no row of a question that is asked for its locks.
func noRow(func(...any) error) error { return nil }

// gate asks for the advisory locks.
func (u *pgUnit) gate(locks map[int64]bool) []question {
	gate := args(u.w.lock(gateLock))
	if len(locks) > maxLocks {
		return []question{{`SELECT pg_advisory_xact_lock(?)`, gate, noRow}}
	}
	shared := question{`SELECT pg_advisory_xact_lock_shared(?)`, gate, noRow}
	if len(locks) == 0 {
		return []question{shared}
	}
	numbers := slices.Sorted(maps.Keys(locks))
	whole := make([]bool, len(numbers))
	for i, n := range numbers {
		whole[i] = locks[n]
	}
	return []question{shared, {
		`SELECT CASE WHEN u.whole THEN pg_advisory_xact_lock(u.n)::text ELSE pg_advisory_xact_lock_shared(u.n)::text END
			FROM unnest(?::bigint[],?::boolean[]) u(n,whole)`, args(numbers, whole), noRow,
	}}
}

func (u *pgUnit) scan(scan func(...any) error) (*compID, error) {
	c := &compID{}
	return c, scan(&c.name, &c.n, &c.epoch, &c.writes, &c.seq, &c.hash, &c.at, &u.floor, &u.clock)
}

func (u *pgUnit) numbered(scan func(...any) error) error {
	u.numbers = append(u.numbers, 0)
	return scan(&u.numbers[len(u.numbers)-1])
}

func (u *pgUnit) read(scan func(...any) error) error {
	c, err := u.scan(scan)
	u.relied[c.name] = c
	return err
}

func (t *tx) own(scan func(...any) error) error {
	c, err := t.pg.scan(scan)
	t.comps[c.name] = c
	return err
}

// resources asks for the rows of locate, locked, and then for the heads under them. What was not found is
// known to be absent.
func (t *tx) resources(l *plan) ([]question, error) {
	const rows = `SELECT 1 FROM locate l JOIN unnest(?::bigint[],?::text[]) r(type,id) ON l.type=r.type AND l.id=r.id ORDER BY l.type,l.id `
	types, ids, err := t.keysOf(l.relied)
	if err != nil {
		return nil, err
	}
	ownTypes, ownIDs, err := t.keysOf(l.writes)
	if err != nil || len(ids)+len(ownIDs) == 0 {
		return nil, err
	}
	var out []question
	if len(ids) > 0 {
		out = append(out, question{rows + `FOR SHARE OF l`, args(types, ids), noRow})
	}
	if len(ownIDs) > 0 {
		out = append(out, question{rows + `FOR NO KEY UPDATE OF l`, args(ownTypes, ownIDs), noRow})
	}
	return append(out, question{`SELECT d.text,l.type,l.id,l.rid,l.home,l.comps,l.keys,h.ver,h.at,h.filed,h.deleted,h.facts
		FROM unnest(?::bigint[],?::text[]) r(type,id) JOIN dict d ON d.n=r.type JOIN locate l ON l.type=r.type AND l.id=r.id
		JOIN resource_head h ON h.comp=split_part(l.comps,' ',1)::bigint AND h.type=l.type AND h.rid=l.rid`,
		args(slices.Concat(types, ownTypes), slices.Concat(ids, ownIDs)), t.foundHead}), nil
}

// keysOf returns the keys of resources in locate, and takes them for absent until they are found.
func (t *tx) keysOf(refs []fhir.Ref) (types []int64, ids []string, err error) {
	types, ids = make([]int64, len(refs)), make([]string, len(refs))
	for i, r := range refs {
		n, err := t.lookup(string(r.Type))
		if err != nil {
			return nil, nil, err
		}
		types[i], ids[i] = n, r.ID
		t.pg.heads[r] = head{typ: n}
	}
	return types, ids, nil
}

func (t *tx) foundHead(scan func(...any) error) error {
	var h head
	var r fhir.Ref
	var name, comps string
	var keys []byte
	err := scan(&name, &h.typ, &r.ID, &h.rid, &h.home, &comps, &keys, &h.ver, &h.at, &h.filed, &h.deleted, &h.facts)
	if err == nil {
		err = h.read(comps, keys)
	}
	r.Type = fhir.Type(name)
	t.pg.heads[r] = h
	return err
}

// known returns the head of a resource that was read under its lock. What is written is read again.
func (t *tx) known(ref fhir.Ref) (head, bool) {
	if t.pg == nil {
		return head{}, false
	}
	h, ok := t.pg.heads[ref.Current()]
	return h, ok
}

// pgVersion stores the body of a version under a number that was taken for it.
func (t *tx) pgVersion(w *preparedWrite, now *head) error {
	delete(t.pg.heads, w.Ref.Current())
	if now.rid == 0 {
		now.rid = t.pg.number()
	}
	return t.c.exec(pgAddVersion,
		now.home, now.rid, now.ver, now.at, now.deleted, w.dict, metaPlace(w.Ref, w.MetaAt, w.dict, w.packed), w.packed, t.pg.number())
}

// pgIdx writes the rows of one resource in one compartment.
func (t *tx) pgIdx(comp, rid int64, rows []idxRow) error {
	for i := range rows {
		r := &rows[i]
		var low, high *float64
		if r.bounded() {
			low, high = &r.row.Low, &r.row.High
		}
		var text *string
		if r.row.Text != "" {
			kept := pgString(r.row.Text)
			text = &kept
		}
		if err := t.c.exec(pgAddIdx, comp, rid, r.place(i), r.param, r.sys, pgString(r.row.Value), low, high, text); err != nil {
			return err
		}
	}
	return nil
}

// number takes the next one: two were asked for each write.
func (u *pgUnit) number() int64 {
	n := u.numbers[0]
	u.numbers = u.numbers[1:]
	return n
}

// intern gives numbers to the texts of a unit, in a transaction before its own: who comes later need not
// wait for it.
func (t *tx) intern(units ...*prepared) error {
	texts := map[string]bool{}
	add := func(text string) {
		if _, ok := t.dict.number(text); !ok && text != "" {
			texts[text] = true
		}
	}
	for _, p := range units {
		p.texts(add)
	}
	if len(texts) == 0 {
		return nil
	}
	return t.internAll(texts)
}

// texts calls add for each text that a unit needs the number of.
func (p *prepared) texts(add func(string)) {
	for i := range p.writes {
		w := p.writes[i].Write
		add(string(w.Ref.Type))
		for _, party := range []fhir.Ref{w.Facts.Custodian, w.Facts.Author} {
			if party.Type == "Organization" {
				add(party.Current().String())
			}
		}
		for _, id := range w.Identifiers {
			add(id.System)
		}
		for j := range w.Rows {
			add(w.Rows[j].Param)
			add(w.Rows[j].System)
		}
	}
	for i := range p.Relied {
		add(string(p.Relied[i].Ref.Type))
	}
	for i := range p.Notices {
		add(string(p.Notices[i].Ref.Type))
	}
}

// internAll gives numbers to texts that lack them; the transaction has not begun yet.
func (t *tx) internAll(texts map[string]bool) error {
	byKey := make(map[string]string, len(texts))
	for text := range texts {
		byKey[pgString(t.c.key(text))] = text
	}
	l := t.pg.link
	begin := l.batch
	l.batch = &pgx.Batch{}
	keys := slices.Sorted(maps.Keys(byKey))
	_, err := l.ask(
		question{query: `INSERT INTO dict(text) SELECT u FROM unnest(?::text[]) u WHERE NOT EXISTS (SELECT 1 FROM dict d WHERE d.text=u)
			ORDER BY u ON CONFLICT DO NOTHING`, args: args(keys)},
		question{`SELECT text,n FROM dict WHERE text=ANY(?)`, args(keys), func(scan func(...any) error) error {
			var key string
			var n int64
			err := scan(&key, &n)
			if text, ok := byKey[key]; ok {
				t.made[text] = n
			}
			return err
		}},
	)
	l.batch, l.begun = begin, false
	return err
}

// beside keeps checkpoints of the log out, as every unit does; its instant is later than the last one.
func (t *tx) beside() error {
	if t.pg == nil {
		return nil
	}
	var floor int64
	_, err := t.pg.link.ask(
		question{`SELECT pg_advisory_xact_lock_shared(?)`, args(t.pg.w.lock(gateLock)), noRow},
		question{`SELECT ` + pgFloor, nil, func(scan func(...any) error) error { return scan(&floor) }},
	)
	t.at = max(t.at, floor+1)
	return err
}

// alone waits until no other unit runs in any process, and keeps them out; its instant is later than all of
// theirs.
func (t *tx) alone() error {
	if t.pg == nil {
		return nil
	}
	var last int64
	_, err := t.pg.link.ask(
		question{`SELECT pg_advisory_xact_lock(?)`, args(t.pg.w.lock(gateLock)), noRow},
		question{`SELECT greatest((SELECT max(at) FROM audit WHERE at>` + pgFloor + `),` + pgFloor + `)`, nil,
			func(scan func(...any) error) error { return scan(&last) }},
	)
	t.at = max(t.at, last+1)
	return err
}

// sealed remembers the instant of a checkpoint, before which nothing is recorded any more.
func (t *tx) sealed(at int64) error {
	if t.pg == nil {
		return nil
	}
	return t.c.exec(`UPDATE kv SET value=? WHERE key=?`, strconv.AppendInt(nil, at, 10), keyClock)
}
