package store

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// head is what the writer knows of the current version of a resource; rid 0: there is none.
type head struct {
	typ     int64
	rid     int64
	home    int64
	comps   []int64 // compartments with head rows
	keys    []gkey  // gidx rows
	ver     int
	at      int64
	filed   int64
	deleted bool
	facts   []byte
}

// gkey is one row of gidx.
type gkey struct {
	Param int64
	Sys   int64
	Val   string
	Comp  int64
}

// head reads the current version of ref.
func (t *tx) head(ref fhir.Ref) (head, error) {
	if h, ok := t.known(ref); ok {
		return h, nil
	}
	var h head
	var err error
	if h.typ, err = t.lookup(string(ref.Type)); err != nil || h.typ < 0 {
		return head{}, err
	}
	var comps string
	var keys []byte
	found, err := t.c.one(`SELECT rid,home,comps,keys FROM locate WHERE type=? AND id=?`, args(h.typ, ref.ID),
		&h.rid, &h.home, &comps, &keys)
	if err != nil || !found {
		return head{}, err
	}
	if err := h.read(comps, keys); err != nil {
		return head{}, err
	}
	_, err = t.c.one(`SELECT ver,at,filed,deleted,facts FROM resource_head WHERE comp=? AND type=? AND rid=?`,
		args(h.comps[0], h.typ, h.rid), &h.ver, &h.at, &h.filed, &h.deleted, &h.facts)
	return h, err
}

// read takes what locate keeps as text.
func (h *head) read(comps string, keys []byte) (err error) {
	if h.comps, err = parseComps(comps); err != nil || len(keys) == 0 {
		return err
	}
	return json.Unmarshal(keys, &h.keys)
}

// errComps says that a resource stands in no compartment.
var errComps = errors.New("stored place of a resource is damaged")

func parseComps(s string) ([]int64, error) {
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return nil, errComps
	}
	v := make([]int64, len(fields))
	for i, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, err
		}
		v[i] = n
	}
	return v, nil
}

