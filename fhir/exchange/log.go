package exchange

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// The log as it is read (access.md 8, "Who reads it"). AuditEvents are kept in the chains and
// nowhere else: who reads them goes through the chain of one child.

// auditType is the type of the rows of the chains.
const auditType fhir.Type = "AuditEvent"

// Bounds of one answer.
const (
	logChunk = 200   // rows that are read at once
	maxLog   = 5_000 // rows that are looked at
)

// logReader reads the chain of one child for one principal.
type logReader struct {
	w     *world
	p     auth.Principal
	a     auth.Action
	child string
	up    bool      // the oldest first
	since time.Time // no row before it is asked for
	where []search.Clause
	kin   kinship
	staff map[fhir.Ref][]auditConcept // roles in the teams of the child, once they are asked for
}

// logged is one row that the principal may see, as it may see it.
type logged struct {
	Stored
	seq      int64
	decision auth.Decision
}

// searchLog is searchOnce for the log. The order is that of the chain, the newest first unless the
// plan asks for the oldest.
func (s *Service) searchLog(w *world, v Snapshot, e *event, plan search.Plan) (Results, error, error) {
	const op = "exchange.searchLog"
	a := auth.Action{Interaction: auth.SearchType, Type: auditType}
	d, err := w.decide(e.call.Principal, a, nil)
	if err != nil {
		return Results{}, nil, err
	}
	if !d.Permit {
		e.denied(d, e.call.Principal.Patient)
		return Results{}, refusal(op, d), nil
	}
	e.asked(d)
	children, err := w.loggedChildren(e.call.Principal, a, plan)
	if err != nil || len(children) == 0 {
		return Results{Total: totalOf(plan, 0)}, nil, err
	}
	if len(children) > 1 {
		return Results{}, nil, fhir.Errorf(fhir.BadRequest, op, "required", "log-patient", "The log is read for one child; name it with patient=.")
	}
	l := logReader{w: w, p: e.call.Principal, a: a, child: children[0], where: plan.Where, since: since(plan.Where)}
	if l.up, err = oldestFirst(plan.Sort); err != nil {
		return Results{}, nil, err
	}
	out, err := l.page(v, e, plan)
	return out, nil, err
}