func formatComps(v []int64) string {
	b := make([]byte, 0, 8*len(v))
	for i, n := range v {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// write makes one version current and returns its instant.
func (t *tx) write(w *preparedWrite) (int64, error) {
	old, err := t.head(w.Ref)
	if err != nil {
		return 0, err
	}
	if old.ver != w.Ref.Version-1 {
		return 0, conflict("store.write", ReasonMoved)
	}
	now := head{rid: old.rid, home: old.home, ver: w.Ref.Version, filed: old.filed, deleted: len(w.Body) == 0, facts: w.facts}
	if now.typ, err = t.number(string(w.Ref.Type)); err != nil {
		return 0, err
	}
	if old.at >= t.at { // a second version in one group
		t.at = old.at + 1
	}
	now.at = t.at
	if err := t.place(w, &old, &now); err != nil {
		return 0, err
	}
	if err := t.supersede(&old, &now); err != nil {
		return 0, err
	}
	vrow, err := t.version(w, &now)
	if err != nil {
		return 0, err
	}
	if err := t.heads(w, &now, vrow); err != nil {
		return 0, err
	}
	if now.deleted {
		return now.at, t.locate(w, &old, &now)
	}
	if err := t.index(w, &now); err != nil {
		return 0, err
	}
	return now.at, t.locate(w, &old, &now)
}

// place resolves the compartments of a write and moves their state: those it was in, and those it
// comes into.
func (t *tx) place(w *preparedWrite, old, now *head) error {
	var touched []*compID
	for _, name := range w.Compartments {
		c, err := t.comp(name)
		if err != nil {
			return err
		}
		if !slices.Contains(now.comps, c.n) {
			now.comps = append(now.comps, c.n)
			touched = append(touched, c)
		}
	}
	for _, n := range old.comps {
		if slices.Contains(now.comps, n) {
			continue
		}
		var name string
		if _, err := t.c.one(`SELECT name FROM epoch WHERE comp=?`, args(n), &name); err != nil {
			return err
		}
		c, err := t.comp(name)
		if err != nil {
			return err
		}
		touched = append(touched, c)
	}
	for _, c := range touched {
		c.writes++
		if movesEpoch(w.Ref.Type) {
			c.epoch++
		}
		c.moved = true
	}
	if now.home == 0 {
		now.home = now.comps[0]
	}
	return nil
}

// movesEpoch reports whether compiled policy depends on resources of type t (access.md 6.3).
func movesEpoch(t fhir.Type) bool {
	return slices.Contains(auth.FactTypes[:], t) || slices.Contains(policyTypes[:], t)
}

// policyTypes are the types beyond auth.FactTypes whose writes move an Epoch.
var policyTypes = [...]fhir.Type{"Person", "Organization", "PractitionerRole"}

// supersede takes away what makes the old version current.
func (t *tx) supersede(old, now *head) error {
	if old.rid == 0 {
		now.filed = now.at
		return nil
	}
	err := t.c.exec(`UPDATE resource_version SET facts=? WHERE comp=? AND rid=? AND ver=?`, old.facts, old.home, old.rid, old.ver)
	if err != nil {
		return err
	}
	for _, c := range old.comps {
		if err := t.c.exec(`DELETE FROM resource_head WHERE comp=? AND type=? AND rid=?`, c, old.typ, old.rid); err != nil {
			return err
		}
		if err := t.c.exec(`DELETE FROM idx WHERE comp=? AND rid=?`, c, old.rid); err != nil {
			return err
		}
	}
	for _, k := range old.keys {
		err := t.c.exec(`DELETE FROM gidx WHERE type=? AND param=? AND val=? AND sys=? AND comp=? AND rid=?`,
			old.typ, k.Param, k.Val, k.Sys, k.Comp, old.rid)
		if err != nil {
			return err
		}
	}
	return nil
}

// version stores the body, and returns what leads to it from a head. The first version of a resource gives
// it its rid.
func (t *tx) version(w *preparedWrite, now *head) (int64, error) {
	if t.pg != nil {
		return now.home, t.pgVersion(w, now)
	}
	if now.rid == 0 {
		t.rid++
		now.rid = t.rid
	}
	var row int64
	_, err := t.c.one(`INSERT INTO resource_version VALUES(?,?,?,?,?,?,?,NULL,?) RETURNING rowid`,
		args(now.home, now.rid, now.ver, now.at, now.deleted, w.dict, metaPlace(w.Ref, w.MetaAt, w.dict, w.packed), w.packed), &row)
	return row, err
}

// heads makes the version visible in each of its compartments.
func (t *tx) heads(w *preparedWrite, now *head, vrow int64) error {
	cust, err := t.organization(w.Facts.Custodian)
	if err != nil {
		return err
	}
	author, err := t.organization(w.Facts.Author)
	if err != nil {
		return err
	}
	if author == cust {
		author = 0
	}
	pat := patients(w.Facts.Patients)
	for _, c := range now.comps {
		err := t.c.exec(`INSERT INTO resource_head VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			c, now.typ, now.rid, w.Ref.ID, now.ver, now.at, now.filed, now.deleted, vrow, cust, author, pat, now.facts)
		if err != nil {
			return err
		}
	}
	return nil
}

// organization interns a party that a filter can ask for; others are 0.
func (t *tx) organization(r fhir.Ref) (int64, error) {
	if r.Type != "Organization" {
		return 0, nil
	}
	return t.number(r.Current().String())
}

// patients is the text by which rows of exactly these patients are found.
func patients(refs []fhir.Ref) string {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.Current().String()
	}
	return strings.Join(ids, " ")
}

// locate remembers where the resource is and what the next version has to undo.
func (t *tx) locate(w *preparedWrite, old, now *head) error {
	var keys any
	if len(now.keys) > 0 {
		b, err := json.Marshal(now.keys)
		if err != nil {
			return err
		}
		keys = string(b)
	}
	comps := formatComps(now.comps)
	if old.rid != 0 && keys == nil && len(old.keys) == 0 && comps == formatComps(old.comps) {
		return nil
	}
	if old.rid == 0 {
		return t.c.exec(`INSERT INTO locate VALUES(?,?,?,?,?,?)`, now.typ, w.Ref.ID, now.rid, now.home, comps, keys)
	}
	return t.c.exec(`UPDATE locate SET comps=?,keys=? WHERE type=? AND id=?`, comps, keys, now.typ, w.Ref.ID)
}

// index writes the search rows in each compartment and the cross-compartment rows.
func (t *tx) index(w *preparedWrite, now *head) error {
	rows, err := t.idxRows(w.Rows)
	if err != nil {
		return err
	}
	for _, c := range now.comps {
		if err := t.insertIdx(c, now.rid, rows); err != nil {
			return err
		}
	}
	if now.keys, err = t.gidxKeys(w, now); err != nil {
		return err
	}
	for _, k := range now.keys {
		err := t.c.exec(`INSERT INTO gidx VALUES(?,?,?,?,?,?) ON CONFLICT DO NOTHING`, now.typ, k.Param, k.Val, k.Sys, k.Comp, now.rid)
		if err != nil {
			return err
		}
	}
	return nil
}

// gidxKeys returns the rows by which a resource is found without knowing its compartment.
func (t *tx) gidxKeys(w *preparedWrite, now *head) ([]gkey, error) {
	var keys []gkey
	for _, id := range w.Identifiers {
		sys, err := t.number(id.System)
		if err != nil {
			return nil, err
		}
		keys = append(keys, gkey{gidxIdentifier, sys, t.c.key(id.Value), now.comps[0]})
	}
	if slices.Contains(partyTypes[:], w.Ref.Type) {
		for _, p := range w.Facts.Parties {
			for _, c := range now.comps {
				keys = append(keys, gkey{gidxParty, 0, p.Current().String(), c})
			}
		}
	}
	for i := range w.Rows {
		r := &w.Rows[i]
		switch {
		case r.Kind == search.Token && r.Param == identifierParam:
			more, err := t.searchKey(r, now)
			if err != nil {
				return nil, err
			}
			keys = append(keys, more)
		case pinsRow(r) && !slices.Contains(w.Compartments, r.Value):
			keys = append(keys, gkey{gidxStray, 0, r.Value, now.comps[0]})
		}
	}
	return keys, nil
}

func (t *tx) searchKey(r *search.Row, now *head) (gkey, error) {
	param, err := t.number(r.Param)
	if err != nil {
		return gkey{}, err
	}
	sys, err := t.number(r.System)
	return gkey{param, sys, t.c.key(r.Value), now.comps[0]}, err
}

// partyTypes are the types that relate an organisation to a child (Snapshot.Related).
var partyTypes = [...]fhir.Type{"CareTeam", "Consent", "DetectedIssue", "Task"}

// identifierParam is the token parameter that is indexed across compartments.
const identifierParam = "identifier"

// pinsRow reports whether a search within one compartment can be asked for this row.
func pinsRow(r *search.Row) bool {
	return r.Kind == search.Reference && fhir.ValidID(r.Value) && (pinsPatient(r.Param) || r.System == patientType)
}

// pinsPatient names the parameters that keep a search within one compartment.
func pinsPatient(param string) bool { return param == "patient" || param == "subject" }