// loggedChildren returns the children whose log is asked for.
func (w *world) loggedChildren(p auth.Principal, a auth.Action, plan search.Plan) ([]string, error) {
	if auth.OnlyOwnPatient(p, a) {
		return []string{p.Patient.ID}, nil
	}
	ids, pinned := pinnedPatients(plan)
	if !pinned {
		var err error
		if ids, err = w.related(p); err != nil {
			return nil, unavailable("exchange.log", "policy-unavailable", err)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// oldestFirst reads the order that is asked for: the log has the order of time alone.
func oldestFirst(keys []search.Sort) (bool, error) {
	if len(keys) == 0 {
		return false, nil
	}
	if k := keys[0]; len(keys) == 1 && (k.Param == "date" || k.Param == "_lastUpdated") {
		return !k.Desc, nil
	}
	return false, fhir.Errorf(fhir.BadRequest, "exchange.log", "not-supported", "log-sort", "The log is sorted by date alone: _sort=-date or _sort=date.")
}

// since returns the instant before which no row can meet the clauses on date, zero for none.
func since(where []search.Clause) time.Time {
	var out time.Time
	for _, c := range where {
		if c.Param != "date" || c.Modifier != "" || len(c.Values) != 1 {
			continue
		}
		switch v := c.Values[0]; v.Op {
		case search.Eq, search.Ge, search.Gt, search.Sa:
			if at := time.UnixMilli(int64(v.Low)); at.After(out) {
				out = at
			}
		}
	}
	return out
}

func totalOf(plan search.Plan, n int) int {
	if plan.Total || plan.Count == 0 {
		return n
	}
	return -1
}

// page reads one page and, when the plan wants it, counts all. The event has the child, and not
// each row: a look at the log would else grow the log by its own length.
func (l *logReader) page(v Snapshot, e *event, plan search.Plan) (Results, error) {
	const op = "exchange.log"
	out := Results{Total: totalOf(plan, 0)}
	from, err := strconv.ParseInt("0"+plan.Cursor, 10, 64)
	if err != nil {
		return out, fhir.Wrap(op, err)
	}
	if out.Total >= 0 {
		stopped, err := l.walk(v, 0, func(logged) (bool, error) { out.Total++; return true, nil })
		if err != nil {
			return out, err
		}
		if stopped > 0 {
			return out, fhir.Errorf(fhir.BadRequest, op, "too-costly", "log-count", "The log is too long to count; bound it with date=.")
		}
	}
	if plan.Count == 0 {
		return out, nil
	}
	var last int64
	stopped, err := l.walk(v, from, func(row logged) (bool, error) {
		if len(out.Matches) == plan.Count {
			out.Next = strconv.FormatInt(last, 10)
			return false, nil
		}
		last = row.seq
		served, err := serve(row.Stored, row.decision)
		if len(out.Matches) == 0 {
			e.touches = append(e.touches, touch{patients: row.Facts.Patients, decision: row.decision})
		}
		out.Matches = append(out.Matches, served)
		return true, err
	})
	if stopped > 0 {
		out.Next = strconv.FormatInt(stopped, 10)
	}
	return out, err
}

// walk calls f for the rows behind from that the principal may see and that meet the clauses, until
// f says no. It returns the row at which it gave up, 0 when it came to the end.
func (l *logReader) walk(v Snapshot, from int64, f func(logged) (bool, error)) (int64, error) {
	for range maxLog / logChunk {
		rows, err := l.chunk(v, from)
		if err != nil {
			return 0, err
		}
		for i := range rows {
			from = rows[i].Seq
			if !l.up && rows[i].At.Before(l.since) {
				return 0, nil
			}
			if !l.dated(rows[i].At) {
				continue
			}
			row, ok, err := l.read(&rows[i])
			if err != nil {
				return 0, err
			}
			if !ok {
				continue
			}
			if more, err := f(row); err != nil || !more {
				return 0, err
			}
		}
		if len(rows) < logChunk {
			return 0, nil
		}
	}
	return from, nil
}

// dated reports whether an instant meets the clauses on date, so that no other row is parsed.
func (l *logReader) dated(at time.Time) bool {
	ms := float64(at.UnixMilli())
	row := []search.Row{{Param: "date", Kind: search.Date, Low: ms, High: ms + 1}}
	return !slices.ContainsFunc(l.where, func(c search.Clause) bool {
		return c.Param == "date" && !search.Matches(row, c)
	})
}

func (l *logReader) chunk(v Snapshot, from int64) ([]AuditRow, error) {
	rows, err := v.Recent, error(nil)
	if l.up {
		rows, from = v.Audit, from+1
	}
	out, err := rows(l.child, from, logChunk)
	return out, fhir.Wrap("exchange.log", err)
}

// read returns a row as the principal may see it; false when it may not, or when the row does not
// meet the clauses, which look at nothing that is not shown.
func (l *logReader) read(row *AuditRow) (logged, bool, error) {
	const op = "exchange.log"
	ev := loggedEvent{}
	if err := json.Unmarshal(row.Body, &ev); err != nil {
		return logged{}, false, fhir.Wrap(op, err)
	}
	view := l.familyView
	if l.p.Role == auth.Admin {
		view = l.wholeView
	}
	shown, ok, err := view(&ev)
	if err != nil || !ok {
		return logged{}, false, err
	}
	body, err := JSON(shown)
	if err != nil {
		return logged{}, false, fhir.Wrap(op, err)
	}
	r, issues := fhir.Parse(body, fhir.Limits{})
	if fhir.HasErrors(issues) {
		return logged{}, false, &fhir.Error{Kind: fhir.Internal, Op: op, Issues: issues}
	}
	index, err := search.Index(r, l.w.s.base)
	if err != nil {
		return logged{}, false, fhir.Wrap(op, err)
	}
	out := logged{seq: row.Seq, Stored: Stored{Ref: fhir.Ref{Type: auditType, ID: ev.ID, Version: 1}, Updated: row.At}}
	index = append(index, search.OwnRows(ev.ID, row.At)...)
	if slices.ContainsFunc(l.where, func(c search.Clause) bool { return !search.Matches(index, c) }) {
		return out, false, nil
	}
	out.Facts = auth.FactsOf(r, index, nil)
	out.Facts.Ref, out.Facts.FiledAt, out.Facts.Updated = out.Ref, row.At, row.At
	out.Facts.Patients, out.Facts.Author = []fhir.Ref{patientOf(l.child)}, ev.responsible()
	if out.decision, err = l.w.decide(l.p, l.a, &out.Facts); err != nil {
		return out, false, err
	}
	out.Body, out.MetaAt, err = r.Body()
	return out, out.decision.Permit, fhir.Wrap(op, err)
}

// readLog is readOne for the log: it looks for the row among the newest of the children whom the
// principal reaches.
func (s *Service) readLog(w *world, e *event, ref fhir.Ref) (Served, error, error) {
	const op = "exchange.readLog"
	p, a := e.call.Principal, auth.Action{Interaction: e.interaction, Type: auditType}
	d, err := w.decide(p, a, nil)
	if err != nil {
		return Served{}, nil, err
	}
	if !d.Permit {
		e.denied(d, p.Patient)
		return Served{}, refusal(op, d), nil
	}
	children, err := w.loggedChildren(p, a, search.Plan{Type: auditType})
	if err != nil {
		return Served{}, nil, err
	}
	for _, child := range children {
		l := logReader{w: w, p: p, a: a, child: child}
		row, ok, err := l.find(ref.ID)
		if err != nil {
			return Served{}, nil, err
		}
		if !ok || ref.Version > 1 {
			continue
		}
		e.saw(row.Stored, row.decision)
		out, err := serve(row.Stored, row.decision)
		return out, nil, err
	}
	e.missed()
	return Served{}, notFound(op, "not-found"), w.pretend(p, a)
}

// find looks for a row by its id. The text tells which rows are worth reading.
func (l *logReader) find(id string) (logged, bool, error) {
	text := []byte(`"id":"` + id + `"`)
	for from, left := int64(0), maxLog; left > 0; left -= logChunk {
		rows, err := l.w.v.Recent(l.child, from, logChunk)
		if err != nil || len(rows) == 0 {
			return logged{}, false, fhir.Wrap("exchange.log", err)
		}
		for i := range rows {
			if bytes.Contains(rows[i].Body, text) {
				row, ok, err := l.read(&rows[i])
				return row, ok && row.Ref.ID == id, err
			}
		}
		from = rows[len(rows)-1].Seq
	}
	return logged{}, false, nil
}
